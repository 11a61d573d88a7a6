"""Noise: which labels are wrong, why they are suspected, and what becomes of their rows."""

from ui import desk, detection, noise, noisy, reviewed, reviewing, shell

shell.header(
    "Noise", "Which labels are wrong, why does it look so, and what should become of them?"
)
view = shell.lens()
if view is not None and (found := noise.judged(view.run)):
    seen = reviewing.open_desk(view.run)
    noise.figures(found, seen)
    desk.review(view.run, found, seen)
    reviewed.go_on(view.run, seen)
    detection.reliability(view.run, found)
if view is not None:
    noisy.show(view)
