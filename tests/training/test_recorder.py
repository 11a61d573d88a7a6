"""A recorder in somebody's Trainer: it sees every row, and changes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from torch.utils.data import Dataset as TorchDataset
from transformers import (
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from influence_core import InfluenceRecorder, jobs
from influence_core.errors import Cancelled, ConfigError, DataError, RunBusy, RunExists
from influence_core.store.journal import JobRecord
from influence_core.store.run import Run, open_run
from influence_core.training.dynamics import observe, read_snapshots
from tests.plain_classifier import plain_classifier
from tests.requests import TOPICS, requests
from tests.test_ranks import launch
from tests.tiny_encoder import without_dropout

CLASSES = list(TOPICS)
ROWS = 45


@pytest.fixture
def calm_encoder(tmp_path: Path, tiny_encoder: Path) -> Path:
    """An encoder in which chance has no part."""
    return without_dropout(tiny_encoder, tmp_path / "calm")


def tokenized(encoder: Path, rows: int = ROWS) -> Dataset:
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    texts, labels = zip(*requests(TOPICS, rows), strict=True)
    codes = [CLASSES.index(label) for label in labels]
    made = Dataset.from_dict({"text": texts, "label": codes, "key": [f"k{n}" for n in range(rows)]})
    return made.map(lambda row: tokenizer(row["text"]))


def trainer(encoder: Path, folder: Path, dataset: object = None, **options: object) -> Trainer:
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    collator = options.pop("data_collator", DataCollatorWithPadding(tokenizer))
    own = {name: options.pop(name) for name in ("eval_dataset", "callbacks") if name in options}
    settings = {
        "num_train_epochs": 2,
        "per_device_train_batch_size": 8,
        "learning_rate": 1e-3,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "logging_strategy": "no",
        "dataloader_pin_memory": False,
    }
    return Trainer(
        model=plain_classifier(encoder, CLASSES),
        args=TrainingArguments(output_dir=str(folder), **{**settings, **options}),
        train_dataset=tokenized(encoder) if dataset is None else dataset,
        data_collator=collator,
        processing_class=tokenizer,
        **own,
    )


def weights(trained: Trainer) -> torch.Tensor:
    return torch.cat([part.detach().flatten() for part in trained.model.parameters()])


def truth(encoder: Path, dataset: Dataset) -> dict[str, np.ndarray]:
    """Observe every row alone, by a model that has not been trained."""
    model = plain_classifier(encoder, CLASSES).eval()
    rows = []
    for row in dataset:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row["input_ids"]])).logits
        rows.append(observe(logits, torch.tensor([row["label"]])))
    return {name: torch.cat([row[name] for row in rows]).numpy() for name in rows[0]}


STANDING_STILL = {"learning_rate": 1e-12, "weight_decay": 0.0}


@pytest.mark.parametrize(
    "options",
    [
        {"remove_unused_columns": True, "gradient_accumulation_steps": 4},
        {"train_sampling_strategy": "group_by_length", "dataloader_num_workers": 1},
        {"eval_strategy": "steps", "eval_steps": 2, "label_smoothing_factor": 0.1},
        {"dataloader_drop_last": True, "num_train_epochs": 3},
    ],
    ids=["accumulation", "grouped", "evaluated", "incomplete"],
)
def test_every_row_gets_its_own_record(
    calm_encoder: Path, tmp_path: Path, runs_root: Path, options: dict[str, object]
) -> None:
    dataset = tokenized(calm_encoder)
    if "eval_strategy" in options:
        options = {**options, "eval_dataset": dataset.select(range(9))}
    made = trainer(calm_encoder, tmp_path / "out", dataset, **STANDING_STILL, **options)
    InfluenceRecorder(name="still", id="key", checkpoints=0, finish=False).attach(made)
    made.train()
    run, expected = open_run("still"), truth(calm_encoder, dataset)
    snapshots = read_snapshots(run.dynamics_folder)
    assert [one.epoch for one in snapshots] == list(range(1, int(made.args.num_train_epochs) + 1))
    for snapshot in snapshots:
        for name, values in expected.items():
            np.testing.assert_allclose(snapshot.column(name), values, rtol=1e-4, atol=1e-6)
    assert list(run.examples()["id"]) == dataset["key"]
    assert list(run.examples()["text"]) == dataset["text"]


@pytest.mark.parametrize("snapshots", [False, True])
def test_the_training_is_the_same_bit_by_bit(
    tiny_encoder: Path, tmp_path: Path, runs_root: Path, snapshots: bool
) -> None:
    plain = trainer(tiny_encoder, tmp_path / "plain", gradient_accumulation_steps=2)
    plain.train()
    watched = trainer(tiny_encoder, tmp_path / "watched", gradient_accumulation_steps=2)
    recorder = InfluenceRecorder(snapshots=snapshots, checkpoints=3)
    dataset, collator = watched.train_dataset, watched.data_collator
    recorder.attach(watched)
    watched.train()
    assert torch.equal(weights(plain), weights(watched))
    assert torch.rand(1).item() == _next_chance(plain, tmp_path)
    assert watched.train_dataset is dataset
    assert watched.data_collator is collator
    assert recorder.run is not None
    manifest = recorder.run.manifest()
    assert (manifest.status, manifest.error, manifest.name) == ("complete", "", "watched")
    counted_over = "snapshots" if snapshots else "minibatches"
    assert manifest.settings.scoring.forgetting_from == counted_over
    scores = recorder.run.scores()
    assert np.isfinite(scores[["vog", "el2n", "pvi", "tracin", "aum"]]).all(axis=None)
    assert len(scores) == ROWS
    assert manifest.metrics["train"]["rows"] == ROWS
    if snapshots:
        after = observe_all(watched, tokenized(tiny_encoder))
        last = read_snapshots(recorder.run.dynamics_folder)[-1]
        np.testing.assert_allclose(last.column("p_true"), after["p_true"], rtol=1e-4)


def _next_chance(plain: Trainer, tmp_path: Path) -> float:
    """Return the chance that follows a training without a recorder."""
    again = trainer(
        Path(plain.model.name_or_path), tmp_path / "again", gradient_accumulation_steps=2
    )
    again.train()
    return torch.rand(1).item()


def observe_all(trained: Trainer, dataset: Dataset) -> dict[str, np.ndarray]:
    model = trained.model.eval()
    with torch.no_grad():
        logits = torch.cat(
            [model(input_ids=torch.tensor([row["input_ids"]])).logits for row in dataset]
        )
    seen = observe(logits, torch.tensor(dataset["label"]))
    return {name: part.numpy() for name, part in seen.items()}


class Killed(Exception):
    """The training process is gone."""


class KillAt(TrainerCallback):
    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self._step:
            raise Killed


class KillAsSaved(KillAt):
    def on_step_end(self, args, state, control, **_):
        pass

    def on_save(self, args, state, control, **_):
        if state.global_step == self._step:
            raise Killed


@pytest.mark.parametrize(
    ("kill", "every", "snapshots"),
    [(KillAt(10), 4, False), (KillAsSaved(6), 3, False), (KillAsSaved(6), 3, True)],
    ids=["within-an-epoch", "as-an-epoch-ends", "before-a-snapshot"],
)
def test_a_resumed_training_records_what_a_whole_one_does(
    tiny_encoder: Path,
    tmp_path: Path,
    runs_root: Path,
    kill: KillAt,
    every: int,
    snapshots: bool,
) -> None:
    saving = {"save_strategy": "steps", "save_steps": every}
    whole = trainer(tiny_encoder, tmp_path / "whole", **saving)
    InfluenceRecorder(checkpoints=2, snapshots=snapshots).attach(whole)
    whole.train()
    shot = trainer(tiny_encoder, tmp_path / "shot", callbacks=[kill], **saving)
    InfluenceRecorder(checkpoints=2, snapshots=snapshots).attach(shot)
    with pytest.raises(Killed):
        shot.train()
    resumed = trainer(tiny_encoder, tmp_path / "shot", **saving)
    InfluenceRecorder(checkpoints=2, snapshots=snapshots).attach(resumed)
    resumed.train(resume_from_checkpoint=True)
    assert torch.equal(weights(whole), weights(resumed))
    pd.testing.assert_frame_equal(open_run("shot").scores(), open_run("whole").scores())
    assert _dynamics(open_run("shot")) == _dynamics(open_run("whole"))


def _dynamics(run: Run) -> list[bytes]:
    return [one.path.read_bytes() for one in read_snapshots(run.dynamics_folder)]


def test_a_training_that_begins_anew_replaces_what_was_cut_short(
    tiny_encoder: Path, tmp_path: Path, runs_root: Path
) -> None:
    shot = trainer(tiny_encoder, tmp_path / "shot", callbacks=[KillAt(7)])
    InfluenceRecorder(checkpoints=0, finish=False).attach(shot)
    with pytest.raises(Killed):
        shot.train()
    again = trainer(tiny_encoder, tmp_path / "shot", num_train_epochs=1)
    recorder = InfluenceRecorder(checkpoints=0, finish=False)
    recorder.attach(again)
    again.train()
    assert recorder.run == Run(runs_root / "shot")
    assert [one.step for one in read_snapshots(recorder.run.dynamics_folder)] == [6]


class Tuples(TorchDataset):
    """Somebody's dataset, whose items are no dictionaries."""

    def __init__(self, rows: Dataset) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int):
        return self._rows[index]["input_ids"], self._rows[index]["label"]


def collate_tuples(items):
    width = max(len(ids) for ids, _ in items)
    ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in items])
    labels = torch.tensor([label for _, label in items])
    return {"input_ids": ids, "attention_mask": (ids > 0).long(), "labels": labels}


def test_examples_are_given_where_the_dataset_has_no_columns(
    calm_encoder: Path, tmp_path: Path, runs_root: Path
) -> None:
    rows = tokenized(calm_encoder)
    made = trainer(
        calm_encoder, tmp_path / "out", Tuples(rows), data_collator=collate_tuples, **STANDING_STILL
    )
    frame = pd.DataFrame({"said": rows["text"], "topic": [CLASSES[n] for n in rows["label"]]})
    recorder = InfluenceRecorder("given", examples=frame, text="said", label="topic", checkpoints=2)
    recorder.attach(made)
    made.train()
    assert recorder.run is not None
    expected = truth(calm_encoder, rows)
    confidence = read_snapshots(recorder.run.dynamics_folder)[1].column("p_true")
    np.testing.assert_allclose(confidence, expected["p_true"], rtol=1e-4)
    assert recorder.run.examples()["id"][0] == "row-1"
    assert (recorder.run.scores()["vog"] < 1e-12).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"examples": {"text": ["a"], "label": [0]}}, ConfigError, "a row for each of the 45"),
        ({"text": "key", "label": "text"}, DataError, "does not know"),
        ({"text": "absent"}, DataError, "'text' must name a column"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_training(
    tiny_encoder: Path, tmp_path: Path, runs_root: Path, options, error, message: str
) -> None:
    made = trainer(tiny_encoder, tmp_path / "out")
    with pytest.raises(error, match=message):
        InfluenceRecorder("refused", **options).attach(made)
    assert not (runs_root / "refused").exists()


def test_a_finished_run_is_not_overwritten(
    tiny_encoder: Path, tmp_path: Path, small_run: Run
) -> None:
    made = trainer(tiny_encoder, tmp_path / "out")
    with pytest.raises(RunExists):
        InfluenceRecorder(small_run.name).attach(made)
    with pytest.raises(ConfigError, match="2 or more for vog"):
        InfluenceRecorder(scores=["vog"], checkpoints=1)


@pytest.mark.parametrize("key", ["tracin", "grand"])
def test_scores_of_checkpoints_are_refused_without_any(key: str) -> None:
    with pytest.raises(ConfigError, match=f"1 or more for {key}"):
        InfluenceRecorder(scores=["el2n", key], checkpoints=0)
    InfluenceRecorder(scores=["el2n", key], checkpoints=1)


def test_a_recording_that_goes_on_elsewhere_is_left_alone(
    tiny_encoder: Path, tmp_path: Path, runs_root: Path
) -> None:
    shot = trainer(tiny_encoder, tmp_path / "shot", callbacks=[KillAt(7)])
    InfluenceRecorder(checkpoints=0).attach(shot)
    with pytest.raises(Killed):
        shot.train()
    run = open_run("shot")
    again = trainer(tiny_encoder, tmp_path / "shot", num_train_epochs=1)
    recorder = InfluenceRecorder(checkpoints=0, finish=False)
    recorder.attach(again)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        JobRecord.of(other.pid).write(run)
        before = run.manifest()
        with pytest.raises(RunBusy):
            InfluenceRecorder("shot").attach(trainer(tiny_encoder, tmp_path / "out"))
        again.train()
    assert recorder.run == Run(runs_root / "shot-2")
    assert run.manifest() == before


class CancelAt(TrainerCallback):
    """Asks the run to stop at a step, or as the training ends."""

    def __init__(self, run: Path, step: int | None) -> None:
        self._run, self._step = Run(run), step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self._step:
            assert jobs.cancel(self._run)

    def on_train_end(self, args, state, control, **_):
        if self._step is None:
            assert jobs.cancel(self._run)


LOGGED = {"logging_strategy": "steps", "logging_steps": 1}


@pytest.mark.parametrize(
    ("step", "options"),
    [(8, {"num_train_epochs": 100}), (8, LOGGED), (None, {})],
    ids=["at-a-step", "at-a-loss", "at-the-end"],
)
def test_a_cancelled_recording_keeps_what_the_training_gave(
    tiny_encoder: Path, tmp_path: Path, runs_root: Path, step: int | None, options: dict
) -> None:
    asked = CancelAt(runs_root / "stopped", step)
    made = trainer(tiny_encoder, tmp_path / "stopped", callbacks=[asked], **options)
    recorder = InfluenceRecorder(checkpoints=0)
    recorder.attach(made)
    made.train()
    assert step is None or step <= made.state.global_step < made.state.max_steps
    run = open_run("stopped")
    assert (run.manifest().status, run.manifest().error) == ("cancelled", "")
    assert recorder.run == run
    last = read_snapshots(run.dynamics_folder)[-1]
    assert last.step == made.state.global_step
    assert (run.model_folder / "config.json").exists()
    assert not run.scores_file.exists()
    finished = recorder.finish()
    assert finished is not None
    assert finished.manifest().status == "complete"
    assert len(finished.scores()) == ROWS


def test_a_recording_cancelled_before_it_saw_all_rows_is_cancelled_still(
    tiny_encoder: Path, tmp_path: Path, runs_root: Path
) -> None:
    asked = CancelAt(runs_root / "stopped", 2)
    made = trainer(tiny_encoder, tmp_path / "stopped", callbacks=[asked], **LOGGED)
    recorder = InfluenceRecorder(checkpoints=0)
    recorder.attach(made)
    made.train()
    assert recorder.run is None
    assert open_run("stopped").manifest().status == "cancelled"


def test_scores_that_are_cancelled_leave_the_recording(
    tiny_encoder: Path, tmp_path: Path, runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(*_: object, **__: object) -> None:
        raise Cancelled("The work was stopped as asked.")

    made = trainer(tiny_encoder, tmp_path / "stopped")
    recorder = InfluenceRecorder(checkpoints=0)
    recorder.attach(made)
    with monkeypatch.context() as patched:
        patched.setattr("influence_core.pipeline.resume", cancelled)
        made.train()
    assert open_run("stopped").manifest().status == "cancelled"
    assert recorder.finish() == open_run("stopped")
    assert open_run("stopped").manifest().status == "complete"


DISTRIBUTED = """
from pathlib import Path
from influence_core import InfluenceRecorder
from tests.training.test_recorder import STANDING_STILL, trainer

options = {"per_device_train_batch_size": 4, "ddp_find_unused_parameters": False}
made = trainer(Path("calm"), Path("out"), **options, **STANDING_STILL)
recorder = InfluenceRecorder("shared", checkpoints=2)
recorder.attach(made)
made.train()
recorder.finish()
made.accelerator.end_training()
"""


@pytest.mark.slow
def test_every_process_records_and_the_first_one_merges(
    calm_encoder: Path, tmp_path: Path, runs_root: Path
) -> None:
    done = launch(DISTRIBUTED, tmp_path)
    assert done.returncode == 0, done.stderr
    run, expected = open_run("shared"), truth(calm_encoder, tokenized(calm_encoder))
    assert run.manifest().status == "complete"
    for snapshot in read_snapshots(run.dynamics_folder):
        np.testing.assert_allclose(snapshot.column("p_true"), expected["p_true"], rtol=1e-4)
    assert np.isfinite(run.scores()[["vog", "tracin"]]).all(axis=None)
