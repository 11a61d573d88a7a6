"""The built-in dataset: the same bytes always, known noise, natural proportions."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from influence_core.config import BUILTIN_SOURCE, DataSettings
from influence_core.data import inspect
from influence_core.data.voice_assistant import WRONG_SHARE, build
from influence_core.errors import DataError

_PRINT = """
import sys
from influence_core.config import DataSettings
from influence_core.data.voice_assistant import build
sys.stdout.write(repr(build(DataSettings()).to_pylist()))
"""


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.DataFrame(build(DataSettings()).to_pylist())


def test_two_processes_build_the_same_bytes():
    prints = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _PRINT]
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
        prints.add(hashlib.sha256(done.stdout).hexdigest())
    assert len(prints) == 1


def test_another_seed_makes_other_rows(rows):
    other = build(DataSettings(seed=1))["text"].to_pylist()
    assert other != rows["text"].tolist()


def test_size_and_shape(rows):
    assert 5_500 <= len(rows) <= 6_000
    assert rows["id"].is_unique
    assert rows["text"].is_unique
    assert rows["true_domain"].nunique() == 13
    assert rows["true_intent"].nunique() >= 40


def test_texts_read_like_speech(rows):
    odd = re.compile(
        r"[\[\](){}<>|;]|  |^ | $|\b(the|my|in|to|of) (the|my) (the|my)\b"
        r"|\b(the the|an timer|an hours)\b"
    )
    assert not [text for text in rows["text"] if odd.search(text)]


def test_slots_are_words_of_the_text(rows):
    for text, slots in zip(rows["text"], rows["slots"], strict=True):
        for slot in slots:
            value = text[slot["start"] : slot["end"]]
            assert value
            assert value == value.strip()
    assert rows["slots"].map(len).gt(0).mean() > 0.7


def test_class_sizes_and_traffic_are_zipf_like(rows):
    sizes = rows["true_domain"].value_counts()
    assert sizes.iloc[0] > 4 * sizes.iloc[6]
    traffic = np.sort(rows["frequency"])[::-1]
    assert traffic[:600].sum() > 0.5 * traffic.sum()


def test_synthetic_share_varies_by_domain(rows):
    synthetic = rows["source"].eq("synthetic")
    assert 0.16 < synthetic.mean() < 0.22
    shares = synthetic.groupby(rows["true_domain"]).mean()
    assert shares["scenes"] > 0.9
    assert shares["lights"] < 0.15


def test_noise_is_known_and_only_in_training_rows(rows):
    wrong = rows["label_is_wrong"]
    train = rows["split"].eq("train")
    assert wrong.sum() == round(WRONG_SHARE * train.sum())
    assert not wrong[~train].any()
    for role in ("domain", "intent"):
        assert wrong.equals(rows[role].ne(rows[f"true_{role}"]))


def test_no_template_or_branch_is_divided(rows):
    assert (rows.groupby("template")["split"].nunique() == 1).all()
    assert set(rows["split_unit"]) == {"template", "branch"}


def test_every_domain_is_in_every_split(rows):
    assert (rows.groupby("split")["true_domain"].nunique() == 13).all()


@pytest.mark.parametrize("language", ["de", "nl", "fr", "es", "zh-CN"])
def test_other_languages(language):
    table = build(DataSettings(language=language))
    assert table.num_rows > 5_000
    assert not [text for text in table["text"].to_pylist() if re.search(r"[\[\]{}<>|]|  ", text)]


@pytest.mark.parametrize("language", ["ja", "xx", "../en"])
def test_unsupported_language_lists_those_there_are(language):
    with pytest.raises(DataError, match="'de', 'de-CH', 'el', 'en'"):
        build(DataSettings(language=language))


def test_load_learns_domains_by_default(loaded, run):
    summary = loaded(BUILTIN_SOURCE)
    assert "lights" in summary.label_names
    assert summary.columns["intent"] == "string"
    assert summary.columns["frequency"] == "int64"
    assert run.examples(["split"])["split"].value_counts()["test"] > 400


def test_load_learns_intents_if_asked(loaded):
    assert "LightSet" in loaded(BUILTIN_SOURCE, label="intent").label_names


def test_inspection_names_the_default_label():
    assert inspect(DataSettings()).settings.label == "domain"
