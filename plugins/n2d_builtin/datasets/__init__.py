"""The datasets of the N2D paper and the DCEC thesis: what they are, and readers of their files."""
