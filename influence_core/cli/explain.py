"""The command that asks why: `explain`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from influence_core.cli.look import AsJson, RunName
from influence_core.cli.terminal import excerpt, fill, output, plain, print_json, table
from influence_core.store.run import open_run

if TYPE_CHECKING:
    from influence_core.scores.pairwise.explain import Influence, Influences


def explain(
    name: RunName,
    row: Annotated[str | None, typer.Option(metavar="ID", help="Id of a row of the run.")] = None,
    text: Annotated[str | None, typer.Option(help="A text instead, new or not.")] = None,
    text_pair: Annotated[
        str | None, typer.Option(help="Its second text, where the examples are pairs.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="Label to speak for or against; the row's own, or the predicted one."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="Rows of each side.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show which training rows made the model say this.

    Proponents are rows whose training spoke for the label, opponents those that spoke against it:
    TracIn at the head's last layer, between two examples.
    """
    from influence_core.scores.pairwise.explain import explain as explained

    found = explained(
        open_run(name), row=row, text=text, text_pair=text_pair, label=label, count=count
    )
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)


def _print(found: Influences) -> None:
    console = output()
    console.print(plain(excerpt(found.text, found.text_pair)))
    console.print(plain(f"  label {found.label}, predicted {found.predicted}"))
    if found.checkpoints < found.kept:
        console.print(
            f"  over the last of {found.kept} checkpoints: what the encoder made of this text "
            "earlier was not kept"
        )
    for side, rows in (("for", found.proponents), ("against", found.opponents)):
        console.print(plain(f"\nspoke {side} {found.label}"))
        console.print(_table(rows))


def _table(rows: Iterable[Influence]) -> Any:
    listed = table("influence#", "label", "id", "text")
    cells = (
        (f"{one.value:.4g}", one.label, one.id, excerpt(one.text, one.text_pair)) for one in rows
    )
    return fill(listed, cells)
