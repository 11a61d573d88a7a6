"""The table of commands. Their modules load when they are called, so that help comes at once."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Entry(NamedTuple):
    """The module under `influence_core.cli` that holds a command, and what it does.

    `function` is named where it cannot be called as the command is.
    """

    module: str
    summary: str
    function: str = ""


COMMANDS = {
    "run": Entry("run", "Train on a dataset and score every training example."),
    "score": Entry("score", "Score with checkpoints of a classifier that was trained elsewhere."),
    "demo": Entry("run", "Make the demo run from the built-in dataset, if there is none."),
    "app": Entry("serve", "Open the dashboard on this machine."),
    "runs": Entry("look", "List the runs."),
    "show": Entry("look", "Show what a run found: figures, and its hardest and easiest examples."),
    "scores": Entry("look", "List the scores and how to read them."),
    "explain": Entry("explain", "Show which training rows made the model say this."),
    "prune": Entry("prune", "Measure what dropping training rows would do, before any is dropped."),
    "nlu": Entry(
        "nlu", "Measure what pruning does to a voice assistant's domains, intents and slots."
    ),
    "understand": Entry(
        "understand", "Follow a sentence through a stack: its domain, its intent, its slots."
    ),
    "noise": Entry("noise", "Show the training rows whose label is most likely wrong, and why."),
    "flip": Entry(
        "noise", "Write a copy of a run's data with some training labels wrong on purpose."
    ),
    "noisy": Entry(
        "noisy", "Make labels wrong on purpose, and measure what pruning does and finds then."
    ),
    "reviewed": Entry(
        "reviewed", "Write a copy of a run's data with the decisions of its reviewers applied."
    ),
    "import": Entry("importing", "Make a run of scores that were computed elsewhere.", "bring"),
    "export": Entry("export", "Write a curated subset of a run's dataset."),
    "tails": Entry("tails", "Write the hardest and the easiest rows of a score into a file."),
    "retention": Entry(
        "retention", "Tell what every group would keep and lose, before anything is trained."
    ),
    "overlap": Entry("overlap", "Tell what two subsets of a run have in common, against chance."),
    "compare": Entry(
        "comparing", "Tell which of two models is better at what, and how sure that is."
    ),
    "map": Entry("mapping", "Lay a run's examples out in a plane, for the Map page.", "lay_out"),
    "report": Entry("report", "Write what a run found into one HTML file, for people who decide."),
    "cancel": Entry("look", "Stop the background job of a run, or take it out of the queue."),
    "delete": Entry("look", "Delete a run with everything in it."),
}

HIDDEN = {"work": Entry("run", "Compute a run in the background.")}


class LazyGroup(TyperGroup):
    """A group that knows its commands by their summaries and loads the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.add_command(TyperCommand(name, help=entry.summary))
        for name, entry in HIDDEN.items():
            self.add_command(TyperCommand(name, help=entry.summary, hidden=True))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Replace the placeholder of the called command by the command itself."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else placeholder, rest


def load(name: str) -> Any:
    """Import a command and build it."""
    entry = {**COMMANDS, **HIDDEN}[name]
    module = import_module(f"influence_core.cli.{entry.module}")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(getattr(module, entry.function or name))
    return get_command(app)


def _show_version(asked: bool) -> None:
    if asked:
        import influence_core
        from influence_core.cli.terminal import output

        output().print(influence_core.__version__)
        raise typer.Exit


def group() -> Any:
    """Build the `influence` command."""
    app = typer.Typer(cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(influence)
    return get_command(app)


def influence(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """See which of your labelled texts matter, which labels are wrong, and what can go."""
