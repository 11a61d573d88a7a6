"""Pruning: what dropping data would do, planned, watched and read before anything is dropped."""

from ui import curves, evidence, experiments, shell

shell.header(
    "Pruning", "How much training data can go, what should go first, and which classes lose by it?"
)
view = shell.lens()
if view is not None and experiments.possible(view):
    experiments.plan(view)
    chosen = experiments.choose(view.run)
    if chosen:
        shown = curves.controls(chosen)
        curves.watch(shown)
        evidence.read(shown)
