"""``python -m n2d_framework`` is the command ``n2d``."""

from n2d_framework.cli import main

main()
