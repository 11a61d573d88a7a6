"""Label names: whole floats become integers, other floats are refused, names get their order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from influence_core.data.findings import Report, listed

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def names_of(labels: Sequence[str], floats: bool, report: Report) -> dict[str, str]:
    """Return the name of every distinct label as it came.

    Labels that are all numbers and not all integers came through floats: `1.0` is the class `1`.
    Anything between is no class but a quantity, which is an error.
    """
    if not labels or not all(_NUMBER.fullmatch(label) for label in labels):
        return {label: label for label in labels}
    if not floats and all(label.lstrip("+-").isdigit() for label in labels):
        return {label: label for label in labels}
    between = [label for label in labels if not float(label).is_integer()]
    if between:
        report.error(
            "label_type",
            f"The labels are numbers such as {listed(between, 3)}: this looks like regression. "
            "Classification needs classes: turn the numbers into a few named ranges first.",
        )
        return {label: label for label in labels}
    report.warning(
        "label_type",
        "The labels came as floats (such as 1.0) and are read as the integers they stand for; "
        "missing labels often cause this.",
    )
    return {label: str(int(float(label))) for label in labels}


def ordered(names: Sequence[str]) -> list[str]:
    """Return distinct names in order: by value if all are integers, else as text.

    >>> ordered(["10", "9", "9"])
    ['9', '10']
    """
    distinct = sorted(set(names))
    if all(re.fullmatch(r"-?\d+", name) for name in distinct):
        return sorted(distinct, key=lambda name: (int(name), name))
    return distinct
