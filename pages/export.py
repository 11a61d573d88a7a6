"""Export: drop a share of the training rows, see what that does, take the rest away."""

from ui import exporting, pruning, shell

shell.header("Export", "What can go, what does that do to every class, and where is the rest?")
view = shell.lens()
if view is not None:
    wanted = pruning.settings(view)
    chosen = pruning.preview(view, wanted)
    exporting.take_away(view, chosen)
