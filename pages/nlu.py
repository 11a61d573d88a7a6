"""NLU: what pruning does to a voice assistant, from its domains to its slots."""

from ui import shell, stack_data, stack_figures, stack_plan, stack_pruning, stack_trial, stacks

shell.header("NLU", "What does pruning do to a voice assistant: to its domains, intents and slots?")
view = shell.lens()
if view is not None and stack_plan.possible(view):
    experiment, part = stacks.controls(view.run)
    if experiment is not None:
        stacks.watch(experiment)
    if experiment is not None and stacks.readable(experiment):
        if part == "figures":
            stack_figures.show(experiment)
        elif part == "pruning":
            stack_pruning.show(experiment)
        elif part == "try":
            stack_trial.show(experiment)
        else:
            stack_data.show(view, experiment)
    stack_plan.plan(view)
