"""A copy of the data with wrong labels, and the truth beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from influence_core.config import DataSettings, RunSettings
from influence_core.data import load
from influence_core.errors import ConfigError, DataError, RunError
from influence_core.noise.flipping import flip
from influence_core.noise.known import known_wrong
from influence_core.noise.settings import FlipSettings
from influence_core.progress import Progress, silent
from influence_core.store.run import Run, create_run
from tests.factory import make_run, read
from tests.noise.blobs import clouds


def table(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_json(path, lines=True) if path.suffix == ".jsonl" else pd.read_csv(path)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
@pytest.mark.parametrize("kind", ["uniform", "confused"])
def test_the_file_tells_what_was_done(
    small_run: Run, tmp_path: Path, kind: str, suffix: str
) -> None:
    settings = FlipSettings(kind=kind, share=0.25, seed=3)
    made = flip(small_run, tmp_path / f"noisy{suffix}", settings)
    before, after = read(small_run.examples_file).to_pandas(), table(made.path)
    train = (before["split"] == "train").to_numpy()
    drawn = after["label_before"].notna().to_numpy()
    changed = (after["label"] != before["label"]).to_numpy()
    assert drawn.sum() == round(0.25 * train.sum()) == made.manifest.drawn
    assert not drawn[~train].any()
    assert (changed == after["flipped"]).all()
    assert changed.sum() == made.manifest.wrong
    assert made.manifest.wrong_share == changed.sum() / train.sum()
    assert (after["label_before"][drawn] == before["label"][drawn]).all()
    kept = ["id", "text", "split", "domain", "frequency"]
    pd.testing.assert_frame_equal(after[kept], before[kept], check_dtype=False)
    assert np.flatnonzero(drawn).tolist() == made.flips.rows.tolist()


def test_the_settings_lie_beside_the_file(small_run: Run, tmp_path: Path) -> None:
    made = flip(small_run, tmp_path / "noisy.parquet", FlipSettings(share=0.2, seed=7))
    facts = json.loads((tmp_path / "noisy.flips.json").read_text())
    assert facts["settings"] == {"kind": "uniform", "share": 0.2, "seed": 7}
    assert facts["run"] == "small"
    assert facts["wrong"] == made.manifest.wrong == read(made.path)["flipped"].to_pylist().count(1)


def test_the_seed_decides(small_run: Run, tmp_path: Path) -> None:
    first, again, other = (
        flip(small_run, tmp_path / f"{number}.parquet", FlipSettings(seed=seed)).path.read_bytes()
        for number, seed in enumerate((0, 0, 1))
    )
    assert first == again != other


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_a_run_of_the_file_knows_the_truth(
    small_run: Run, tmp_path: Path, runs_root: Path, suffix: str
) -> None:
    made = flip(small_run, tmp_path / f"noisy{suffix}")
    settings = RunSettings(data=DataSettings(source=str(made.path), min_class_size=1))
    noisy = create_run("noisy", settings)
    load(settings.data, noisy, silent())
    before, after = read(small_run.examples_file).to_pandas(), read(noisy.examples_file).to_pandas()
    pd.testing.assert_frame_equal(after[["id", "split"]], before[["id", "split"]])
    wrong = known_wrong(noisy)
    train = np.flatnonzero(before["split"] == "train")
    assert wrong is not None
    assert train[wrong].tolist() == made.flips.wrong.tolist()


def test_confused_labels_follow_the_features(small_run: Run, tmp_path: Path) -> None:
    """Classes whose clouds lie on one another are confused, far ones are not."""
    examples = read(small_run.examples_file).to_pandas()
    names = small_run.manifest().dataset.label_names
    labels = examples["label"].map(names.index).to_numpy()
    np.save(small_run.embeddings_file, clouds(labels // 2, len(names) // 2, spread=0.1))
    made = flip(small_run, tmp_path / "noisy.parquet", FlipSettings(kind="confused", share=0.5))
    assert (made.flips.before != made.flips.after).all()
    assert (made.flips.before // 2 == made.flips.after // 2).mean() > 0.9


def test_pairs_keep_their_second_text(tmp_path: Path, runs_root: Path) -> None:
    run = make_run(runs_root, "pairs", rows=60, classes=3, pairs=True)
    assert "text_pair" in table(flip(run, tmp_path / "noisy.parquet").path)
    alone = make_run(runs_root, "alone", rows=60, classes=3)
    assert "text_pair" not in table(flip(alone, tmp_path / "other.parquet").path)


def test_what_cannot_be_done_is_refused(small_run: Run, tmp_path: Path, runs_root: Path) -> None:
    made = flip(small_run, tmp_path / "noisy.parquet")
    with pytest.raises(ConfigError, match="'destination' must be a new file"):
        flip(small_run, made.path)
    with pytest.raises(ConfigError, match=r"'destination' must end in .csv, .jsonl, .parquet"):
        flip(small_run, tmp_path / "noisy.txt")
    untrained = make_run(runs_root, "untrained", scored=False)
    flip(untrained, tmp_path / "uniform.parquet")
    with pytest.raises(RunError, match="does not tell which classes are confused"):
        flip(untrained, tmp_path / "confused.parquet", FlipSettings(kind="confused"))
    settings = RunSettings(data=DataSettings(source=str(made.path), min_class_size=1))
    noisy = create_run("noisy", settings)
    noisy.update(dataset=load(settings.data, noisy, silent()))
    with pytest.raises(DataError, match="'run' must hold no column 'flipped'"):
        flip(noisy, tmp_path / "again.parquet")
    assert not (tmp_path / "again.parquet").exists()


def test_confusions_of_a_fine_tuned_run_take_a_pass_that_is_told(
    small_run: Run, tiny_encoder: Path, tmp_path: Path
) -> None:
    settings = small_run.manifest().settings
    training = settings.training.model_copy(update={"mode": "finetune"})
    model = settings.model.model_copy(update={"encoder": str(tiny_encoder)})
    small_run.update(settings=settings.model_copy(update={"training": training, "model": model}))
    stages: list[str] = []
    progress = Progress(lambda event: stages.append(event.stage))
    flip(small_run, tmp_path / "uniform.parquet", FlipSettings(), progress)
    assert not stages
    flip(small_run, tmp_path / "confused.parquet", FlipSettings(kind="confused"), progress)
    assert {"tokens", "features"} <= set(stages)
