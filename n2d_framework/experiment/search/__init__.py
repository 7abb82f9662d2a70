"""Search of a grid within a stated time: few rows for many trios, all rows for the best."""
