"""Every score of the registry against somebody else's computation, on a run that was trained."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import ModelError
from influence_core.progress import silent
from influence_core.scores.gradients.trace import Plan, trace
from influence_core.scores.registry import SCORES
from influence_core.store.run import Run
from tests.requests import write_requests
from tests.scores.oracles import CHECKS, ORACLES, RATE, Evidence, fine_tuned, largest_difference

COUNTS = ("forgetting", "correctness")


@pytest.fixture(scope="module")
def work(tmp_path_factory, tiny_encoder) -> Evidence:
    return fine_tuned(tmp_path_factory.mktemp("fine-tuned"), tiny_encoder)


def test_every_score_has_an_oracle():
    assert set(ORACLES) == set(SCORES)


@pytest.mark.parametrize(("key", "variant"), CHECKS, ids=lambda words: words or "as by default")
def test_a_score_is_what_its_oracle_says(work, record_property, key, variant):
    difference = largest_difference(key, CHECKS[key, variant], work)
    record_property("largest relative difference", difference)
    assert difference <= (0 if key in COUNTS else 1e-5)


def test_no_oracle_is_easily_satisfied(work):
    """Scores of a model that learnt nothing would agree with anything."""
    scores = work.run.scores()
    assert scores.forgetting.sum() > 0
    assert (scores[list(SCORES)].nunique() > 1).all()


def test_only_training_rows_are_scored(work):
    examples = work.run.examples(["split"])
    assert set(examples.split) == {"train", "validation", "test"}
    assert work.run.scores().row.tolist() == np.flatnonzero(examples.split == "train").tolist()


def test_a_lost_shard_comes_back_with_the_same_bytes(work, tmp_path):
    settings = ScoringSettings(shard_tokens=256)
    retrace(work, tmp_path, settings)
    shards = sorted(tmp_path.glob("shard-*.parquet"))
    assert len(shards) > 1
    before = [shard.read_bytes() for shard in shards]
    shards[1].unlink()
    retrace(work, tmp_path, settings)
    assert [shard.read_bytes() for shard in sorted(tmp_path.glob("*.parquet"))] == before


def test_token_means_average_to_the_score(work, tmp_path):
    retrace(work, tmp_path, ScoringSettings())
    (shard,) = tmp_path.glob("*.parquet")
    table = pd.read_parquet(shard)
    np.testing.assert_allclose(table.token_vog.map(np.mean), table.vog, rtol=1e-5)
    assert (table.token_vog.map(len) == work.tokens.lengths[table.row]).all()


def test_the_same_settings_give_the_same_bytes(work):
    folder = work.run.path.parent / "again"
    shutil.rmtree(folder, ignore_errors=True)
    settings = work.run.manifest().settings
    again = pipeline.run(name="fine-tuned", settings=settings, root=folder)
    assert again.scores_file.read_bytes() == work.run.scores_file.read_bytes()


def retrace(work, folder, settings: ScoringSettings) -> None:
    plan = Plan(vog=True, tracin=True, learning_rate=RATE)
    labels = np.zeros(len(work.tokens), np.int64)
    labels[work.rows] = work.labels
    trace(
        work.checkpoints, work.tokens, work.rows, labels, folder, plan, settings, "fp32", silent()
    )


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("nothing", r"no module 'nothing'.*encoder\.embeddings"),
        ("", r"no module ''"),
        ("head.0", "one vector a token; got 'head.0'"),
        ("encoder.embeddings.position_embeddings", "one vector a token"),
    ],
)
def test_what_cannot_be_traced_is_found_before_training(tiny_encoder, runs_root, module, message):
    source = str(write_requests(runs_root / "requests.csv"))
    settings = RunSettings(
        data=DataSettings(source=source),
        model=ModelSettings(encoder=str(tiny_encoder)),
        training=TrainingSettings(mode="finetune"),
        scoring=ScoringSettings(scores=("vog", "tracin"), embedding_module=module),
    )
    with pytest.raises(ModelError, match=message):
        pipeline.run(name="untraceable", settings=settings)
    assert not Run(runs_root / "untraceable").dynamics_folder.exists()
