"""``python -m n2d_framework.cli`` is the command ``n2d``."""

from n2d_framework.cli.entry import main

main()
