"""Imported runs on the pages: all that need no more than scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import influence_core as ic
from influence_core.config import ImportSettings
from tests.exchange.files import IDS, write_csv, write_texts

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture
def imported(runs_root: Path, tmp_path: Path) -> None:
    """A run of a score of its own and one of the registry, without model, dynamics, predictions."""
    values = [0.5, 0.25, 1.0, 0.125, 0.0, 0.75]
    table = write_csv(tmp_path / "scores.csv", {"id": IDS, "<b>trust</b>": values, "el2n": values})
    settings = ImportSettings(path="", hard=("low",))
    ic.import_scores(str(write_texts(tmp_path)), table, name="given", settings=settings)


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("home", "Import: b_trust_b, EL2N"),
        ("distributions", "Computed elsewhere and imported"),
        ("examples", "6 training rows by b_trust_b, hardest first"),
        ("export", "b_trust_b within its class decides"),
        ("run", "No model was trained here"),
    ],
)
def test_pages_open_and_say_what_there_is(imported: None, page: str, says: str) -> None:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.query_params["run"] = "given"
    if page != "home":
        app.switch_page(f"pages/{page}.py")
    app.run()
    assert not app.exception
    assert not app.error
    said = "\n".join(caption.value for caption in app.caption)
    assert says in said.replace("\\", "")
