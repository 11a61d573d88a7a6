"""The public surface: small, complete, documented, and loaded on demand."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import influence_core

SOURCE = Path(influence_core.__file__).read_text(encoding="utf-8")


def test_the_surface_is_small_and_sorted_as_ruff_sorts_it() -> None:
    names = influence_core.__all__
    assert len(names) == len(set(names)) <= 25
    assert set(names) <= set(dir(influence_core))


@pytest.mark.parametrize("name", influence_core.__all__)
def test_every_public_name_resolves_and_is_documented(name: str) -> None:
    thing = getattr(influence_core, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing)
        assert thing.__module__.startswith("influence_core.")


def test_type_checkers_see_the_same_names() -> None:
    block = next(node for node in ast.parse(SOURCE).body if isinstance(node, ast.If))
    seen = {
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(influence_core.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        influence_core.nonsense  # noqa: B018


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert influence_core.__version__ == version("influence-scope")
