"""`influence report`, and the commands that a report repeats."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from influence_core.cli.commands import load
from influence_core.cli.options import chosen
from influence_core.cli.run import build_settings
from influence_core.config import ImportSettings, RunSettings
from influence_core.pruning.settings import ExperimentSettings
from influence_core.report.about_run import pruning_command, report_command, run_command
from influence_core.report.settings import ReportSettings
from influence_core.store.run import Run
from tests.cli.conftest import Influence


def typed(command: str) -> dict[str, object]:
    """Return the options of a command line by their parameter names."""
    words = shlex.split(command)
    assert words[0] == "influence"
    context = load(words[1]).make_context(words[1], words[2:])
    return {name: value for name, value in context.params.items() if value is not None}


class TestReport:
    def test_it_lies_where_it_is_asked_for(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        path = tmp_path / "out" / "told.html"
        answer = influence("report", "small", "--output", str(path), "--json")
        assert answer.json == {"path": str(path), "bytes": path.stat().st_size}
        assert influence("report", "small", "--output", str(path)).code == 2
        again = influence("report", "small", "--output", str(path), "--overwrite")
        assert (again.code, again.out.strip()) == (0, f"Report in {path}")

    def test_options_reach_it(self, influence: Influence, small_run: Run, tmp_path: Path) -> None:
        path = tmp_path / "told.html"
        options = ("--mask-texts", "--score", "pvi", "--examples", "2")
        influence("report", "small", "--output", str(path), *options)
        html = path.read_text(encoding="utf-8")
        assert "Texts are left out of this copy" in html
        assert "by PVI (bits)" in html
        assert influence("report", "small", "--examples", "0").code == 2


class TestCommandsThatRepeat:
    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {
                "data": {"source": "my file.csv", "label": "intent", "seed": 4},
                "training": {"mode": "finetune", "seed": 7, "keep_checkpoints": True},
                "model": {"head_widths": (32, 16), "encoder": "a/b"},
                "scoring": {"scores": ("vog", "pvi"), "pvi_out_of_fold": True},
            },
        ],
        ids=["defaults", "many"],
    )
    def test_a_run(self, small_run: Run, settings: dict[str, object]) -> None:
        wanted = RunSettings.model_validate(settings)
        command = run_command(small_run.manifest().model_copy(update={"settings": wanted}))
        given = typed(str(command))
        assert given.pop("name") == "small"
        assert build_settings(given) == wanted

    def test_an_import(self, small_run: Run) -> None:
        imported = ImportSettings(path="scores.csv", hard=("low", "trust=high"), partial=True)
        wanted = RunSettings(imported=imported)
        command = run_command(small_run.manifest().model_copy(update={"settings": wanted}))
        given = typed(str(command))
        assert given["path"] == "scores.csv"
        assert (
            ImportSettings.model_validate({"path": "scores.csv", **chosen(ImportSettings, given)})
            == imported
        )

    def test_a_recorded_run_has_none(self, small_run: Run) -> None:
        wanted = RunSettings.model_validate({"checkpoints": {"recorded": True}})
        manifest = small_run.manifest().model_copy(update={"settings": wanted})
        assert run_command(manifest) is None

    def test_a_pruning_experiment(self) -> None:
        wanted = ExperimentSettings(
            curves=("vog-class-easy", "random"), fractions=(0.25, 0.5), mode="finetune", epochs=3
        )
        given = typed(pruning_command("small", "half", wanted))
        assert (given["run"], given["name"]) == ("small", "half")
        assert ExperimentSettings.model_validate(chosen(ExperimentSettings, given)) == wanted

    def test_a_report(self) -> None:
        wanted = ReportSettings(score="pvi", mask_texts=True, tolerance=0.02)
        given = typed(report_command("small", wanted))
        assert given["name"] == "small"
        assert ReportSettings.model_validate(chosen(ReportSettings, given)) == wanted
