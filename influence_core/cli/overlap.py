"""The command that compares two subsets of a run: `overlap`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from influence_core.cli.look import AsJson, RunName
from influence_core.cli.options import chosen, with_settings
from influence_core.cli.terminal import fill, output, plain, print_json, table
from influence_core.config import validated
from influence_core.errors import ConfigError
from influence_core.selection.select import SelectionSettings
from influence_core.store.run import open_run

if TYPE_CHECKING:
    from influence_core.selection.comparison import Comparison
    from influence_core.selection.overlap import Overlap

_KINDS: dict[str, Any] = {
    name: field.annotation for name, field in SelectionSettings.model_fields.items()
}
_FIELDS: dict[str, Any] = {
    name: (kind | None, Field(None, description=SelectionSettings.model_fields[name].description))
    for name, kind in _KINDS.items()
}
_OTHER = create_model("OtherSettings", **_FIELDS)
_WITH = {f"{_OTHER.__name__}.{name}": f"with_{name}" for name in _FIELDS}

_OF_SCORES = {"prune", "score", "normalise"}
_MATTERS = {"fraction", "strategy", *_OF_SCORES}


@with_settings(SelectionSettings, _OTHER, rename=_WITH)
def overlap(name: RunName, as_json: AsJson = False, *, given: dict[str, object]) -> None:
    """Tell what two subsets of a run have in common, against chance.

    The options describe the first as `influence export` takes them. The second is the same but for
    what the options --with-... say.
    """
    from influence_core.selection.comparison import compare

    own, other = chosen(SelectionSettings, given), chosen(_OTHER, given, _WITH)
    if not other:
        raise ConfigError(
            "The second subset is the same as the first: say in what it differs by an option that "
            "begins with --with-, as `--with-score el2n`."
        )
    first = validated(SelectionSettings, own)
    second = validated(SelectionSettings, own | other, lambda field: f"with_{field}")
    found = compare(open_run(name), first, second)
    if as_json:
        print_json(_facts(found))
    else:
        _print(found)


def _facts(found: Comparison) -> dict[str, Any]:
    return {
        "first": found.first.settings.model_dump(mode="json"),
        "second": found.second.settings.model_dump(mode="json"),
        "kept": asdict(found.kept),
        "dropped": asdict(found.dropped),
        "classes": {label: asdict(overlap) for label, overlap in found.classes.items()},
    }


def _print(found: Comparison) -> None:
    console = output()
    for name, selection in (("first", found.first), ("second", found.second)):
        console.print(plain(f"{name:<8} {described(selection.settings)}"))
    columns = ("both#", "only first#", "only second#", "Jaccard#", "by chance#", "95% of chance#")
    listed = table("rows", *columns)
    rows = (("kept", *_cells(found.kept)), ("dropped", *_cells(found.dropped)))
    console.print(fill(listed, rows))
    console.print(f"out of {found.kept.rows:,} training rows")


def described(settings: SelectionSettings) -> str:
    """Say how rows are chosen: what always matters, and what is not the default."""
    told = settings.model_dump()
    shown = {*_MATTERS, *settings.model_dump(exclude_defaults=True)}
    if settings.score_needed is None:
        shown -= _OF_SCORES
    return ", ".join(f"{name} {value}" for name, value in told.items() if name in shown)


def _cells(one: Overlap) -> tuple[str, ...]:
    counts = (f"{count:,}" for count in (one.both, one.only_first, one.only_second))
    by_chance = one.chance
    return (
        *counts,
        f"{one.jaccard:.3f}",
        f"{by_chance.mean:.3f}",
        f"{by_chance.low:.3f}–{by_chance.high:.3f}",
    )
