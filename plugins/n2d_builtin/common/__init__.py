"""What several families share: threads, compiled code, checked rows, principal axes, starts."""
