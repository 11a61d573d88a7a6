"""How sure the model was of a label as it learnt, as one small SVG.

It loads nothing: a page shows it before a browser has read a library of charts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from influence_core.report.drawing import Scale, band, ticks
from influence_core.report.palette import EASY, HARD, MIDDLE
from influence_core.report.wording import percent

if TYPE_CHECKING:
    import pandas as pd

WIDTH, HEIGHT = 340, 176
LEFT, RIGHT, TOP, BOTTOM = 40, 332, 10, 128

_RIGHT = f'<circle r="4.5" fill="{EASY}"/>'
_WRONG = f'<path d="M-4 -4L4 4M-4 4L4 -4" stroke="{HARD}" stroke-width="2.6"/>'
_MARKS = {True: _RIGHT, False: _WRONG}
_REACH = '<circle r="11" fill="transparent"/>'
"""What the pointer has to meet to be told a mark's figures."""


def learning_picture(points: pd.DataFrame) -> str:
    """Draw how the label's probability moved over training (`epoch`, `p_true`, `correct`).

    Args:
        points: a row for each snapshot, in their order; those that did not see it are left out.

    Returns:
        Nothing where no snapshot saw it.
    """
    points = points.dropna(subset=["p_true"])
    if points.empty:
        return ""
    last = float(points["epoch"].max())
    across, upright = Scale(0.0, last or 1.0, LEFT, RIGHT), Scale(0.0, 1.0, BOTTOM, TOP)
    moments = list(zip(points["epoch"], points["p_true"], points["correct"], strict=True))
    told = band(across, upright, [moment[:2] for moment in moments], [0.0] * len(moments))
    marks = [
        _placed(x, y, f"epoch {epoch:.3g}: {percent(sure)}, {_verdict(correct)}", correct)
        for (x, y), (epoch, sure, correct) in zip(told.marks, moments, strict=True)
    ]
    return "".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_described(points)}" '
            'style="width: 100%; max-width: 420px; font-size: 12px" fill="currentColor">',
            *(_level(upright(share), f"{share:.0%}") for share in (0.0, 0.5, 1.0)),
            *(_moment(across(epoch), f"{epoch:g}") for epoch in ticks(0.0, last or 1.0)),
            f'<path d="{told.line}" fill="none" stroke="{MIDDLE}" stroke-width="2"/>',
            *marks,
            _legend(),
            "</svg>",
        ]
    )


def _described(points: pd.DataFrame) -> str:
    first, last = points["p_true"].iloc[0], points["p_true"].iloc[-1]
    return (
        f"From {percent(first)} sure of the label to {percent(last)}; right in "
        f"{int(points['correct'].sum())} of {len(points)} snapshots."
    )


def _verdict(correct: bool) -> str:
    return "right" if correct else "wrong"


def _placed(x: float, y: float, words: str, correct: bool) -> str:
    mark = f"<g><title>{words}</title>{_REACH}{_MARKS[bool(correct)]}</g>"
    return f'<g transform="translate({x} {y})">{mark}</g>'


def _level(y: float, words: str) -> str:
    return (
        f'<path d="M{LEFT} {y}H{RIGHT}" stroke="currentColor" stroke-opacity="0.16"/>'
        f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" opacity="0.72">{words}</text>'
    )


def _moment(x: float, words: str) -> str:
    return f'<text x="{x}" y="{BOTTOM + 19}" text-anchor="middle" opacity="0.72">{words}</text>'


def _legend() -> str:
    """Name the axis, and say which mark is which."""
    y = HEIGHT - 8
    return (
        f'<text x="{LEFT}" y="{y}" opacity="0.72">Epoch</text>'
        f'<g transform="translate({RIGHT - 104} {y - 4})">{_RIGHT}</g>'
        f'<text x="{RIGHT - 94}" y="{y}" opacity="0.72">right</text>'
        f'<g transform="translate({RIGHT - 48} {y - 4})">{_WRONG}</g>'
        f'<text x="{RIGHT - 38}" y="{y}" opacity="0.72">wrong</text>'
    )
