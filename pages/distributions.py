"""Distributions: how a score is spread over the dataset and over its classes."""

from ui import shell, spread

shell.header(
    "Distributions", "How are the scores spread, which classes are hard, and compared with what?"
)
view = shell.lens()
if view is not None:
    grouping = spread.controls(view)
    spread.overall(view, grouping)
    spread.by_group(view, grouping)
    spread.compared(view, grouping)
    spread.normalised(view, grouping)
    spread.table(view, grouping)
