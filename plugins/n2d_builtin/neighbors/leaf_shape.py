"""Shape of the leaves in which points lie."""

__all__ = ["FEATURES", "LEAF"]

#: Points in a leaf.
LEAF = 128
#: Features come in groups of so many; what is missing is filled up with zeros.
FEATURES = 4
