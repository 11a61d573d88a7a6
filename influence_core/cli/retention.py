"""The command that tells what a selection would keep, before anything is trained: `retention`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from influence_core.cli.frames import records
from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.overlap import described
from influence_core.cli.terminal import fill, output, plain, print_json, table
from influence_core.config import validated
from influence_core.selection.select import SelectionSettings
from influence_core.store.run import open_run

if TYPE_CHECKING:
    import pandas as pd

    from influence_core.selection.select import Selection

GROUPS_SHOWN = 20


@with_settings(SelectionSettings)
def retention(
    name: RunName,
    by: Annotated[
        str,
        typer.Option(
            help="What rows are grouped by: 'label', another input column such as domain or "
            "source, or 'length', bands of words."
        ),
    ] = "label",
    as_json: AsJson = False,
    *,
    given: dict[str, object],
) -> None:
    """Tell what every group would keep and lose, before anything is trained.

    The options describe the selection as `influence export` takes them.
    """
    from influence_core.selection.retention import retention_of
    from influence_core.selection.select import select

    run = open_run(name)
    selection = select(run, validated(SelectionSettings, chosen(SelectionSettings, given)))
    groups = retention_of(run, selection.kept, by)
    if as_json:
        settings = selection.settings.model_dump(mode="json")
        print_json({"settings": settings, "by": by, "groups": records(groups)})
    else:
        _print(selection, groups, by)


def _print(selection: Selection, groups: pd.DataFrame, by: str) -> None:
    """Print the groups, those that lose most first."""
    console = output()
    console.print(plain(described(selection.settings)))
    hit = groups.sort_values("kept_share", kind="stable").head(GROUPS_SHOWN)
    shares = ("share kept#", "of all before#", "of all after#")
    console.print(fill(table(by, "before#", "kept#", "lost#", *shares), _lines(hit)))
    if len(groups) > GROUPS_SHOWN:
        console.print(f"... and {len(groups) - GROUPS_SHOWN} groups that keep more")
    kept, dropped = len(selection.kept), len(selection.dropped)
    emptied = int((groups["kept"] == 0).sum())
    console.print(
        f"{kept:,} of {kept + dropped:,} training rows would stay, {dropped:,} would go; "
        f"groups left empty: {emptied}"
    )


def _lines(groups: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for group in groups.itertuples():
        counts = map("{:,}".format, (group.before, group.kept, group.lost))
        shares = map("{:.1%}".format, (group.kept_share, group.share_before, group.share_after))
        yield (group.value, *counts, *shares)
