"""Settings as forms: each field of a settings model becomes a widget with its own description.

Widget keys are `<prefix>.<field>`; values outlive a change of page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from influence_core.config import Model, validated
from influence_core.errors import ConfigError
from influence_core.scores.registry import SCORES
from ui.wording import NORMS, glosses

_CHOICES = {"probe": "Probe: fast, a proxy", "finetune": "Fine-tune: thorough, slow", **NORMS}
"""Choices that their bare name does not explain."""

_TOLERATED = 1.0
"""Points of accuracy that may be lost unless others are asked for."""

_WORDS = {
    "lr": "learning rate",
    "id": "id",
    "pvi": "PVI",
    "vog": "VoG",
    "el2n": "EL2N",
    "f1": "F1",
    "normalise": "compared",
}


def fields(
    model: type[BaseModel], names: Iterable[str], prefix: str, start: BaseModel | None = None
) -> dict[str, Any]:
    """Draw the named fields of `model` and return their values."""
    return {name: field(model, name, prefix, start) for name in names}


def field(model: type[BaseModel], name: str, prefix: str, start: BaseModel | None = None) -> Any:
    """Draw one field of `model`, filled from `start` or its default, and return its value."""
    info = model.model_fields[name]
    draw, inner = _widget(info.annotation)
    common = {
        "label": label(name),
        "help": info.description,
        "key": f"{prefix}.{name}",
        "persist_state": "session",
    }
    value = draw(info if start is None else _filled(info, getattr(start, name)), inner, common)
    return info.default if value is None else value


def _filled(info: FieldInfo, value: Any) -> FieldInfo:
    """Return a field that looks the same but for its default."""
    other = copy(info)
    other.default = value
    return other


def build(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Make settings from the values of a form.

    Raises:
        ConfigError: a value breaks its field's rule; the message lists all of them.
    """
    return validated(model, values, naming=label)


def tolerance(place: Any, key: str, **look: Any) -> float:
    """Draw how much accuracy may be lost, asked for in points; return it as a share."""
    points: float = place.number_input(
        "Accuracy that may be lost, in points",
        min_value=0.0,
        max_value=100.0,
        value=_TOLERATED,
        step=0.25,
        format="%g",
        key=key,
        persist_state="session",
        **look,
    )
    return points / 100


def tolerated(key: str) -> float:
    """Return what was typed into the field of that key, for what is drawn above it."""
    return float(st.session_state.get(key, _TOLERATED)) / 100


def label(name: str) -> str:
    """Return a field's name in words: `encoder_lr` → `Encoder learning rate`."""
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def worded(value: Any) -> str:
    """Return a setting's value in words."""
    if value is None or value == "":
        return "not set" if value is None else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(worded, value)) or "none"
    if isinstance(value, str) and value in SCORES:
        return SCORES[value].label
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


Draw = Callable[[FieldInfo, Any, dict[str, Any]], Any]


def _widget(annotation: Any) -> tuple[Draw, Any]:
    """Return how to draw a type, and the type without its None."""
    inner, optional = _without_none(annotation)
    if get_origin(inner) is Literal:
        return _choice, inner
    if get_origin(inner) is tuple:
        return _listed(get_args(inner)[0])
    if inner is bool:
        return _switch, inner
    if inner in (int, float):
        return (_optional_number if optional else _number), inner
    return _text, inner


def _listed(item: Any) -> tuple[Draw, Any]:
    """Return how to draw several of a type, and the type of one."""
    kind = get_args(item)[0] if get_origin(item) is Annotated else item
    if get_origin(kind) is Literal:
        return _several, kind
    return (_numbers if kind in (int, float) else _scores), kind


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, UnionType):
        rest = [part for part in get_args(annotation) if part is not NoneType]
        return rest[0], len(rest) < len(get_args(annotation))
    return annotation, False


def _choice(info: FieldInfo, inner: Any, common: dict[str, Any]) -> Any:
    options = list(get_args(inner))
    return st.selectbox(
        options=options,
        index=options.index(info.default),
        format_func=_called,
        **common,
    )


def _called(choice: Any) -> str:
    return _CHOICES.get(choice, str(choice))


def _switch(info: FieldInfo, inner: Any, common: dict[str, Any]) -> bool:
    return st.toggle(value=info.default, **common)


def _number(info: FieldInfo, inner: Any, common: dict[str, Any]) -> Any:
    low, high = _bounds(info, inner)
    looks = {"step": 1} if inner is int else {"step": _step(info.default), "format": "%g"}
    return st.number_input(
        min_value=low, max_value=high, value=inner(info.default), **looks, **common
    )


def _optional_number(info: FieldInfo, inner: Any, common: dict[str, Any]) -> Any:
    low, high = _bounds(info, inner)
    return st.number_input(
        min_value=low, max_value=high, value=info.default, placeholder="not set", **common
    )


def _text(info: FieldInfo, inner: Any, common: dict[str, Any]) -> str | None:
    typed = st.text_input(value=info.default or "", placeholder="not set", **common)
    return typed.strip() or None


def _numbers(info: FieldInfo, inner: Any, common: dict[str, Any]) -> tuple[Any, ...]:
    typed = st.text_input(value=", ".join(f"{item:g}" for item in info.default), **common)
    try:
        return tuple(inner(part) for part in typed.split(",") if part.strip())
    except ValueError:
        kind = "whole numbers, as in 64, 64" if inner is int else "numbers, as in 0.1, 0.5"
        raise ConfigError(f"'{common['label']}' must be {kind}; got {typed!r}.") from None


def _several(info: FieldInfo, inner: Any, common: dict[str, Any]) -> tuple[str, ...]:
    options = list(get_args(inner))
    return tuple(
        st.multiselect(
            options=options,
            default=list(info.default),
            format_func=_called,
            **common,
        )
    )


def _scores(info: FieldInfo, inner: Any, common: dict[str, Any]) -> tuple[str, ...]:
    told = f"{common['help']}\n\n{glosses(SCORES.values())}"
    chosen = st.multiselect(
        options=list(SCORES),
        default=list(info.default),
        format_func=lambda key: SCORES[key].label,
        **(common | {"help": told}),
    )
    return tuple(chosen)


def _bounds(info: FieldInfo, kind: type) -> tuple[Any, Any]:
    """Return the inclusive bounds that a field states, None where it states none."""
    low = next((rule.ge for rule in info.metadata if hasattr(rule, "ge")), None)
    high = next((rule.le for rule in info.metadata if hasattr(rule, "le")), None)
    return (None if low is None else kind(low)), (None if high is None else kind(high))


def _step(default: float) -> float:
    """Return a step that suits the size of the default: a tenth of its magnitude."""
    from math import floor, log10

    return 10.0 ** (floor(log10(abs(default))) - (0 if default < 1e-2 else 1)) if default else 0.01
