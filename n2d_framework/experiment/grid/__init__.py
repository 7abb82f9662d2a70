"""The grid of a comparison: its variants, which of them are chosen, and checks before it runs."""
