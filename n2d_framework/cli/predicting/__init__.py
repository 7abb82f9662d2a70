"""Parts of the command ``predict``: labels by this process or by workers, kept as they come."""
