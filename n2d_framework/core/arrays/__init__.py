"""Arrays of rows: blocks, equal rows, missing values, float32, and refusals of components."""
