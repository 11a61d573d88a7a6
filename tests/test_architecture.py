"""The plan of the house, enforced: what may import what; modules are short, quiet and safe."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "influence_core"

LAYERS = (
    ("errors", "access", "config", "progress", "hub", "pools", "parallel", "ranks"),
    ("store",),
    ("working",),
    ("data",),
    ("model",),
    ("training",),
    ("scores",),
    ("exchange",),
    ("selection",),
    ("mapping",),
    ("pruning",),
    ("comparing",),
    ("noise",),
    ("nlu",),
    ("stages",),
    ("estimate",),
    ("pipeline",),
    ("recorder",),
    ("noisy",),
    ("report",),
    ("exporting",),
    ("queue",),
    ("jobs",),
    ("cli",),
    ("__main__",),
)
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}

HEAVY = ("torch", "transformers", "umap", "ray", "datasets", "sklearn", "plotly", "pandas")
LAZY_AS_A_WHOLE = (
    "data",
    "model",
    "training",
    "scores",
    "exchange",
    "selection",
    "pruning",
    "nlu",
    "report",
)
"""Packages whose modules may import heavy libraries at their top: who uses them imports lazily."""

MAX_LINES = 400
FORBIDDEN_CALLS = {"torch.load", "pickle.load", "pickle.loads", "joblib.load"}
FORBIDDEN_KEYWORDS = {"trust_remote_code", "allow_pickle"}


def modules(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


CORE_MODULES = modules(CORE)
APP_MODULES = [ROOT / "app.py", *modules(ROOT / "pages", ROOT / "ui")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(source: str, top_only: bool = False) -> Iterator[str]:
    """Yield the dotted names that a module imports; `top_only` leaves lazy imports out."""
    tree = ast.parse(source)
    for node in _executed_on_import(tree) if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _executed_on_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _executed_on_import(child)


def package_imports(source: str, package: str) -> set[str]:
    return {name for name in imports(source) if name.split(".")[0] == package}


def upward_imports(layer: str, source: str) -> set[str]:
    """Return imports of a layer that lies above `layer`."""
    return {
        name
        for name in package_imports(source, "influence_core")
        if LEVELS.get(_layer(name), -1) > LEVELS[layer]
    }


def _layer(imported: str) -> str:
    return imported.split(".")[1] if "." in imported else ""


def calls(source: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


def dangers(source: str) -> set[str]:
    """Return calls and imports that would run code out of a file."""
    found = {name for name in imports(source) if name.split(".")[0] in ("pickle", "dill")}
    for call in calls(source):
        name = ast.unparse(call.func)
        safe = any(
            keyword.arg == "weights_only" and ast.unparse(keyword.value) == "True"
            for keyword in call.keywords
        )
        if name in FORBIDDEN_CALLS and not (name == "torch.load" and safe):
            found.add(name)
    return found | {name for name, value in _settings(source) if value != "False"}


def _settings(source: str) -> Iterator[tuple[str, str]]:
    """Yield the forbidden keywords that are given, directly or in a dictionary, and their value."""
    for node in ast.walk(ast.parse(source)):
        pairs: list[tuple[object, ast.expr]] = []
        if isinstance(node, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Dict):
            keys = (getattr(key, "value", None) for key in node.keys)
            pairs = list(zip(keys, node.values, strict=True))
        for name, value in pairs:
            if name in FORBIDDEN_KEYWORDS:
                yield str(name), ast.unparse(value)


def prints(source: str) -> set[str]:
    return {ast.unparse(call) for call in calls(source) if ast.unparse(call.func) == "print"}


@pytest.mark.parametrize("path", CORE_MODULES, ids=name_of)
def test_the_core_module_keeps_to_its_layer(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not package_imports(source, "streamlit")
    if path.relative_to(CORE).parts[0] != "report":
        assert not package_imports(source, "plotly")
    layer = path.relative_to(CORE).parts[0].removesuffix(".py")
    if layer == "__init__":
        return
    assert layer in LEVELS, f"{layer} has no place in the plan"
    assert not upward_imports(layer, source)


@pytest.mark.parametrize("path", [*CORE_MODULES, *APP_MODULES], ids=name_of)
def test_the_module_is_short_quiet_and_safe(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_LINES
    assert not dangers(source)
    assert not prints(source)


@pytest.mark.parametrize("path", APP_MODULES, ids=name_of)
def test_the_app_points_down(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not package_imports(source, "pages"), "a page is shown, never imported"
    assert not package_imports(source, "app")
    if path.parent.name == "ui":
        assert not package_imports(source, "influence_core") & {"influence_core.cli"}


def test_every_layer_of_the_plan_knows_only_those_below() -> None:
    packages = {
        path.name.removesuffix(".py") for path in CORE.iterdir() if path.name[0] not in "._"
    }
    assert packages - {"__init__", "__pycache__", "_app"} <= set(LEVELS)


def loaded_by(code: str, runs: Path) -> set[str]:
    """Return which heavy libraries a fresh interpreter has loaded after `code`."""
    probe = f"{code}\nimport json, sys; print('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=ROOT,
        env={**os.environ, "INFLUENCE_RUNS": str(runs)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1])) & set(HEAVY)


COMMAND = """
from influence_core.cli import main
try:
    main({!r})
except SystemExit as end:
    assert end.code == 0, end.code
"""


@pytest.mark.parametrize(
    "code",
    [
        "import influence_core",
        "import influence_core.jobs, influence_core.config",
        "import pathlib, influence_core.queue as queue; queue.queue_of(pathlib.Path())",
        COMMAND.format(["--help"]),
        COMMAND.format(["run", "--help"]),
        COMMAND.format(["export", "--help"]),
        COMMAND.format(["scores"]),
        COMMAND.format(["runs"]),
    ],
    ids=["package", "jobs", "waiting", "help", "run-help", "export-help", "scores", "runs"],
)
def test_light_things_load_no_heavy_library(code: str, tmp_path: Path) -> None:
    assert loaded_by(code, tmp_path) == set()


@pytest.mark.parametrize(
    "path",
    [path for path in CORE_MODULES if path.relative_to(CORE).parts[0] not in LAZY_AS_A_WHOLE],
    ids=name_of,
)
def test_light_modules_import_heavy_libraries_lazily(path: Path) -> None:
    top = {name.split(".")[0] for name in imports(path.read_text("utf-8"), top_only=True)}
    assert not top & set(HEAVY)


def test_pages_that_read_scores_load_no_model_library(tmp_path: Path) -> None:
    light = {"plotly", "pandas"}
    reading = "import ui.queries, influence_core.store.tables, influence_core.scores.registry"
    assert loaded_by(reading, tmp_path) <= light


def test_probes_of_an_experiment_load_torch_alone(tmp_path: Path) -> None:
    assert loaded_by("import influence_core.pruning.measure", tmp_path) == set()
    assert loaded_by("import influence_core.pruning.batched", tmp_path) == {"torch"}


class TestTheRulesThemselves:
    """Each rule finds what it is made for."""

    def test_upward(self) -> None:
        assert upward_imports("store", "def f():\n    from influence_core.data import load")
        assert upward_imports("store", "import influence_core.cli")
        assert upward_imports("store", "from influence_core import pipeline")
        assert not upward_imports("data", "from influence_core.store.run import Run")

    def test_dangers(self) -> None:
        assert dangers("import pickle")
        assert dangers("torch.load(path)")
        assert dangers("torch.load(path, weights_only=False)")
        assert not dangers("torch.load(path, weights_only=True)")
        assert dangers("AutoModel.from_pretrained(name, trust_remote_code=flag)")
        assert not dangers("AutoModel.from_pretrained(name, trust_remote_code=False)")
        assert dangers("options = {'trust_remote_code': True}")
        assert not dangers("options = {'trust_remote_code': False, **more}")

    def test_prints_and_layers(self) -> None:
        assert prints("def f():\n    print('hello')")
        assert package_imports("def f():\n    import streamlit as st", "streamlit")
        assert list(imports("import torch", top_only=True)) == ["torch"]
        assert not list(imports("def f():\n    import torch", top_only=True))
        assert not list(imports("if TYPE_CHECKING:\n    import torch", top_only=True))

    def test_probe(self, tmp_path: Path) -> None:
        assert loaded_by("import pandas", tmp_path) == {"pandas"}
