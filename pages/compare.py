"""Compare: two runs, or two models of experiments, side by side."""

from ui import comparing, shell, sides

shell.header("Compare", "Which of two models is better, at what, and how sure is that?")
view = shell.lens()
if view is not None:
    chosen = sides.choose(view)
    if chosen is not None:
        comparing.metrics(view, *chosen)
        comparing.scores(view, *chosen)
