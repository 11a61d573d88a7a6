"""The validation report: what the data check found, by level, with counts and rows."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from influence_core.errors import DataError
from influence_core.store.masking import unsaid
from influence_core.store.run import DatasetSummary, Finding
from ui import access
from ui.wording import count

_LEVELS = {
    "error": ("red", ":material/error:", "stops the run", "stop the run"),
    "warning": ("orange", ":material/warning:", "warning", "warnings"),
    "info": ("blue", ":material/info:", "remark", "remarks"),
}


def report(findings: Iterable[Finding]) -> None:
    """Draw the findings, errors first."""
    listed = [unsaid(one) for one in findings] if access.masked() else list(findings)
    if not listed:
        st.success("The check found nothing to say.", icon=":material/check_circle:")
        return
    with st.container(horizontal=True):
        for level, (colour, icon, one, many) in _LEVELS.items():
            number = sum(finding.level == level for finding in listed)
            if number:
                st.badge(f"{number} {one if number == 1 else many}", color=colour, icon=icon)
    for finding in sorted(listed, key=lambda finding: list(_LEVELS).index(finding.level)):
        _line(finding)


def of(error: DataError) -> tuple[Finding, ...]:
    """Return the findings of an error; its message where it carries none."""
    return tuple(error.findings) or (Finding(level="error", check="source", message=str(error)),)


def sizes(summary: DatasetSummary) -> None:
    """Draw how many rows, classes and rows a split there are."""
    parts = [
        ("Rows", summary.rows),
        ("Left out", summary.rejected),
        ("Classes", len(summary.label_names)),
        *((name.capitalize(), rows) for name, rows in summary.splits.items()),
    ]
    for place, (name, number) in zip(st.columns(len(parts)), parts, strict=True):
        place.metric(name, count(number))


def _line(finding: Finding) -> None:
    colour, icon, *_ = _LEVELS[finding.level]
    sign, text = st.columns([1, 30], gap="xxsmall")
    sign.markdown(f":{colour}[{icon}]")
    text.text(finding.message)
