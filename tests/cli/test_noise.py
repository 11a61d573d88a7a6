"""The commands of the noise lab."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from influence_core.store.run import Run
from tests.cli.conftest import Influence
from tests.noise.blobs import give_features


class TestNoise:
    def test_the_top_is_shown_with_its_reasons(self, influence: Influence, small_run: Run) -> None:
        give_features(small_run)
        answer = influence("noise", "small", "--top", "5", "--json")
        facts = answer.json
        assert isinstance(facts, dict)
        assert facts["detectors"] == [
            *("aum", "confidence", "el2n", "pvi"),
            *("discriminant", "neighbours"),
        ]
        assert [row["rank"] for row in facts["rows"]] == [1, 2, 3, 4, 5]
        assert facts["measured"]["consensus"]["wrong"] == facts["measured"]["vog"]["wrong"] > 0
        shown = influence("noise", "small", "--top", "5").out
        for row in facts["rows"]:
            assert row["id"] in shown
            assert row["suggested"] in shown
            assert set(row["why"]) <= set(facts["detectors"])
        assert "without label_quality: it needs the score label_quality" in shown
        assert "of the labels" in shown
        assert "at chance" in next(line for line in shown.splitlines() if line.startswith("vog"))

    def test_nothing_is_measured_where_nothing_is_known(
        self, influence: Influence, small_run: Run
    ) -> None:
        answer = influence("noise", "small")
        assert answer.code == 0
        assert "known to be wrong" not in answer.out
        assert "about" not in answer.out

    def test_hostile_texts_cannot_move_the_terminal(
        self, influence: Influence, hostile_run: Run
    ) -> None:
        answer = influence("noise", "hostile", "--top", "200")
        assert answer.code == 0
        assert all(letter.isprintable() or letter == "\n" for letter in answer.out)

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            (("--truth", "nothing"), "'truth' must be one of id, text"),
            (("--truth", "domain"), "'truth' must name a column of true and false"),
            (("--top", "0"), "'--top'"),
        ],
    )
    def test_mistakes_are_told(
        self, influence: Influence, small_run: Run, asked: tuple[str, ...], message: str
    ) -> None:
        answer = influence("noise", "small", *asked)
        assert answer.code == 2
        assert message in answer.err


class TestFlip:
    def test_a_copy_is_written_and_told(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        target = tmp_path / "noisy.parquet"
        answer = influence("flip", "small", str(target), "--share", "0.2", "--seed", "4")
        wrong = int(pd.read_parquet(target)["flipped"].sum())
        assert f"{wrong:,} of them wrong now" in answer.out
        assert str(target) in answer.out.replace("\n", "")
        again = influence("flip", "small", str(target))
        assert again.code == 2
        assert "'destination' must be a new file" in again.err

    def test_settings_are_checked(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        answer = influence("flip", "small", str(tmp_path / "n.csv"), "--share", "2")
        assert answer.code == 2
        assert "'share'" in answer.err
        facts = influence(
            "flip", "small", str(tmp_path / "n.csv"), "--kind", "confused", "--json"
        ).json
        assert isinstance(facts, dict)
        assert facts["drawn"] == facts["wrong"] > 0
