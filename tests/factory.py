"""Whole, valid run folders with invented texts and plausible scores, made in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from influence_core.config import RunSettings, TrainingSettings
from influence_core.progress import Event
from influence_core.scores.registry import spec
from influence_core.store.files import write_parquet
from influence_core.store.run import DatasetSummary, Finding, Run, Stage, create_run
from influence_core.store.workplace import now

DEFAULT_SCORES = ("vog", "el2n", "forgetting", "pvi", "tracin", "aum")
SNAPSHOTS = 8
STEPS_BETWEEN_SNAPSHOTS = 50
SNAPSHOTS_AN_EPOCH = 2

VERBS = ("turn on", "switch off", "play", "stop", "set", "check", "add", "remove", "find", "show")
THINGS = ("the lamp", "a timer", "jazz", "the heating", "milk", "the blinds", "an alarm", "rain")
PLACES = ("in the kitchen", "upstairs", "for tomorrow", "please", "now", "in the garden", "again")
DOMAINS = ("lights", "music", "timers", "weather", "climate", "lists", "media", "covers")
ACTIONS = ("start", "stop", "ask", "change", "repeat")

HOSTILE_TEXTS = (
    "<script>alert('x')</script>",
    "![x](http://example.invalid/pixel.png)",
    '=HYPERLINK("http://example.invalid","click")',
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\tleading tab",
    "\rleading return",
    'quote " comma , semicolon ; backslash \\',
    "line one\nline two\r\nline three",
    "smile 😀👩‍👩‍👧 and flag 🇫🇮",
    "شغّل الضوء في المطبخ",
    "\u202eright-to-left override",
    "word " * 10_000,
    "'; DROP TABLE examples; --",
    "100% under_score [a-z]* $x^2$ (",
)
HOSTILE_LABELS = (
    "<b>bold</b>",
    "=1+1",
    "quo\"te's",
    "émoji 🎉",
    "a,b;c",
    "%_",
    "![x](http://example.invalid/label.png)",
)
HOSTILE_COLUMNS = ('"; DROP TABLE examples; --', "größe 🎉", "select", "row", "a.b", "=cmd", "it's")


@dataclass(frozen=True)
class _Latent:
    """What the invented files have in common."""

    label: np.ndarray
    split: np.ndarray
    difficulty: np.ndarray
    names: tuple[str, ...]
    ids: pa.Array

    @property
    def train(self) -> np.ndarray:
        return np.flatnonzero(self.split == "train")


def make_run(
    root: Path,
    name: str = "small",
    rows: int = 400,
    classes: int = 6,
    seed: int = 0,
    scores: Sequence[str] = DEFAULT_SCORES,
    *,
    pairs: bool = False,
    hostile: bool = False,
    scored: bool = True,
    seeds: int = 1,
    mode: str = "probe",
) -> Run:
    """Write a complete run folder and return it.

    `pairs` fills `text_pair`; `hostile` brings texts, labels and column names that attack whoever
    shows them; without `scored` the folder looks as if training had not begun; more `seeds` than
    one add the spread columns.
    """
    generator = np.random.default_rng(seed)
    settings = RunSettings(training=TrainingSettings(mode=mode, seeds=seeds))
    run = create_run(name, settings, root)
    latent = _latent(rows, classes, generator, hostile)
    examples = _examples(latent, generator, pairs, hostile)
    write_parquet(run.examples_file, examples)
    summary = _summary(latent, examples, pairs)
    if not scored:
        run.update(dataset=summary, stages=_stages(("data",)))
        return run
    snapshots = _write_dynamics(run, latent, generator)
    _write_scores(run, latent, snapshots, tuple(scores), seeds, generator)
    metrics = _write_predictions(run, latent, generator)
    _write_map(run, latent, generator)
    _write_log(run, len(latent.train))
    run.update(
        status="complete",
        dataset=summary,
        scores=tuple(scores),
        metrics=metrics,
        stages=_stages(("data", "tokens", "features", "training", "trace", "scores", "map")),
        versions={"influence-scope": "0.1.0"},
    )
    return run


def _latent(rows: int, classes: int, generator: np.random.Generator, hostile: bool) -> _Latent:
    weights = 1 / np.arange(1, classes + 1)
    label = generator.choice(classes, rows, p=weights / weights.sum())
    label[:classes] = np.arange(classes)[: len(label)]
    split = generator.choice(["train", "validation", "test"], rows, p=[0.8, 0.1, 0.1])
    split[:classes] = "train"
    difficulty = generator.normal(size=rows) + label / classes
    names = tuple(_label_name(index) for index in range(classes))
    if hostile:
        names = (HOSTILE_LABELS + names)[:classes]
    ids = pa.array([f"u{row:08d}" for row in range(rows)])
    return _Latent(label, split, difficulty, names, ids)


def _label_name(index: int) -> str:
    turn, action = divmod(index, len(ACTIONS))
    turn, domain = divmod(turn * len(ACTIONS) + action, len(DOMAINS))
    return f"{DOMAINS[domain]}_{ACTIONS[turn % len(ACTIONS)]}" + (
        f"_{turn}" if turn >= len(ACTIONS) else ""
    )


def _pick(words: Sequence[str], rows: int, generator: np.random.Generator) -> pa.Array:
    return pa.array(words).take(pa.array(generator.integers(len(words), size=rows)))


def _texts(rows: int, generator: np.random.Generator, hostile: bool) -> tuple[pa.Array, pa.Array]:
    """Return texts and, for each, the slots as a list of character spans."""
    verb, thing, place = (_pick(words, rows, generator) for words in (VERBS, THINGS, PLACES))
    number = pc.cast(pa.array(generator.integers(1000, size=rows)), pa.string())
    texts = pc.binary_join_element_wise(verb, thing, place, number, " ")
    start = pc.add(pc.utf8_length(verb), 1)
    end = pc.add(start, pc.utf8_length(thing))
    filled = generator.random(rows) < 0.7
    if hostile:
        attacks = np.resize(np.array(HOSTILE_TEXTS, dtype=object), min(rows, len(HOSTILE_TEXTS)))
        texts = pa.concat_arrays([pa.array(list(attacks), pa.string()), texts[len(attacks) :]])
        filled[: len(attacks)] = False
    keep = pa.array(filled)
    spans = pa.StructArray.from_arrays(
        [start.filter(keep), end.filter(keep), pa.array(["thing"] * int(filled.sum()))],
        names=["start", "end", "slot"],
    )
    offsets = pa.array(np.concatenate([[0], np.cumsum(filled)]).astype(np.int32))
    return texts, pa.ListArray.from_arrays(offsets, spans)


def _examples(
    latent: _Latent, generator: np.random.Generator, pairs: bool, hostile: bool
) -> pa.Table:
    rows = len(latent.label)
    texts, slots = _texts(rows, generator, hostile)
    second = _texts(rows, generator, False)[0] if pairs else pa.nulls(rows, pa.string())
    domains = [name.split("_")[0] for name in latent.names]
    source = pa.array(["human", "synthetic", None]).take(
        pa.array(generator.choice(3, rows, p=[0.8, 0.15, 0.05]))
    )
    columns = {
        "id": latent.ids,
        "text": texts,
        "text_pair": second,
        "label": pa.array(latent.names).take(pa.array(latent.label)),
        "split": pa.array(latent.split.tolist()),
        "domain": pa.array(domains).take(pa.array(latent.label)),
        "source": source,
        "frequency": pa.array(generator.zipf(1.8, rows).clip(max=10_000)),
        "slots": slots,
    }
    if hostile:
        for column in HOSTILE_COLUMNS:
            columns[column] = _pick(HOSTILE_LABELS, rows, generator)
    return pa.table(columns)


def _write_dynamics(
    run: Run, latent: _Latent, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Write the snapshots; return their margins and probabilities, one row a snapshot."""
    difficulty = latent.difficulty[latent.train]
    margins, probabilities = [], []
    for snapshot in range(1, SNAPSHOTS + 1):
        noise = generator.normal(scale=0.7, size=len(difficulty))
        margin = (snapshot * 0.6 - 1.5 * difficulty + noise).astype(np.float32)
        probability = (1 / (1 + np.exp(-margin))).astype(np.float32)
        _write_snapshot(run, snapshot, margin, probability)
        margins.append(margin)
        probabilities.append(probability)
    return {"margin": np.stack(margins), "p_true": np.stack(probabilities)}


def _write_snapshot(run: Run, snapshot: int, margin: np.ndarray, p_true: np.ndarray) -> None:
    other = 1 - p_true
    loss = -np.log(np.maximum(p_true, 1e-7))
    table = pa.table(
        {
            "p_true": p_true,
            "loss": loss.astype(np.float32),
            "margin": margin,
            "el2n": (other * np.sqrt(2)).astype(np.float32),
            "entropy": (p_true * loss - other * np.log(np.maximum(other, 1e-7))).astype(np.float32),
            "correct": margin > 0,
        }
    )
    step = snapshot * STEPS_BETWEEN_SNAPSHOTS
    metadata = {"step": str(step), "epoch": str(snapshot / SNAPSHOTS_AN_EPOCH)}
    path = run.dynamics_folder / f"step-{step:06d}.parquet"
    write_parquet(path, table.replace_schema_metadata(metadata))


def _raw_score(
    key: str, latent: _Latent, snapshots: dict[str, np.ndarray], generator: np.random.Generator
) -> np.ndarray:
    p_true, margin = snapshots["p_true"].astype(float), snapshots["margin"].astype(float)
    difficulty = latent.difficulty[latent.train]
    early = SNAPSHOTS_AN_EPOCH * 2 - 1
    correct = margin > 0
    noise = generator.normal(scale=0.5, size=len(difficulty))
    share = np.bincount(latent.label[latent.train]) / len(latent.train)
    made = {
        "vog": lambda: 1e-4 * np.exp(difficulty + noise),
        "tracin": lambda: np.exp(1.5 * difficulty + noise),
        "grand": lambda: np.exp(difficulty + noise),
        "el2n": lambda: (1 - p_true[early]) * np.sqrt(2),
        "pvi": lambda: np.log2(p_true[early] / share[latent.label[latent.train]]),
        "forgetting": lambda: (correct[:-1] & ~correct[1:]).sum(axis=0).astype(float),
        "aum": lambda: margin.mean(axis=0),
        "confidence": lambda: p_true.mean(axis=0),
        "variability": lambda: p_true.std(axis=0),
        "correctness": lambda: correct.sum(axis=0).astype(float),
    }
    return made[key]()


def _z(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    count = np.bincount(groups)
    mean = np.bincount(groups, values) / count
    spread = np.sqrt(np.maximum(np.bincount(groups, (values - mean[groups]) ** 2) / count, 0))
    safe = np.where(spread > 0, spread, 1)
    return np.where(spread[groups] > 0, (values - mean[groups]) / safe[groups], 0.0)


def _write_scores(
    run: Run,
    latent: _Latent,
    snapshots: dict[str, np.ndarray],
    scores: tuple[str, ...],
    seeds: int,
    generator: np.random.Generator,
) -> None:
    train = latent.train
    columns: dict[str, object] = {"row": train, "id": latent.ids.take(pa.array(train))}
    for key in scores:
        raw = _raw_score(key, latent, snapshots, generator)
        order = np.argsort(-raw if spec(key).hard == "high" else raw, kind="stable")
        rank = np.empty(len(raw), np.int64)
        rank[order] = np.arange(1, len(raw) + 1)
        class_norm = _z(raw, np.unique(latent.label[train], return_inverse=True)[1])
        dataset_norm = _z(raw, np.zeros(len(raw), int))
        columns |= {key: raw, f"{key}_class_norm": class_norm}
        columns |= {f"{key}_dataset_norm": dataset_norm, f"{key}_rank": rank}
        if seeds > 1:
            columns[f"{key}_spread"] = np.abs(generator.normal(scale=0.1, size=len(raw)))
    if "forgetting" in scores:
        columns["never_learnt"] = ~(snapshots["margin"] > 0).any(axis=0)
    write_parquet(run.scores_file, pa.table(columns))


def _write_predictions(
    run: Run, latent: _Latent, generator: np.random.Generator
) -> dict[str, dict[str, float]]:
    rows, classes = len(latent.label), len(latent.names)
    p_true = 1 / (1 + np.exp(1.5 * latent.difficulty - 3))
    wrong = p_true < 0.5
    shift = generator.integers(1, max(classes, 2), size=rows)
    predicted = np.where(wrong, (latent.label + shift) % classes, latent.label)
    correct = predicted == latent.label
    table = pa.table(
        {
            "row": np.arange(rows),
            "id": latent.ids,
            "split": pa.array(latent.split.tolist()),
            "predicted": pa.array(latent.names).take(pa.array(predicted)),
            "p_true": p_true.astype(np.float32),
            "confidence": np.where(correct, p_true, 1 - p_true).astype(np.float32),
            "correct": correct,
        }
    )
    write_parquet(run.predictions_file, table)
    return {
        split: {
            "accuracy": float(correct[latent.split == split].mean()),
            "macro_f1": float(correct[latent.split == split].mean()) * 0.97,
            "rows": float((latent.split == split).sum()),
        }
        for split in ("train", "validation", "test")
        if (latent.split == split).any()
    }


def _write_map(run: Run, latent: _Latent, generator: np.random.Generator) -> None:
    angle = 2 * np.pi * latent.label / len(latent.names)
    spread = generator.normal(size=(2, len(angle)))
    table = pa.table(
        {
            "row": np.arange(len(angle)),
            "x": (10 * np.cos(angle) + spread[0]).astype(np.float32),
            "y": (10 * np.sin(angle) + spread[1]).astype(np.float32),
        }
    )
    write_parquet(run.map_file, table)


def _write_log(run: Run, rows: int) -> None:
    events = [Event(time=0.0, kind="begin", stage="training", total=SNAPSHOTS, unit="steps")]
    events += [
        Event(
            time=float(done),
            kind="advance",
            stage="training",
            done=done,
            total=SNAPSHOTS,
            unit="steps",
            values={"loss": 2 * 0.7**done, "validation_accuracy": 1 - 0.5 * 0.7**done},
        )
        for done in range(1, SNAPSHOTS + 1)
    ]
    events.append(Event(time=9.0, kind="message", stage="scores", message=f"scored {rows} rows"))
    run.log_file.write_text("".join(f"{event.model_dump_json()}\n" for event in events))


def _stages(names: Sequence[str]) -> dict[str, Stage]:
    return {name: Stage(seconds=1.5, finished=now(), peak_memory_mb=300.0) for name in names}


def _summary(latent: _Latent, examples: pa.Table, pairs: bool) -> DatasetSummary:
    train = latent.label[latent.train]
    counts = np.bincount(train, minlength=len(latent.names))
    splits, sizes = np.unique(latent.split, return_counts=True)
    return DatasetSummary(
        fingerprint="0" * 64,
        source="invented",
        rows=len(latent.label),
        rejected=0,
        splits=dict(zip(splits.tolist(), sizes.tolist(), strict=True)),
        label_names=latent.names,
        class_counts=dict(zip(latent.names, counts.tolist(), strict=True)),
        columns={field.name: str(field.type) for field in examples.schema},
        pairs=pairs,
        findings=(
            Finding(
                level="warning",
                check="small classes",
                message="2 classes have fewer than 5 training rows.",
                count=2,
                rows=(3, 7),
            ),
        ),
    )


def snapshot_files(run: Run) -> list[Path]:
    """Return the snapshots of a run in the order of their steps."""
    return sorted(run.dynamics_folder.glob("step-*.parquet"))


def read(path: Path) -> pa.Table:
    """Read a Parquet file without any of the code under test."""
    return pq.read_table(path)
