"""The datasheet of an export: its figures are those of the files, and names in it stay names."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
from markdown_it import MarkdownIt

from influence_core.exporting import Place, export, export_curated
from influence_core.report.about_export import GROUPS_LISTED
from influence_core.selection.curate import CurationSettings, curate
from influence_core.selection.retention import class_entropy
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.export import DATASHEET
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from tests.factory import make_run, read
from tests.reviewer import review_some

TABLE_LINE = re.compile(r"^\| `(.+?)` \| ([\d,]+) \| ([\d,]+) \|", re.MULTILINE)


def sheet_of(folder: Path) -> str:
    return (folder / DATASHEET).read_text(encoding="utf-8")


def groups(sheet: str) -> dict[str, tuple[int, int]]:
    found = TABLE_LINE.findall(sheet)
    return {name: tuple(int(one.replace(",", "")) for one in counts) for name, *counts in found}


def test_it_tells_what_the_manifest_tells(small_run: Run, tmp_path: Path) -> None:
    train = np.flatnonzero(small_run.examples(["split"])["split"] == "train")
    Selections(small_run).create("gold", train[:12])
    review_some(small_run)
    curated = curate(
        small_run, SelectionSettings(fraction=0.4), CurationSettings(keep_selection=("gold",))
    )
    place = Place(tmp_path / "first cut", "csv")
    done = export_curated(small_run, curated, place, review_version=4)
    made, sheet = done.manifest, sheet_of(done.folder)
    told = groups(sheet)
    for label, before in made.train_before.items():
        assert told[label] == (before, made.train_after[label])
    splits = small_run.manifest().dataset.splits
    assert told["train"] == (splits["train"], sum(made.train_after.values()))
    assert told["test"] == (splits["test"], splits["test"])
    for entropy in map(
        class_entropy, (list(made.train_before.values()), [*made.train_after.values()])
    ):
        assert f"{entropy:.2f} bits" in sheet
    assert "`gold`, 12 training rows: these rows stay at any rate" in sheet
    assert "40.0% were dropped strictly by rank: the easiest went" in sheet
    assert "2 kept, 2 relabelled, 2 dropped, 2 left open. By `Ada` (4), `Ben` (4)." in sheet
    assert "`VoG`, compared within its class" in sheet
    assert f"`kept.csv` `{made.files['kept.csv']}`" in sheet
    assert made.files[DATASHEET] == hashlib.sha256(sheet.encode()).hexdigest()


def test_the_machine_is_not_in_it(small_run: Run, tmp_path: Path) -> None:
    dataset = small_run.manifest().dataset
    source = str(tmp_path / "secret" / "requests.csv")
    small_run.update(dataset=dataset.model_copy(update={"source": source}))
    curated = curate(small_run, SelectionSettings())
    done = export_curated(small_run, curated, Place(tmp_path / "first cut"))
    sheet = sheet_of(done.folder)
    assert str(tmp_path) not in sheet
    assert "`requests.csv`" in sheet
    assert "    influence export small 'first cut' --format jsonl --fraction 0.3" in sheet
    assert str(tmp_path) in done.manifest.command


def test_what_goes_before_the_ranking_is_told(small_run: Run, tmp_path: Path) -> None:
    settings = SelectionSettings(fraction=0.3, clip_suspicious=0.1, floor=5)
    kept = select(small_run, settings).kept
    sheet = sheet_of(export(small_run, kept, tmp_path / "out", settings=settings).folder)
    assert (
        "30.0% were dropped: first the 10.0% whose label looks least right by aum; the others "
        "strictly by rank: the easiest went; of every class at least 5 rows stayed, or "
        "all it has."
    ) in sheet


def test_nothing_is_said_of_what_is_not_known(runs_root: Path, tmp_path: Path) -> None:
    run = make_run(runs_root, rows=60, scored=False)
    sheet = sheet_of(export(run, [], tmp_path / "none").folder)
    assert "chosen in a way that was not recorded" in sheet
    assert "labels are wrong was not estimated" in sheet
    assert "never got right" not in sheet
    assert "influence export" not in sheet
    assert "labels has no training row left" not in sheet
    emptied = len(run.manifest().dataset.label_names)
    assert f"**{emptied} labels have no training row left.**" in sheet


def test_many_classes_are_summed_up(runs_root: Path, tmp_path: Path) -> None:
    run = make_run(runs_root, rows=900, classes=80)
    done = export(run, select(run, SelectionSettings()).kept, tmp_path / "out")
    sheet, after = sheet_of(done.folder), done.manifest.train_after
    told = groups(sheet)
    listed = [label for label in after if label in told]
    assert len(listed) == GROUPS_LISTED
    more = re.search(r"^\| (\d+) more \| ([\d,]+) \| ([\d,]+) \|", sheet, re.MULTILINE)
    assert int(more[1]) == len(after) - GROUPS_LISTED
    assert int(more[3].replace(",", "")) == sum(
        rows for label, rows in after.items() if label not in told
    )


def test_hostile_names_stay_names(hostile_run: Run, tmp_path: Path) -> None:
    chosen = select(hostile_run, SelectionSettings())
    done = export(hostile_run, chosen.kept, tmp_path / "<b>out`", settings=chosen.settings)
    sheet = sheet_of(done.folder)
    reader = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    blocks = reader.parse(sheet)
    kinds = {piece.type for one in blocks for piece in [one, *(one.children or [])]}
    assert {"table_open", "code_inline"} <= kinds
    assert not kinds & {"html_inline", "html_block", "image", "link_open"}
    texts = read(hostile_run.examples_file)["text"].to_pylist()
    assert not [text for text in texts if len(text) > 20 and text in sheet]


def test_a_source_column_of_texts_is_not_told(small_run: Run, tmp_path: Path) -> None:
    examples = read(small_run.examples_file)
    place, texts = examples.column_names.index("source"), examples["text"]
    write_parquet(small_run.examples_file, examples.set_column(place, "source", texts))
    sheet = sheet_of(export(small_run, [0], tmp_path / "out").folder)
    assert not [text for text in texts.to_pylist() if text in sheet]


def test_rows_that_nobody_judged_are_counted(small_run: Run, tmp_path: Path) -> None:
    from influence_core.noise.table import write_noise

    report = write_noise(small_run)
    flags = small_run.scores(["row", "never_learnt"])
    kept = select(small_run, SelectionSettings(fraction=0.5)).kept
    sheet = sheet_of(export(small_run, kept, tmp_path / "out").folder)
    stay = int(np.isin(flags.loc[flags["never_learnt"], "row"], kept).sum())
    assert f"- {stay} training row" in sheet
    if report.facts.wrong is None:
        assert "was not estimated" in sheet
    else:
        top = report.table.iloc[: round(report.facts.wrong.share * len(report.table))]
        suspects = int(np.isin(top["row"], kept).sum())
        share = f"{100 * suspects / len(kept):.1f}% of the training rows here"
        assert f"{suspects:,} stay here without a decision of a reviewer: {share}." in sheet
