"""A library that does things to its process when it is imported, as heavy ones do."""

from __future__ import annotations

import matplotlib as mpl  # noqa: F401  # one of those that the kit calls heavy
from wrong_effects import disturb

disturb()
