"""Which rows belong together."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from influence_core.store.units import read_units


class TestUnits:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Run:
        table = pa.table(
            {
                "text": ["a", "held out", "a", "ab", "a", "a"],
                "text_pair": pa.array(["b", None, "b", None, None, "c"]),
                "split": ["train", "test", "train", "train", "train", "train"],
                'spe"aker': pa.array([1, 1, None, 2, 1, None]),
            }
        )
        write_parquet(Run(tmp_path).examples_file, table)
        return Run(tmp_path)

    def test_equal_texts_are_one(self, run: Run) -> None:
        assert read_units(run, None).tolist() == [0, 0, 2, 3, 4]

    def test_groups_are_one_and_rows_without_stand_alone(self, run: Run) -> None:
        assert read_units(run, 'spe"aker').tolist() == [0, 1, 2, 0, 4]
