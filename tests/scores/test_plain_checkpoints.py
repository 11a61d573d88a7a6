"""Checkpoints of anybody's classifier: scores and influence against one text at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

import influence_core
from influence_core.config import ComputeSettings, RunSettings, ScoringSettings, TrainingSettings
from influence_core.errors import RunError
from influence_core.model.classifier import load_classifier
from influence_core.model.encoder import load_tokenizer
from influence_core.model.tokens import TokenStore
from influence_core.scores.pairwise.explain import explain
from influence_core.store.run import Run
from influence_core.training.dynamics import observe
from tests.plain_classifier import plain_classifier
from tests.plain_decoder import DECODERS, decoder_tokenizer, plain_decoder, save_steps
from tests.requests import TOPICS, requests
from tests.scores.pairwise.test_explain import EVERYTHING, by_autograd, compare
from tests.scores.row_by_row import ENCODER_RATE, expected, largest_difference
from tests.training.test_recorder import trainer

CLASSES, ROWS = list(TOPICS), 36
HELD_OUT = ROWS - 1
TEXTS = [text for text, _ in requests(TOPICS, ROWS)]
KINDS = [f"{family}{pads}" for family in DECODERS for pads in ("", " without padding")]


@dataclass(frozen=True)
class Work:
    """Checkpoints and a file of texts of which the last one is held out."""

    checkpoints: list[Path]
    data: Path
    root: Path

    def scored(self, name: str, training: dict[str, object], *scores: str) -> Run:
        settings = RunSettings(
            training=TrainingSettings(precision="fp32", **training),
            scoring=ScoringSettings(
                scores=scores or ("vog", "tracin", "grand", "el2n", "loss", "margin", "entropy"),
                shard_tokens=256,
                el2n_epoch=3,
                grand_epoch=3,
            ),
        )
        return influence_core.score_checkpoints(
            self.checkpoints,
            str(self.data),
            learning_rate=ENCODER_RATE,
            name=name,
            settings=settings,
            root=self.root,
        )


def made(folder: Path, kind: str, tiny_encoder: Path) -> Work:
    if kind == "Bert":
        tokenizer = load_tokenizer(str(tiny_encoder))
        model = plain_classifier(tiny_encoder, CLASSES)
    else:
        family, pads = kind.split()[0], "without" not in kind
        tokenizer = decoder_tokenizer(TEXTS, pads)
        model = plain_decoder(family, len(tokenizer), CLASSES, pads)
    data = folder / "requests.csv"
    splits = ["train"] * (ROWS - 1) + ["test"]
    lines = (
        f"{text},{label},{split}"
        for (text, label), split in zip(requests(TOPICS, ROWS), splits, strict=True)
    )
    data.write_text("\n".join(["text,label,split", *lines]), encoding="utf-8")
    return Work(save_steps(folder, model, tokenizer), data, folder)


@pytest.fixture(scope="module", params=["Bert", *KINDS])
def work(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path
) -> Work:
    return made(tmp_path_factory.mktemp("plain"), request.param, tiny_encoder)


@pytest.fixture(scope="module")
def run(work: Work) -> Run:
    """Scored, with links to the checkpoints kept for questions about new texts."""
    return work.scored("whole", {"keep_checkpoints": True, "keep_activations": "all"})


def tokens_of(work: Work) -> TokenStore:
    tokenizer = load_tokenizer(str(work.checkpoints[-1]))
    encoded = [tokenizer(text) for text in TEXTS]
    ids = [np.array(one["input_ids"], np.int32) for one in encoded]
    types = [np.array(one["token_type_ids"], np.uint8) for one in encoded if len(one) == 3]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in ids])])
    return TokenStore(
        np.concatenate(ids), np.concatenate(types) if types else None, offsets, pad_id=0
    )


def test_scores_are_those_of_the_texts_alone(work: Work, run: Run) -> None:
    tokens, codes = tokens_of(work), np.array([CLASSES.index(one) for one in labels(run)])
    right = expected(work.checkpoints, tokens, codes)
    found = run.scores().set_index("row")
    train = list(range(ROWS - 1))
    assert found.index.tolist() == train
    for column, name in (("vog", "vog"), ("tracin", "tracin_encoder"), ("grand", "grand")):
        assert largest_difference(found[column], right[name][train]) < 1e-5
    seen = last_seen(work, tokens, codes)
    for column in ("el2n", "loss", "margin", "entropy"):
        values = np.array([one[column] for one in seen])[train]
        np.testing.assert_allclose(found[column], values, rtol=1e-5, atol=1e-6)


def labels(run: Run) -> list[str]:
    return run.examples(["label"]).label.tolist()


def last_seen(work: Work, tokens: TokenStore, codes: np.ndarray) -> list[dict[str, float]]:
    model = load_classifier(work.checkpoints[-1])
    with torch.inference_mode():
        said = [model(**tokens.batch([row])).logits for row in range(ROWS)]
    found = [
        observe(logits, torch.tensor([code])) for logits, code in zip(said, codes, strict=True)
    ]
    return [{name: part.item() for name, part in one.items()} for one in found]


@pytest.mark.parametrize("row", [4, HELD_OUT], ids=["training row", "held-out row"])
def test_a_row_is_explained_over_all_checkpoints(run: Run, row: int) -> None:
    found = explain(run, row=row, count=EVERYTHING)
    assert (found.checkpoints, found.kept) == (3, 3)
    compare(found, by_autograd(run, row, found.label))


def test_a_typed_text_goes_through_the_checkpoints_that_are_there(run: Run) -> None:
    typed = explain(run, text=TEXTS[4], label="music", count=EVERYTHING)
    assert (typed.checkpoints, typed.row) == (3, None)
    compare(typed, by_autograd(run, 4, "music"))


def test_without_wishes_new_texts_meet_the_last_checkpoint_alone(work: Work, run: Run) -> None:
    usual = work.scored("usual", {}, "tracin")
    assert not usual.checkpoints_folder.exists()
    expecting = by_autograd(run, HELD_OUT, "music", checkpoints=1)
    for asked in ({"row": HELD_OUT}, {"text": TEXTS[HELD_OUT]}):
        found = explain(usual, label="music", count=EVERYTHING, **asked)
        assert (found.checkpoints, found.kept) == (1, 3)
        compare(found, expecting)
    trained = explain(usual, row=4, count=EVERYTHING)
    compare(trained, by_autograd(run, 4, trained.label))


@pytest.fixture(scope="module")
def encoder_work(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Work:
    return made(tmp_path_factory.mktemp("encoder-only"), "Bert", tiny_encoder)


def test_scores_without_a_trace_keep_activations_by_wish(encoder_work: Work) -> None:
    untraced = encoder_work.scored("untraced", {}, "el2n")
    with pytest.raises(RunError, match="Score the checkpoints again with --keep-activations all"):
        explain(untraced, row=4)
    wished = encoder_work.scored("wished", {"keep_activations": "all"}, "el2n")
    traced = encoder_work.scored("traced", {"keep_activations": "all"}, "tracin")
    for path in sorted(traced.activations_folder.rglob("*.npy")):
        passed = np.load(wished.activations_folder / path.relative_to(traced.activations_folder))
        np.testing.assert_allclose(passed, np.load(path), rtol=1e-3, atol=1e-5)
    assert (explain(wished, row=4).checkpoints, explain(wished, row=HELD_OUT).checkpoints) == (3, 3)


def test_workers_change_no_byte(encoder_work: Work) -> None:
    one, two = (
        influence_core.score_checkpoints(
            encoder_work.checkpoints,
            str(encoder_work.data),
            name=f"by-{workers}",
            settings=RunSettings(
                training=TrainingSettings(precision="fp32"),
                scoring=ScoringSettings(scores=("vog", "tracin"), shard_tokens=256),
                compute=ComputeSettings(workers=workers),
            ),
            root=encoder_work.root,
        )
        for workers in (1, 2)
    )
    assert two.manifest().settings.compute.workers == 2
    assert len(list(two.traces_folder.glob("*.parquet"))) > 1
    assert one.scores_file.read_bytes() == two.scores_file.read_bytes()
    kept = zip(
        sorted(one.activations_folder.iterdir()),
        sorted(two.activations_folder.iterdir()),
        strict=True,
    )
    assert all(first.read_bytes() == second.read_bytes() for first, second in kept)


class TestRecorded:
    """Somebody's own Trainer, with a recorder."""

    def recorded(self, folder: Path, encoder: Path, name: str, **options: object) -> Run:
        made = trainer(encoder, folder / name)
        recorder = influence_core.InfluenceRecorder(name, root=folder, checkpoints=2, **options)
        recorder.attach(made)
        made.train()
        assert recorder.run is not None
        return recorder.run

    def test_rows_and_texts_are_explained(self, tiny_encoder: Path, tmp_path: Path) -> None:
        run = self.recorded(tmp_path, tiny_encoder, "kept", keep_checkpoints=True)
        found = explain(run, row=4, count=EVERYTHING)
        assert (found.checkpoints, found.kept) == (2, 2)
        compare(found, by_autograd(run, 4, found.label, checkpoints=2))
        typed = explain(run, text=found.text, label="music", count=EVERYTHING)
        compare(typed, by_autograd(run, 4, "music", checkpoints=2))

    def test_a_final_model_that_is_no_checkpoint_answers_no_new_text(
        self, tiny_encoder: Path, tmp_path: Path
    ) -> None:
        run = self.recorded(tmp_path, tiny_encoder, "usual")
        assert explain(run, text="jazz radio").checkpoints == 1
        best = load_classifier(run.model_folder)
        with torch.no_grad():
            best.classifier.weight += 1
        best.save_pretrained(run.model_folder)
        with pytest.raises(RunError, match=r"none of its checkpoints.*keep_checkpoints=True"):
            explain(run, text="jazz radio")
        assert explain(run, row=4).checkpoints == 2

    def test_a_recording_without_checkpoints_says_what_to_do(
        self, tiny_encoder: Path, tmp_path: Path
    ) -> None:
        run = self.recorded(tmp_path, tiny_encoder, "untraced", scores=["el2n"])
        with pytest.raises(RunError, match="record again with checkpoints, and with 'vog'"):
            explain(run, row=4)
