"""The Run page: settings of an earlier run, the queue, and what was computed elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from influence_core import jobs, pipeline
from influence_core.config import RunSettings
from influence_core.store.journal import JobRecord
from influence_core.store.run import Run, create_run, list_runs, open_run
from tests.background import kill_stragglers, wait_for
from tests.exchange.files import IDS, write_csv, write_lines, write_texts
from tests.plain_classifier import save_checkpoints
from tests.requests import write_requests

APP = Path(__file__).parents[2] / "app.py"

Started = list[tuple[RunSettings, str, bool]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """What the page starts; the runs are made, and nobody works on them."""
    asked: Started = []

    def start(settings: RunSettings, name: str, *, queued: bool = False) -> None:
        create_run(name, settings)
        asked.append((settings, name, queued))

    monkeypatch.setattr(jobs, "start", start)
    return asked


@pytest.fixture
def holding(runs_root: Path) -> Iterator[Run]:
    """A run at which this very process seems to work."""
    run = create_run("holding", RunSettings(), runs_root)
    run.update(status="running")
    JobRecord.of(os.getpid()).write(run)
    yield run
    kill_stragglers(runs_root)


def visit(state: dict[str, object] | None = None, **view: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.switch_page("pages/run.py")
    for name, value in view.items():
        app.query_params[name] = value
    for name, value in (state or {}).items():
        app.session_state[name] = value
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    elements = [*app.caption, *app.markdown, *app.text, *app.subheader, *app.error]
    return "\n".join(str(element.value) for element in elements)


def table(app: AppTest, column: str):
    return next(frame.value for frame in app.dataframe if column in frame.value)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_requests(tmp_path / "asked.csv")


@pytest.fixture
def earlier(source: Path, runs_root: Path) -> Run:
    """A run with settings of its own."""
    wanted = {
        "data": {"source": str(source), "label": "label", "min_class_size": 7},
        "training": {"epochs": 3, "mode": "finetune", "head_lr": 0.02},
        "model": {"head_widths": [16]},
        "scoring": {"scores": ["aum", "el2n"]},
        "compute": {"workers": 2},
    }
    run = create_run("earlier", RunSettings.model_validate(wanted), runs_root)
    run.update(status="complete")
    return run


class TestSettingsOfAnEarlierRun:
    def test_a_link_fills_the_form_and_starts_the_same_again(
        self, earlier: Run, started: Started
    ) -> None:
        app = visit(view="new", like="earlier")
        assert "Filled with the settings of **earlier**" in said(app)
        assert "All settings are those of earlier." in said(app)
        press(app, "Start")
        [(settings, name, queued)] = started
        assert (name, queued) == ("asked-label", True)
        before = earlier.manifest().settings
        assert settings.model_dump(exclude={"data"}) == before.model_dump(exclude={"data"})
        guessed = {"text": "text", "text_pair": "", "id": "", "split": ""}
        assert settings.data == before.data.model_copy(update=guessed)

    def test_only_what_differs_is_listed(self, earlier: Run, started: Started) -> None:
        app = visit(view="new", like="earlier")
        app.number_input(key="new earlier.epochs").set_value(12).run()
        app.multiselect(key="new earlier.scores").set_value(["el2n"]).run()
        rows = table(app, "What differs")
        assert rows["What differs"].tolist() == ["Training: Epochs", "Scoring: Scores"]
        assert rows["this run"].tolist() == ["12", "EL2N"]
        assert rows["earlier "].tolist() == ["3", "AUM, EL2N"]

    def test_the_defaults_come_back(self, earlier: Run, source: Path, started: Started) -> None:
        app = press(visit(view="new", like="earlier"), "Use the defaults instead")
        press(app, "Start")
        settings = started[0][0]
        assert settings.training == RunSettings().training
        assert settings.data.source == str(source)

    def test_two_runs_are_told_apart(self, small_run: Run, other_run: Run) -> None:
        other_run.update(metrics={"test": {"accuracy": 0.25}}, versions={"torch": "9"})
        app = visit(view="progress", run="small", versus="other")
        differing = table(app, "What differs").set_index("What differs")
        assert differing.loc["Version: torch", "other "] == "9"
        reached = table(app, "What the models reached").set_index("What the models reached")
        assert reached.loc["Test: Accuracy", "other "] == "25.0%"
        assert "All settings are those of other." in said(app)

    def test_a_link_to_a_run_that_is_gone_means_the_defaults(self, runs_root: Path) -> None:
        assert "Filled with" not in said(visit(view="new", like="gone"))


class TestQueue:
    def test_where_something_works_a_run_is_queued_or_started_beside(
        self, holding: Run, source: Path, started: Started
    ) -> None:
        state = {"source_name": str(source)}
        app = visit(state, view="new", way="name")
        assert "1 job running" in said(app)
        press(app, "Queue")
        app = visit(state, view="new", way="name")
        press(app, "Start now")
        assert [(name, queued) for _, name, queued in started] == [
            ("asked-label", True),
            ("asked-label-2", False),
        ]

    def test_a_waiting_run_says_for_what_and_can_be_cancelled(
        self, holding: Run, runs_root: Path
    ) -> None:
        first = jobs.start(RunSettings(), "first", runs_root, queued=True).place
        second = jobs.start(RunSettings(), "second", runs_root, queued=True).place
        app = visit(view="progress", run="second")
        assert "Waits for 2 jobs: holding, first." in said(app)
        assert buttons(app) == ["Start now", "Go next", "Cancel"]
        press(app, "Go next")
        assert "Waits for 1 job: holding." in said(app)
        press(app, "Cancel")
        wait_for(second, "cancelled")
        app = visit(view="new")
        assert "1 job running, 1 waiting" in said(app)
        press(app, "Start now")
        assert wait_for(first, "running", "failed", "finished")

    def test_nothing_is_said_of_an_empty_queue(self, small_run: Run) -> None:
        assert "running" not in said(visit(view="new"))


def loading(texts: Path, path: object, way: str = "path") -> AppTest:
    key = "load_checkpoints" if way == "checkpoints" else "load_path"
    state = {"load_texts": "name", "source_name": str(texts), "load_way": way, key: str(path)}
    return visit(state, view="new", way="load")


class TestLoading:
    def test_a_table_is_tried_out_and_loaded(
        self, tmp_path: Path, runs_root: Path, started: Started
    ) -> None:
        columns = {"id": IDS, "el2n": np.linspace(0, 1, 6), "trust": range(6)}
        scores = write_csv(tmp_path / "scores.csv", columns)
        app = loading(write_texts(tmp_path), scores)
        assert figures(app) == {
            "Texts": "6",
            "Training rows": "6",
            "With scores": "6",
            "Without": "0",
        }
        tried = table(app, "Hard are").set_index("Score")
        assert tried.loc["EL2N", "Highest"] == "1"
        app.multiselect(key=f"load.low {scores}").set_value(["trust"]).run()
        assert table(app, "Hard are").set_index("Score").loc["trust", "Hard are"] == "low values"
        press(app, "Start")
        [(settings, name, queued)] = started
        assert settings.imported is not None
        assert (settings.imported.path, settings.imported.hard) == (
            str(scores),
            ("high", "trust=low"),
        )
        assert (settings.data.test_fraction, name, queued) == (0, "texts-label", True)
        pipeline.resume(name)
        assert open_run(name).scores()["trust_rank"].tolist() == [1, 2, 3, 4, 5, 6]

    def test_dynamics_and_probabilities_are_known_by_themselves(
        self, tmp_path: Path, runs_root: Path
    ) -> None:
        texts = write_texts(tmp_path)
        gold = {"lights": 0, "music": 1}
        lines = [
            {
                "guid": key,
                "logits_epoch_0": [0.2, 0.1],
                "gold": gold["lights" if n % 2 == 0 else "music"],
            }
            for n, key in enumerate(IDS)
        ]
        write_lines(tmp_path / "carto/training_dynamics/dynamics_epoch_0.jsonl", lines)
        tried = table(loading(texts, tmp_path / "carto"), "Hard are")
        assert "Confidence" in tried["Score"].tolist()
        np.save(tmp_path / "probabilities.npy", np.full((6, 2), 0.5))
        tried = table(loading(texts, tmp_path / "probabilities.npy"), "Hard are")
        assert "Label quality" in tried["Score"].tolist()

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"id,el2n\na,high\n", "holds scores"),
            (b"id,el2n\na,0.5\na,0.5\nzz,1\n", "whose id is not in the data"),
            (b"id,<b>el2n</b>\n", "has no rows"),
            (b"\x00\xff\xfe\x00" * 100, ""),
            (b"PK\x03\x04" + b"\x00" * 50, ""),
        ],
    )
    def test_broken_files_are_told_kindly_and_leave_nothing(
        self, tmp_path: Path, runs_root: Path, content: bytes, says: str
    ) -> None:
        scores = tmp_path / "scores.csv"
        scores.write_bytes(content)
        app = loading(write_texts(tmp_path), scores)
        assert says in said(app)
        assert "1 stops the run" in said(app) or "stop the run" in said(app)
        assert next(one for one in app.button if one.label == "Start").disabled
        assert list_runs() == []

    @pytest.mark.parametrize("name", ["array.npy", "objects.npy", "absent.csv", "x.parquet"])
    def test_what_is_no_array_or_not_there_is_told(
        self, tmp_path: Path, runs_root: Path, name: str
    ) -> None:
        path = tmp_path / name
        if name == "objects.npy":
            np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
        elif name != "absent.csv":
            path.write_bytes(b"\x93NUMPY nonsense")
        app = loading(write_texts(tmp_path), path)
        assert "1 stops the run" in said(app)
        assert list_runs() == []

    def test_checkpoints_are_looked_at_before_they_are_scored_with(
        self, tmp_path: Path, tiny_encoder: Path, source: Path, runs_root: Path, started: Started
    ) -> None:
        classes = ("weather", "music", "lights")
        folder = save_checkpoints(tmp_path / "plain", tiny_encoder, classes, steps=(10, 20))
        app = loading(source, folder, "checkpoints")
        assert figures(app).items() >= {"Checkpoints": "2", "Last step": "20"}.items()
        press(app, "Start")
        [(settings, _, _)] = started
        assert settings.checkpoints is not None
        assert [Path(one).name for one in settings.checkpoints.folders] == [
            "checkpoint-10",
            "checkpoint-20",
        ]

    def test_labels_that_the_model_does_not_know_stop_it(
        self, tmp_path: Path, tiny_encoder: Path, runs_root: Path
    ) -> None:
        folder = save_checkpoints(tmp_path / "plain", tiny_encoder, ("a", "b"), steps=(10, 20))
        app = loading(write_texts(tmp_path), folder, "checkpoints")
        assert "does not know 2 of the labels" in said(app)
        assert next(one for one in app.button if one.label == "Start").disabled

    def test_a_folder_without_checkpoints_is_told(self, tmp_path: Path, runs_root: Path) -> None:
        app = loading(write_texts(tmp_path), tmp_path, "checkpoints")
        assert app.error


class TestWhatARunIsDoing:
    def test_what_is_loaded_is_told_while_nothing_moves(self, holding: Run) -> None:
        record = JobRecord.of(os.getpid())
        loading = {"stage": "tokens", "loading": "Loading PyTorch and the tokenizer"}
        record.model_copy(update=loading).write(holding)
        app = visit(run="holding", view="progress")
        bars = [one.proto.text for one in app.get("progress")]
        assert bars == ["Loading PyTorch and the tokenizer …"]
        assert "**Cut texts into tokens**" in said(app)

    def test_a_finished_run_leads_on(self, small_run: Run) -> None:
        app = visit(run="small", view="progress")
        assert "What next?" in said(app)
        links = {one.proto.page: one.proto.query_string for one in app.main.get("page_link")}
        assert {"examples", "noise", "pruning", "export"} <= set(links)
        assert links["noise"] == "run=small"

    def test_a_run_that_works_does_not_lead_on_yet(self, holding: Run) -> None:
        assert "What next?" not in said(visit(run="holding", view="progress"))

    def test_all_stages_are_listed_from_the_start(self, holding: Run) -> None:
        assert "Keep what explains a prediction" in said(visit(run="holding", view="progress"))

    def test_a_run_alone_is_not_compared(self, holding: Run, runs_root: Path) -> None:
        asked = "What is different from another run?"
        assert asked not in said(visit(run="holding", view="progress"))
        create_run("second", RunSettings(), runs_root)
        assert asked in said(visit(run="holding", view="progress"))


def test_no_score_at_all_is_refused_in_words(source: Path, runs_root: Path) -> None:
    app = visit({"source_name": str(source)}, view="new", way="name")
    app.multiselect(key="new.scores").set_value([])
    del app.session_state["_frame_drawn"]
    app.run()
    assert "'Scores' is empty: name at least one" in said(app).replace("\\", "")


def test_texts_alone_are_told_to_need_labels(tmp_path: Path, runs_root: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("utterance\nturn on the lamp\nplay some jazz\n", encoding="utf-8")
    app = visit({"source_name": str(texts)}, view="new", way="name")
    assert "There is only one column, 'utterance'" in said(app)
    start = next(one for one in app.button if one.label == "Start")
    assert start.disabled
    assert start.help
