"""Public datasets, where their folder stands beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core.config import DataSettings

SHARED = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the public datasets are not in {SHARED}"
)


@pytest.mark.parametrize(("label", "classes"), [("intent", 150), ("domain", 10)])
def test_clinc(loaded, label, classes):
    summary = loaded(SHARED / "clinc150_train.csv", label=label)
    assert (summary.rows, summary.rejected, len(summary.label_names)) == (15_000, 0, classes)
    assert summary.splits == {"train": 12_000, "validation": 1_500, "test": 1_500}
    assert len(set(summary.class_counts.values())) <= 2


def test_clinc_as_three_files(loaded):
    names = [f"clinc150_{name}.csv" for name in ("train", "val", "test")]
    summary = loaded(",".join(str(SHARED / name) for name in names))
    assert summary.splits == {"train": 15_000, "validation": 3_000, "test": 4_500}


def test_snips(loaded):
    summary = loaded(SHARED / "snips_train.jsonl")
    assert (summary.rows, len(summary.label_names)) == (13_784, 7)
    assert summary.columns["slots"].startswith("list<")


def test_snli_by_premise(loaded, run):
    summary = loaded(SHARED / "snli_dev.csv", group="premise")
    assert summary.pairs
    assert summary.rows == 9_842
    assert (run.examples().groupby("text")["split"].nunique() == 1).all()
    assert DataSettings().test_fraction == pytest.approx(summary.splits["test"] / 9_842, abs=0.005)
