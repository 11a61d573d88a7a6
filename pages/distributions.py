"""Distributions: how a score is spread over the dataset and over its classes, and why it works."""

from ui import crossing, grouped, parts, rows, sampled, shell, spread, timing

shell.header(
    "Distributions", "How are the scores spread, which classes are hard, and compared with what?"
)
view = shell.lens()
if view is not None:
    rows.bar(view.run, view.manifest)
    part = parts.choose(spread.PARTS)
    if not crossing.any_left(view):
        pass
    elif part == "shape":
        spread.shape(view)
        spread.compared(view, spread.controls(view))
    elif part == "groups":
        grouping = spread.controls(view)
        grouped.hardness(view, grouping)
        grouped.normalised(view, grouping)
        grouped.table(view, grouping)
    elif part == "sampling":
        sampled.show(view)
    else:
        timing.show(view)
