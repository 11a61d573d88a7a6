"""Pruning: what dropping data would do, planned, watched and read before anything is dropped."""

from ui import advice, curves, evidence, experiments, shell

shell.header(
    "Pruning", "How much training data can go, what should go first, and which classes lose by it?"
)
view = shell.lens()
if view is not None and experiments.possible(view):
    shown = curves.controls(view.run)
    if shown is not None:
        curves.watch(shown, advice.answer)
        evidence.read(shown)
    experiments.plan(view)
