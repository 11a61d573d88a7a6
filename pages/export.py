"""export."""
from ui import shell
shell.header('export', 'x')

