"""Parts of several families: threads, compiled code, checked rows, principal axes, starts."""
