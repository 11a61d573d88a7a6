"""Classes: how large and how hard they are, what pruning leaves of them, what was learnt."""

from ui import balance, classes, crossing, retained, rows, shell

shell.header(
    "Classes", "Which classes are small, hard or uneven, and what would pruning take from each?"
)
view = shell.lens()
if view is not None:
    rows.bar(view.run, view.manifest)
    part, by = classes.controls(view)
    if crossing.any_left(view):
        groups = classes.groups_of(view, by)
        if part == "hardness":
            classes.hardness(view, groups)
        elif part == "balance":
            balance.show(view, groups)
        elif part == "kept":
            retained.show(view, groups)
        else:
            classes.recall(view, groups)
