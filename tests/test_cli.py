"""The `influence` command, over made-up runs and a pretended pipeline."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from influence_core.cli import main, serve, terminal
from influence_core.cli.commands import COMMANDS, HIDDEN, load
from influence_core.cli.options import chosen, validated
from influence_core.cli.run import build_settings
from influence_core.cli.terminal import plain
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import ConfigError, DataError
from influence_core.progress import Listener, Progress
from influence_core.scores.registry import SCORES
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.run import Finding, Run, create_run, open_run
from tests.factory import make_run


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)


Influence = Callable[..., Answer]


@pytest.fixture
def influence(capsys: pytest.CaptureFixture[str], runs_root: Path) -> Influence:
    """Call the command line in this process, over an empty folder of runs."""

    def call(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        said = capsys.readouterr()
        return Answer(int(end.value.code or 0), said.out, said.err)

    return call


@dataclass
class Pretended:
    """A pipeline that only writes down what it was asked, and may fail."""

    calls: list[tuple[str, str | None, RunSettings | None]] = field(default_factory=list)
    error: BaseException | None = None
    signal: int | None = None

    def run(
        self,
        source: object = None,
        *,
        name: str | None = None,
        settings: RunSettings | None = None,
        listeners: Iterable[Listener] = (),
        root: Path | None = None,
    ) -> Run:
        self.calls.append(("run", name, settings))
        return self._work(create_run(name or "made-up", settings or RunSettings()), listeners)

    def resume(
        self, name: str, *, listeners: Iterable[Listener] = (), root: Path | None = None
    ) -> Run:
        self.calls.append(("resume", name, None))
        return self._work(open_run(name), listeners)

    def _work(self, run: Run, listeners: Iterable[Listener]) -> Run:
        progress = Progress(*listeners, interval=0)
        progress.begin("training", 2, "steps")
        progress.message("warning: 3 rows have no [red]label[/red] \x1b[31m")
        if self.error is not None:
            raise self.error
        if self.signal is not None:
            signal.raise_signal(self.signal)
        progress.advance(1, loss=0.5)
        progress.end()
        run.update(
            status="complete", metrics={"test": {"accuracy": 0.9375, "macro_f1": 0.9, "rows": 16.0}}
        )
        return run


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    pretended = Pretended()
    module = ModuleType("influence_core.pipeline")
    module.run, module.resume = pretended.run, pretended.resume
    monkeypatch.setitem(sys.modules, "influence_core.pipeline", module)
    monkeypatch.setattr("influence_core.pipeline", module, raising=False)
    return pretended


class TestOptions:
    def test_every_setting_is_an_option_described_by_its_field(self) -> None:
        options = {parameter.name: parameter for parameter in load("run").params}
        for model in (DataSettings, ModelSettings, TrainingSettings, ScoringSettings):
            for name, described in model.model_fields.items():
                address = f"{model.__name__}.{name}"
                option = {"DataSettings.source": "data", "DataSettings.seed": "data_seed"}
                assert options[option.get(address, name)].help == described.description

    def test_options_become_settings(self) -> None:
        given = {
            "data": "a.csv",
            "label": "domain",
            "data_seed": 3,
            "seed": 4,
            "head_widths": "32, 16",
            "scores": "vog,el2n",
            "mode": "finetune",
        }
        settings = build_settings(given)
        assert (settings.data.source, settings.data.label) == ("a.csv", "domain")
        assert (settings.data.seed, settings.training.seed) == (3, 4)
        assert settings.model.head_widths == (32, 16)
        assert settings.scoring.scores == ("vog", "el2n")
        assert settings.training.mode == "finetune"

    def test_what_is_not_typed_is_not_chosen(self) -> None:
        assert chosen(TrainingSettings, {"epochs": 3, "label": "x"}) == {"epochs": 3}
        assert build_settings({"data": "a.csv"}) == RunSettings(data=DataSettings(source="a.csv"))

    def test_broken_rules_have_the_shape_of_the_house(self) -> None:
        with pytest.raises(ConfigError) as caught:
            validated(
                RunSettings, {"training": {"epochs": 0, "dropout": 1}, "model": {"dropout": 2}}
            )
        assert str(caught.value).splitlines() == [
            "'dropout' must be less than 1; got 2.",
            "'epochs' must be greater than or equal to 1; got 0.",
            "There is no setting 'dropout'.",
        ]


class TestRun:
    def test_a_run_ends_with_a_summary(self, influence: Influence, pipeline: Pretended) -> None:
        answer = influence("run", "data.csv", "--name", "first", "--epochs", "3")
        assert answer.code == 0
        assert "accuracy 0.9375, macro f1 0.9000, rows 16" in answer.out
        assert str(open_run("first").path) in answer.out
        assert "influence app" in answer.out
        [(kind, name, settings)] = pipeline.calls
        assert (kind, name) == ("run", "first")
        assert settings is not None
        assert (settings.data.source, settings.training.epochs) == ("data.csv", 3)

    def test_progress_goes_to_stderr_as_plain_lines(
        self, influence: Influence, pipeline: Pretended
    ) -> None:
        answer = influence("run", "data.csv")
        assert "training: 2 steps" in answer.err
        assert "training: done in" in answer.err
        assert "3 rows have no [red]label[/red] \\x1b[31m" in answer.err
        assert "\x1b" not in answer.err + answer.out
        assert "training:" not in answer.out

    def test_json_is_all_that_stdout_gets(self, influence: Influence, pipeline: Pretended) -> None:
        facts = influence("run", "data.csv", "--name", "first", "--json").json
        assert isinstance(facts, dict)
        assert facts["metrics"]["test"]["accuracy"] == 0.9375
        assert facts["path"] == str(open_run("first").path)

    def test_a_user_error_is_one_message_and_code_2(
        self, influence: Influence, pipeline: Pretended
    ) -> None:
        finding = Finding(level="error", check="label", message="rows 3, 9: no label", count=2)
        pipeline.error = DataError("'label' must be a column; got 'x'.", (finding,))
        answer = influence("run", "data.csv")
        assert answer.code == 2
        assert "'label' must be a column; got 'x'." in answer.err
        assert "rows 3, 9: no label" in answer.err
        assert "Traceback" not in answer.err

    def test_a_bug_is_loud_and_code_1(self, influence: Influence, pipeline: Pretended) -> None:
        pipeline.error = ZeroDivisionError("unforeseen")
        assert influence("run", "data.csv").code == 1

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_stops_kindly_and_is_resumable(
        self, influence: Influence, pipeline: Pretended, number: int
    ) -> None:
        pipeline.signal = number
        answer = influence("run", "data.csv", "--name", "stopped")
        assert answer.code == 130
        assert "Stopping at the next step" in answer.err
        assert "influence run --resume" in answer.err
        assert "Traceback" not in answer.err
        pipeline.signal = None
        assert influence("run", "--resume").code == 0
        assert pipeline.calls[-1][:2] == ("resume", "stopped")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["run"], "'data' must name what to train on"),
            (["run", "x.csv", "--epochs", "0"], "'epochs' must be greater than or equal to 1"),
            (["run", "x.csv", "--epochs", "many"], "'--epochs'"),
            (["run", "x.csv", "--mode", "magic"], "'--mode'"),
            (["run", "x.csv", "--name", "../x"], "'name' must be 1 to 64 letters"),
            (["run", "x.csv", "--name", "x" * 300], "'name' must be 1 to 64 letters"),
            (["run", "x.csv", "--nonsense"], "No such option: --nonsense"),
            (["run", "--resume", "--name", "ghost"], "There is no run named 'ghost'"),
            (["run", "--resume"], "There is no unfinished run"),
            (["rum"], "Did you mean 'run'"),
            (["show", "ghost"], "There is no run named 'ghost'"),
            (["show", "../../etc"], "'name' must be"),
            (["app", "--port", "0"], "'--port'"),
        ],
    )
    def test_bad_requests_start_nothing(
        self, influence: Influence, pipeline: Pretended, arguments: list[str], message: str
    ) -> None:
        answer = influence(*arguments)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
        assert "Traceback" not in answer.err
        assert pipeline.calls == []

    def test_resume_takes_the_same_options_and_refuses_others(
        self, influence: Influence, pipeline: Pretended
    ) -> None:
        create_run("half", build_settings({"data": "data.csv", "epochs": 3}))
        same = ("run", "data.csv", "--epochs", "3", "--name", "half", "--resume")
        assert influence(*same).code == 0
        other = influence("run", "data.csv", "--epochs", "4", "--name", "half", "--resume")
        assert other.code == 2
        assert "'epochs' must stay 3" in other.err
        assert [call[0] for call in pipeline.calls] == ["resume"]


class TestDemo:
    def test_the_demo_is_made_once(self, influence: Influence, pipeline: Pretended) -> None:
        assert influence("demo").code == 0
        assert influence("demo").code == 0
        assert [call[:2] for call in pipeline.calls] == [("run", "demo")]

    def test_a_half_made_demo_goes_on(self, influence: Influence, pipeline: Pretended) -> None:
        create_run("demo", RunSettings())
        assert influence("demo").code == 0
        assert [call[:2] for call in pipeline.calls] == [("resume", "demo")]


class TestLook:
    def test_runs_are_listed_for_people_and_scripts(
        self, influence: Influence, runs_root: Path
    ) -> None:
        make_run(runs_root, "one")
        create_run("two", RunSettings(), runs_root)
        listed = influence("runs").out
        assert "one" in listed
        assert "finished" in listed
        facts = influence("runs", "--json").json
        assert isinstance(facts, list)
        assert {row["name"]: row["state"] for row in facts} == {"one": "finished", "two": "idle"}

    def test_a_run_that_cannot_be_read_does_not_hide_the_others(
        self, influence: Influence, runs_root: Path
    ) -> None:
        make_run(runs_root, "one")
        (runs_root / "broken").mkdir()
        (runs_root / "broken" / "run.json").write_text('{"format": 99}')
        facts = influence("runs", "--json").json
        assert isinstance(facts, list)
        assert {row["name"]: row["state"] for row in facts} == {
            "one": "finished",
            "broken": "unreadable",
        }
        assert influence("runs").code == 0

    def test_no_runs_tells_how_to_make_one(self, influence: Influence) -> None:
        answer = influence("runs")
        assert (answer.code, answer.out) == (0, "")
        assert "influence demo" in answer.err
        assert influence("runs", "--json").json == []

    def test_show_orders_examples_by_rank(self, influence: Influence, small_run: Run) -> None:
        facts = influence("show", "small", "--score", "pvi", "--top", "3", "--json").json
        assert isinstance(facts, dict)
        scores = small_run.scores(["id", "pvi", "pvi_rank"]).sort_values("pvi_rank")
        assert [row["id"] for row in facts["hardest"]] == list(scores["id"][:3])
        assert [row["id"] for row in facts["easiest"]] == list(scores["id"][::-1][:3])
        assert "hardest by pvi" in influence("show", "small", "--score", "pvi").out

    def test_show_keeps_to_a_label(self, influence: Influence, small_run: Run) -> None:
        dataset = small_run.manifest().dataset
        assert dataset is not None
        label = dataset.label_names[1]
        facts = influence("show", "small", "--label", label, "--json").json
        assert isinstance(facts, dict)
        assert {row["label"] for row in facts["hardest"]} == {label}
        unknown = influence("show", "small", "--label", "nonsense")
        assert (unknown.code, "no label 'nonsense'" in unknown.err) == (2, True)

    def test_hostile_texts_cannot_move_the_terminal(
        self, influence: Influence, hostile_run: Run
    ) -> None:
        answer = influence("show", "hostile", "--top", "100")
        assert answer.code == 0
        assert not [letter for letter in answer.out if not (letter.isprintable() or letter == "\n")]

    def test_scores_come_from_the_table(self, influence: Influence) -> None:
        facts = influence("scores", "--json").json
        assert isinstance(facts, list)
        assert [row["key"] for row in facts] == list(SCORES)
        assert all(spec.summary[:30] in influence("scores").out for spec in SCORES.values())

    def test_delete_needs_a_yes(
        self, influence: Influence, small_run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
        assert influence("delete", "small").code == 2
        assert small_run.path.is_dir()
        assert influence("delete", "small", "--yes").code == 0
        assert not small_run.path.exists()


class TestExport:
    def test_the_subset_is_what_the_selection_says(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        options = ("--fraction", "0.4", "--strategy", "cutoff", "--prune", "hard", "--score", "pvi")
        facts = influence("export", "small", str(tmp_path / "out"), *options, "--json").json
        assert isinstance(facts, dict)
        settings = SelectionSettings(fraction=0.4, prune="hard", score="pvi")
        kept = select(small_run, settings).kept
        assert sum(facts["train_after"].values()) == len(kept)
        ids = small_run.examples(["id", "split"])
        lines = (tmp_path / "out" / "kept.jsonl").read_text().splitlines()
        exported = {row["id"] for row in map(json.loads, lines) if row["split"] == "train"}
        assert exported == set(ids["id"].iloc[kept])

    def test_its_own_command_repeats_it(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        first = tmp_path / "first"
        options = ("--fraction", "0.2", "--per-class", "--floor", "3", "--seed", "5")
        facts = influence("export", "small", str(first), *options, "--json").json
        assert isinstance(facts, dict)
        words = shlex.split(facts["command"])
        again = influence(*words[1:], "--overwrite", "--json").json
        assert isinstance(again, dict)
        assert again["files"] == facts["files"]

    def test_people_see_the_classes_that_lose_most(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        answer = influence("export", "small", str(tmp_path / "out"), "--format", "csv")
        assert answer.code == 0
        assert "training rows kept" in answer.out
        assert str(tmp_path / "out") in answer.out

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--fraction", "2"], "'fraction' must be less than 1"),
            (["--prune", "both", "--strategy", "softmax"], "'strategy' must be 'cutoff'"),
            (["--score", "correctness"], "'score' must be one of"),
            (["--format", "xlsx"], "'--format'"),
        ],
    )
    def test_impossible_subsets_write_nothing(
        self,
        influence: Influence,
        small_run: Run,
        tmp_path: Path,
        options: list[str],
        message: str,
    ) -> None:
        answer = influence("export", "small", str(tmp_path / "out"), *options)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
        assert not (tmp_path / "out").exists()


class TestApp:
    def test_the_server_takes_the_process_over(
        self, influence: Influence, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[list[str]] = []
        monkeypatch.setattr(os, "execv", lambda _, arguments: started.append(arguments))
        port = serve.free_port()
        answer = influence("app", "--port", str(port), "--headless")
        assert f"http://localhost:{port}" in answer.err
        [arguments] = started
        assert arguments[0] == sys.executable
        assert Path(arguments[arguments.index("run") + 1]) == serve.app_file()
        assert arguments[arguments.index("--server.address") + 1] == "localhost"
        assert arguments[arguments.index("--server.headless") + 1] == "true"

    def test_a_taken_port_is_told(self, influence: Influence) -> None:
        with socket.socket() as other:
            other.bind(("localhost", 0))
            other.listen()
            port = other.getsockname()[1]
            assert not serve.is_free(port)
            answer = influence("app", "--port", str(port))
        assert answer.code == 2
        assert f"'port' must be a port that nothing listens on; got {port}." in answer.err


def test_bars_show_figures_and_messages_letter_by_letter() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, markup=False, highlight=False)
    with terminal.bars_on(console) as bars:
        progress = Progress(terminal.Bars(bars), interval=0)
        progress.begin("training", 4, "steps")
        progress.advance(3, loss=0.25)
        progress.message("[red]3 rows[/red] \x1b[2J")
        progress.end()
        [task] = bars.tasks
        assert (task.completed, task.total, task.fields["figures"]) == (4, 4, "loss 0.25")
    assert "[red]3 rows[/red] \\x1b[2J" in screen.getvalue()


def test_no_command_shows_the_help_and_no_complaint(influence: Influence) -> None:
    answer = influence()
    assert answer.code == 2
    assert "Usage" in answer.out + answer.err
    assert "tells more" not in answer.err


@pytest.mark.parametrize("name", [*COMMANDS, *HIDDEN])
def test_the_table_of_commands_tells_what_the_commands_say(name: str) -> None:
    assert load(name).help.splitlines()[0] == {**COMMANDS, **HIDDEN}[name].summary


def test_a_traceback_reaches_stderr_of_a_real_process(tmp_path: Path) -> None:
    program = (
        "import sys, types\n"
        "module = types.ModuleType('influence_core.pipeline')\n"
        "module.run = lambda **_: 1 / 0\n"
        "sys.modules['influence_core.pipeline'] = module\n"
        "from influence_core.cli import main\n"
        "main(['run', 'x.csv'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "INFLUENCE_RUNS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "bug in Influence Scope" in done.stderr
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("שלום 😀\n", "שלום 😀\n"),
        ("\u202e", "\\u202e"),
    ],
)
def test_plain_spells_control_characters_out(text: str, shown: str) -> None:
    assert plain(text) == shown
