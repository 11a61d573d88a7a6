"""Noise: which labels are wrong, why they are suspected, and what becomes of their rows."""

from ui import desk, detection, noise, noisy, parts, reviewed, reviewing, rows, shell

shell.header(
    "Noise", "Which labels are wrong, why does it look so, and what should become of them?"
)
view = shell.lens()
if view is not None:
    part = parts.choose(noise.PARTS)
    if part == "experiment":
        noisy.show(view)
    elif (found := noise.judged(view.run)) and part == "reliable":
        detection.reliability(view.run, found)
    elif found:
        seen = reviewing.open_desk(view.run)
        noise.figures(found, seen)
        rows.bar(view.run, view.manifest)
        desk.review(view, found, seen)
        reviewed.go_on(view.run, seen)
