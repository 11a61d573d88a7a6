"""What two runs have not in common: their settings, their data, the versions they ran with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from influence_core.config import RunSettings
from influence_core.store.run import Manifest

_GUESSED = {"text", "text_pair", "label", "id", "split"}
"""Columns that are found by themselves where they are not named."""

_SILENT = {"model", "training", "scoring", "compute"}
"""Parts that have no say where scores are only imported."""


@dataclass(frozen=True)
class Difference:
    """One thing that two runs do not share; None is the value of what one of them does not have.

    `default` is what the field is where nobody says otherwise.
    """

    part: str
    name: str
    this: Any
    that: Any
    default: Any = None


def in_force(settings: RunSettings) -> dict[str, dict[str, Any]]:
    """Return the settings that had a say, by part: an import trains nothing."""
    silent = _SILENT if settings.imported else set()
    parts = settings.model_dump(mode="json", exclude=silent)
    return {part: values for part, values in parts.items() if values is not None}


def differing_settings(this: RunSettings, that: RunSettings) -> tuple[Difference, ...]:
    """Return the settings in which two runs differ, in the order of their fields.

    A column that one of them left to be guessed is no difference: whether both read the same tell
    the fingerprints of their data.

    >>> from influence_core.config import TrainingSettings
    >>> slow = RunSettings(training=TrainingSettings(epochs=20))
    >>> differing_settings(slow, RunSettings())
    (Difference(part='training', name='epochs', this=20, that=10, default=10),)
    """
    every = _differing(in_force(this), in_force(that), in_force(RunSettings()))
    return tuple(one for one in every if not _guessed(one))


def shared_settings(this: RunSettings, that: RunSettings) -> tuple[Difference, ...]:
    """Return the settings that two runs share and that are not the default."""
    ours, theirs, usual = in_force(this), in_force(that), in_force(RunSettings())
    every = _pairs(ours, theirs, usual)
    return tuple(one for one in every if one.this == one.that != one.default)


def differing_facts(this: Manifest, that: Manifest) -> tuple[Difference, ...]:
    """Return where two runs differ in their data and in the versions of what computed them."""
    return _differing(_facts(this), _facts(that), {})


def figures(this: Manifest, that: Manifest) -> tuple[Difference, ...]:
    """Return what the models of two runs reached, alike or not: accuracy and macro F1 by split."""
    return tuple(_pairs(_reached(this), _reached(that), {}))


Parts = Mapping[str, Mapping[str, Any]]


def _guessed(one: Difference) -> bool:
    return one.part == "data" and one.name in _GUESSED and None in (one.this, one.that)


def _differing(this: Parts, that: Parts, default: Parts) -> tuple[Difference, ...]:
    return tuple(one for one in _pairs(this, that, default) if one.this != one.that)


def _pairs(this: Parts, that: Parts, default: Parts) -> Iterator[Difference]:
    """Yield what either of two has, side by side, in their order."""
    for part in dict.fromkeys([*this, *that]):
        ours, theirs, usual = (side.get(part, {}) for side in (this, that, default))
        for name in dict.fromkeys([*ours, *theirs]):
            yield Difference(part, name, ours.get(name), theirs.get(name), usual.get(name))


def _facts(manifest: Manifest) -> dict[str, dict[str, Any]]:
    dataset = manifest.dataset
    data: dict[str, Any] = {}
    if dataset is not None:
        data = {
            "fingerprint": dataset.fingerprint,
            "rows": dataset.rows,
            "classes": len(dataset.label_names),
            "training rows": dataset.splits.get("train", 0),
        }
    return {"data": data, "version": dict(manifest.versions)}


def _reached(manifest: Manifest) -> dict[str, dict[str, float]]:
    wanted = ("accuracy", "macro_f1")
    return {
        split: {name: values[name] for name in wanted if name in values}
        for split, values in manifest.metrics.items()
    }
