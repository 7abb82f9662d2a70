"""``python -m n2d_framework.cli`` is the command ``n2d``."""

from n2d_framework.processes import leave_current_folder

leave_current_folder()

from n2d_framework.cli import main  # noqa: E402

main()
