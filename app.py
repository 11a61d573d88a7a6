"""Entry point of the dashboard: a frame around the pages."""

from ui import shell, walk

shell.show(walk.guide)
