"""Entry point of the dashboard: a frame around the pages."""

from ui import shell

shell.show()
