"""Export: choose what goes, see what that does to every class, take the rest away."""

from ui import curating, exported, exporting, outcome, shell, tailing

shell.header("Export", "What can go, what does that do to every class, and where is the rest?")
view = shell.lens()
if view is not None:
    wanted = curating.draft(view)
    curated = outcome.preview(view, wanted)
    if curated is not None:
        exporting.take_away(view, wanted, curated, exported.offer)
    exported.listing(view.run)
    tailing.form(view)
