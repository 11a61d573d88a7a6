"""`noise.parquet`: every training row by how suspicious its label is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from influence_core.errors import RunBusy, RunError, ScoreError
from influence_core.noise.known import detections, known_wrong
from influence_core.noise.table import (
    find_noise,
    noise_file,
    read_facts,
    read_noise,
    suspected,
    write_noise,
)
from influence_core.progress import Event, Progress
from influence_core.store.files import discard, write_parquet
from influence_core.store.run import Run
from tests.factory import read
from tests.noise.blobs import give_features

OF_FEATURES = ("discriminant", "neighbours")


def test_training_rows_alone_are_ranked(small_run: Run) -> None:
    report = write_noise(small_run)
    examples = read(small_run.examples_file).to_pandas()
    train = np.flatnonzero(examples["split"] == "train")
    assert sorted(report.table["row"]) == train.tolist()
    assert report.table["rank"].tolist() == list(range(1, len(train) + 1))
    assert (np.diff(report.table["consensus"]) <= 0).all()
    ids = examples["id"].to_numpy()[report.table["row"]]
    assert report.table["id"].tolist() == ids.tolist()
    suspicions = report.table.filter(like="suspicion_")
    assert ((suspicions > 0) & (suspicions < 1)).all(axis=None)


def test_detectors_that_lack_their_artefacts_say_so(small_run: Run) -> None:
    """Without features and held-out models the training alone speaks."""
    report = write_noise(small_run)
    assert report.facts.detectors == ("aum", "confidence", "el2n", "pvi")
    assert set(report.facts.missing) == {"label_quality", *OF_FEATURES}
    assert "features of an encoder" in report.facts.missing["discriminant"]
    assert report.facts.wrong is None
    voted = report.table[["suspicion_aum", "suspicion_confidence"]].mean(axis=1)
    np.testing.assert_allclose(report.table["consensus"], voted)


def test_the_early_detectors_stand_in(small_run: Run) -> None:
    discard(small_run.dynamics_folder)
    scores = read(small_run.scores_file).select(["row", "id", "el2n", "pvi"])
    write_parquet(small_run.scores_file, scores)
    small_run.update(scores=("el2n", "pvi"))
    report = write_noise(small_run)
    assert report.facts.detectors == ("el2n", "pvi")
    voted = report.table[["suspicion_el2n", "suspicion_pvi"]].mean(axis=1)
    np.testing.assert_allclose(report.table["consensus"], voted)


def test_nothing_to_look_at_is_refused(small_run: Run) -> None:
    discard(small_run.dynamics_folder)
    small_run.update(scores=())
    with pytest.raises(ScoreError, match="'small' has nothing that tells wrong labels"):
        write_noise(small_run)
    assert not noise_file(small_run).exists()
    with pytest.raises(RunError, match=r"has no 'noise.parquet'; `influence noise small`"):
        read_noise(small_run)


def finetuned_from(run: Run, encoder: Path) -> None:
    """Let a run say that it was fine-tuned from an encoder."""
    settings = run.manifest().settings
    training = settings.training.model_copy(update={"mode": "finetune"})
    model = settings.model.model_copy(update={"encoder": str(encoder)})
    run.update(settings=settings.model_copy(update={"training": training, "model": model}))


def test_fine_tuned_runs_are_judged_by_the_encoder_untuned(
    small_run: Run, tiny_encoder: Path
) -> None:
    """Those that the tuned encoder leaves know the labels."""
    give_features(small_run)
    finetuned_from(small_run, tiny_encoder)
    first = write_noise(small_run)
    assert set(OF_FEATURES) <= set(first.facts.detectors)
    embeddings = np.load(small_run.embeddings_file)
    np.save(small_run.embeddings_file, embeddings[::-1])
    assert write_noise(small_run).table.equals(first.table)


def test_an_encoder_that_is_gone_is_told(small_run: Run, tmp_path: Path) -> None:
    give_features(small_run)
    finetuned_from(small_run, tmp_path / "gone")
    events: list[Event] = []
    report = write_noise(small_run, progress=Progress(events.append))
    assert set(OF_FEATURES) <= set(report.facts.missing)
    assert any("gone" in event.message for event in events)


def test_features_are_read_once(small_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    give_features(small_run)
    read_paths: list[str] = []

    def load(path: Path, **options: Any) -> np.ndarray:
        read_paths.append(path.name)
        return loaded(path, **options)

    loaded = np.load
    monkeypatch.setattr(np, "load", load)
    assert set(OF_FEATURES) <= set(write_noise(small_run).facts.detectors)
    assert read_paths.count("embeddings.npy") == 1


def test_wrong_labels_come_first_and_are_mended(small_run: Run) -> None:
    contradicted = give_features(small_run)
    report = write_noise(small_run)
    assert set(OF_FEATURES) <= set(report.facts.detectors)
    assert report.facts.wrong is not None
    share = contradicted.sum() / len(report.table)
    assert report.facts.wrong.low <= share <= report.facts.wrong.high
    wrong = known_wrong(small_run)
    assert wrong is not None
    measured = dict(detections(small_run, wrong))
    assert measured["neighbours"].average_precision > 0.9
    assert measured["discriminant"].average_precision > 0.9
    # The invented training knows nothing of the features: it is the one witness against two.
    assert measured["aum"].average_precision < 0.3 < measured["consensus"].average_precision
    assert not measured["vog"].above_chance


def test_suggestions_are_other_labels_by_the_features(small_run: Run) -> None:
    contradicted = give_features(small_run)
    table = write_noise(small_run).table
    assert (table["suggested"] != table["label"]).all()
    assert table["confidence"].between(0, 1).all()
    sure = table["confidence"] > 0.5
    assert contradicted[table["row"][sure]].mean() > 0.9


def test_without_features_the_final_model_suggests(small_run: Run) -> None:
    table = write_noise(small_run).table.sort_values("row")
    said = read(small_run.predictions_file).to_pandas().loc[table["row"]]
    other = (said["predicted"] != table["label"].to_numpy()).to_numpy()
    assert table["suggested"].isna().tolist() == (~other).tolist()
    assert table["suggested"][other].tolist() == said["predicted"][other].tolist()


def test_predictions_of_some_rows_alone_are_read_by_their_rows(small_run: Run) -> None:
    whole = read(small_run.predictions_file)
    write_parquet(small_run.predictions_file, whole.slice(100, 150))
    table = write_noise(small_run).table.set_index("row").sort_index()
    said = whole.slice(100, 150).to_pandas().set_index("row")["predicted"]
    told = table["suggested"].dropna()
    expected = {row: said[row] for row in table.index if row in said.index}
    wrong = {row: name for row, name in expected.items() if name != table["label"][row]}
    assert told.to_dict() == wrong
    assert wrong


def test_why_names_the_loudest_first(small_run: Run) -> None:
    give_features(small_run)
    report = write_noise(small_run)
    assert report.facts.wrong is not None
    limit = 1 - report.facts.wrong.share
    for place in (0, 5, len(report.table) - 1):
        row = report.table.iloc[place]
        expected = {
            key: row[f"suspicion_{key}"]
            for key in report.facts.detectors
            if row[f"suspicion_{key}"] >= limit
        }
        why = report.why(place)
        assert dict(why) == expected
        assert [value for _, value in why] == sorted(expected.values(), reverse=True)
    assert report.why(0)


def test_it_is_computed_once_and_again_when_the_run_changes(small_run: Run) -> None:
    first = find_noise(small_run)
    written = noise_file(small_run).stat().st_mtime_ns
    assert find_noise(small_run).facts == first.facts
    assert noise_file(small_run).stat().st_mtime_ns == written
    small_run.update()
    assert find_noise(small_run).facts.content == small_run.manifest().content_version
    assert noise_file(small_run).stat().st_mtime_ns > written


def test_the_table_is_there_before_its_version_is(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def write(path: Path, table: Any) -> None:
        seen.append(small_run.manifest().content_version)
        write_parquet(path, table)

    before = small_run.manifest().content_version
    monkeypatch.setattr("influence_core.noise.table.write_parquet", write)
    report = write_noise(small_run)
    assert seen == [before]
    assert report.facts.content == small_run.manifest().content_version != before


def test_the_same_seed_gives_the_same_table(small_run: Run) -> None:
    give_features(small_run)
    first, again = write_noise(small_run).table, write_noise(small_run).table
    assert first.equals(again)


def test_a_run_at_work_is_left_alone(small_run: Run) -> None:
    with small_run.lock(), pytest.raises(RunBusy):
        write_noise(small_run)
    assert not noise_file(small_run).exists()


def test_known_columns_are_read(small_run: Run) -> None:
    assert known_wrong(small_run) is None
    with pytest.raises(RunError, match="'truth' must be one of id, text"):
        known_wrong(small_run, "nothing")
    with pytest.raises(RunError, match="'truth' must name a column of true and false"):
        known_wrong(small_run, "domain")


def test_as_many_look_wrong_as_are_estimated_to_be(small_run: Run) -> None:
    assert (read_facts(small_run), suspected(small_run)) == (None, 0)
    give_features(small_run)
    report = find_noise(small_run)
    assert read_facts(small_run) == report.facts
    assert suspected(small_run) == round(report.facts.wrong.share * len(report.table)) > 0
    small_run.update(content_version="another")
    assert (read_facts(small_run), suspected(small_run)) == (None, 0)
