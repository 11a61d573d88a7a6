"""run."""
from ui import shell
shell.header('run', 'x')

