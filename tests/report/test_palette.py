"""Colours that must be told apart are, for eyes of every kind."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest

from influence_core.report.palette import (
    DARK_GROUPS,
    EASY,
    GROUPS,
    HARD,
    KEPT,
    MIDDLE,
    bin_colours,
    hardness_colour,
)

THEME = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"

# Full dichromacy, Machado, Oliveira and Fernandes 2009, for linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(colour: str, vision: str) -> np.ndarray:
    seen = np.clip(VISIONS[vision] @ linear(colour), 0, 1)
    ratio = XYZ @ seen / (XYZ @ np.ones(3))
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(first: str, second: str) -> float:
    light, dark = sorted((float(XYZ[1] @ linear(c)) for c in (first, second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def theme() -> dict:
    return tomllib.loads(THEME.read_text(encoding="utf-8"))["theme"]


@pytest.mark.parametrize("vision", VISIONS)
def test_easy_and_hard_are_far_apart(vision: str) -> None:
    assert np.linalg.norm(lab(EASY, vision) - lab(HARD, vision)) > 40


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("vision", VISIONS)
def test_groups_are_told_apart(mode: str, vision: str) -> None:
    colours = theme()[mode]["chartCategoricalColors"][:6]
    distances = [
        np.linalg.norm(lab(first, vision) - lab(second, vision))
        for first, second in itertools.combinations(colours, 2)
    ]
    assert min(distances) > 8


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_colour_stands_out_from_the_page(mode: str) -> None:
    page = theme()[mode]["backgroundColor"]
    colours = [EASY, MIDDLE, HARD, KEPT, *theme()[mode]["chartCategoricalColors"]]
    assert min(contrast(colour, page) for colour in colours) >= 3


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_what_can_be_pressed_is_read_and_seen(mode: str) -> None:
    colours = theme()[mode]
    pressed = colours["primaryColor"]
    assert contrast(pressed, "#ffffff") >= 4.5
    sidebar = colours["sidebar"].values()
    grounds = [colours["backgroundColor"], colours["secondaryBackgroundColor"], *sidebar]
    assert min(contrast(pressed, ground) for ground in grounds) >= 3


def test_the_theme_uses_the_palette() -> None:
    assert tuple(theme()["light"]["chartCategoricalColors"]) == GROUPS
    assert tuple(theme()["dark"]["chartCategoricalColors"]) == DARK_GROUPS


@pytest.mark.parametrize("hard", ["high", "low"])
def test_bins_take_the_colour_of_their_middle_row(hard: str) -> None:
    colours = bin_colours([2, 6, 2], hard)
    shares = [0.1, 0.5, 0.9] if hard == "high" else [0.9, 0.5, 0.1]
    assert colours == [hardness_colour(share) for share in shares]
    assert bin_colours([0, 0], hard) == [hardness_colour(float(hard == "low"))] * 2
