"""Deep embedded clustering (DEC, IDEC, DCEC) for n2d_framework."""
