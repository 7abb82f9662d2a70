"""Colours of groups on light and dark paper: as different as may be."""
