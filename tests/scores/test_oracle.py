"""VoG, TracIn and EL2N against one row at a time, without padding, by plain autograd."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import ModelError
from influence_core.model.classifier import head_linear, last_encoder_layer, load_classifier
from influence_core.model.tokens import open_tokens
from influence_core.progress import silent
from influence_core.scores.trace import Plan, read_trace, trace
from influence_core.store.run import Run
from influence_core.training.dynamics import read_snapshots
from tests.requests import write_requests

SCORES = ("vog", "el2n", "forgetting", "pvi", "tracin", "aum")
LEARNING_RATE = 1e-2


@pytest.fixture(scope="module")
def finetuned(tmp_path_factory, tiny_encoder) -> Run:
    """A run whose every snapshot step is a checkpoint step, with the checkpoints kept."""
    folder = tmp_path_factory.mktemp("finetuned")
    settings = RunSettings(
        data=DataSettings(source=str(write_requests(folder / "requests.csv"))),
        model=ModelSettings(encoder=str(tiny_encoder), dropout=0.1),
        training=TrainingSettings(
            mode="finetune",
            epochs=3,
            batch_size=16,
            encoder_lr=LEARNING_RATE,
            head_lr=5e-2,
            checkpoints=15,
            snapshot_steps=1,
            snapshot_epochs=3,
            precision="fp32",
            keep_checkpoints=True,
        ),
        scoring=ScoringSettings(scores=SCORES, shard_tokens=256),
    )
    run = pipeline.run(name="finetuned", settings=settings, root=folder)
    # The tokens are what the oracle reads, so they are made once more where the run left none.
    from influence_core.model.encoder import load_tokenizer
    from influence_core.model.tokens import tokenize

    tokenizer = load_tokenizer(str(tiny_encoder))
    tokenize(run.examples_file, tokenizer, 128, folder / "tokens", silent())
    return run


@pytest.fixture(scope="module")
def oracle(finetuned) -> pd.DataFrame:
    """What the definitions say, row after row."""
    tokens = open_tokens(finetuned.path.parent / "tokens")
    examples, names = finetuned.examples(), finetuned.manifest().dataset.label_names
    labels = examples.label.map(names.index)
    rows = finetuned.scores().row
    gradients = {row: [] for row in rows}
    found = pd.DataFrame(0.0, index=rows, columns=["tracin_head", "tracin_encoder"])
    correct, errors, losses, margins = [], [], [], []
    for folder in sorted(finetuned.checkpoints_folder.iterdir()):
        model = load_classifier(folder)
        kinds = {"head": head_linear(model), "encoder": last_encoder_layer(model)}
        right, error, lost, margin = [], [], [], []
        for row in rows:
            inputs = tokens.batch([row])
            embedded = model.get_input_embeddings()(inputs.pop("input_ids")).detach()
            embedded.requires_grad_()
            states = model.encoder(inputs_embeds=embedded, **inputs).last_hidden_state
            pooled = states[0, 0] if model.config.pooling == "cls" else states[0].mean(0)
            logits = model.head(pooled)
            label = labels[row]
            (gradient,) = torch.autograd.grad(logits[label], embedded, retain_graph=True)
            gradients[row].append(gradient[0].double())
            loss = -logits.log_softmax(0)[label]
            for kind, layer in kinds.items():
                parts = torch.autograd.grad(loss, list(layer.parameters()), retain_graph=True)
                squared = sum(part.double().square().sum().item() for part in parts)
                found.loc[row, f"tracin_{kind}"] += LEARNING_RATE * squared
            p = logits.detach().double().softmax(0)
            p[label] -= 1
            error.append(p.norm().item())
            right.append(bool(logits.argmax() == label))
            lost.append(loss.item())
            others = [logits[other].item() for other in range(len(names)) if other != label]
            margin.append(logits[label].item() - max(others))
        correct.append(right)
        errors.append(error)
        losses.append(lost)
        margins.append(margin)
    stacked = [torch.stack(gradients[row]) for row in rows]
    found["vog"] = [one.var(0, unbiased=False).mean().item() for one in stacked]
    found["vog_std"] = [one.std(0, unbiased=False).mean().item() for one in stacked]
    steps = [int(path.name[-6:]) for path in sorted(finetuned.checkpoints_folder.iterdir())]
    second = [snapshot.step for snapshot in read_snapshots(finetuned.dynamics_folder)].index(10)
    assert steps == list(range(1, 16))
    found["el2n"] = errors[second]
    shares = labels[rows].value_counts(normalize=True)
    found["pvi"] = -np.array(losses[second]) / np.log(2) - np.log2(shares[labels[rows]]).to_numpy()
    found["aum"] = np.mean([margins[step - 1] for step in (5, 10, 15)], axis=0)
    found["forgetting"] = (np.diff(np.array(correct, int), axis=0) == -1).sum(0)
    return found


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("vog", "vog"),
        ("tracin", "tracin_encoder"),
        ("el2n", "el2n"),
        ("pvi", "pvi"),
        ("aum", "aum"),
    ],
)
def test_scores_of_a_run(finetuned, oracle, score, expected):
    np.testing.assert_allclose(finetuned.scores()[score], oracle[expected], rtol=2e-4, atol=1e-5)


def test_only_training_rows_are_scored(finetuned):
    examples = finetuned.examples(["split"])
    assert set(examples.split) == {"train", "validation", "test"}
    assert finetuned.scores().row.tolist() == np.flatnonzero(examples.split == "train").tolist()


def test_forgetting_of_a_run(finetuned, oracle):
    assert oracle.forgetting.sum() > 0
    np.testing.assert_array_equal(finetuned.scores().forgetting, oracle.forgetting)


@pytest.mark.parametrize("statistic", ["variance", "std"])
@pytest.mark.parametrize("layer", ["head", "encoder"])
@pytest.mark.parametrize("shard_tokens", [256, 4096])
def test_every_variant_of_the_trace(finetuned, oracle, tmp_path, statistic, layer, shard_tokens):
    settings = ScoringSettings(
        vog_statistic=statistic, tracin_layer=layer, shard_tokens=shard_tokens
    )
    retrace(finetuned, tmp_path, settings)
    rows = oracle.index.to_numpy()
    expected = {"vog": "vog" if statistic == "variance" else "vog_std", "tracin": f"tracin_{layer}"}
    for column, reference in expected.items():
        found = read_trace(tmp_path, rows, column)
        np.testing.assert_allclose(found, oracle[reference], rtol=2e-4)


def test_a_lost_shard_comes_back_with_the_same_bytes(finetuned, tmp_path):
    settings = ScoringSettings(shard_tokens=256)
    retrace(finetuned, tmp_path, settings)
    shards = sorted(tmp_path.glob("shard-*.parquet"))
    assert len(shards) > 2
    before = [shard.read_bytes() for shard in shards]
    shards[1].unlink()
    retrace(finetuned, tmp_path, settings)
    assert [shard.read_bytes() for shard in sorted(tmp_path.glob("*.parquet"))] == before


def test_token_means_average_to_the_score(finetuned, tmp_path):
    retrace(finetuned, tmp_path, ScoringSettings())
    (shard,) = tmp_path.glob("*.parquet")
    table = pd.read_parquet(shard)
    np.testing.assert_allclose(table.token_vog.map(np.mean), table.vog, rtol=1e-5)
    lengths = open_tokens(finetuned.path.parent / "tokens").lengths
    assert (table.token_vog.map(len) == lengths[table.row]).all()


def test_the_same_settings_give_the_same_bytes(finetuned):
    folder = finetuned.path.parent / "again"
    shutil.rmtree(folder, ignore_errors=True)
    settings = finetuned.manifest().settings
    again = pipeline.run(name="finetuned", settings=settings, root=folder)
    assert again.scores_file.read_bytes() == finetuned.scores_file.read_bytes()


def retrace(run: Run, folder, settings: ScoringSettings) -> None:
    examples, names = run.examples(), run.manifest().dataset.label_names
    trace(
        checkpoints=sorted(run.checkpoints_folder.iterdir()),
        tokens=open_tokens(run.path.parent / "tokens"),
        rows=run.scores().row.to_numpy(),
        labels=examples.label.map(names.index).to_numpy(),
        folder=folder,
        plan=Plan(vog=True, tracin=True, learning_rate=LEARNING_RATE),
        settings=settings,
        precision="fp32",
        progress=silent(),
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
