"""The table of scores: the only list of them. The UI, the command line and the tests read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from influence_core.config import CustomScore, Mode
from influence_core.errors import ScoreError
from influence_core.store.run import Manifest

End = Literal["high", "low"]


@dataclass(frozen=True, kw_only=True)
class ScoreSpec:
    """What a score is and how to read it: a `gloss` for beside its name, a `summary` for help.

    `shape` is that of what the formula takes and of what it gives: one value a training row. `hard`
    is the end of hard examples, `suspicious` the end where wrong labels gather (None where the
    score does not tell them), `needs` what it is computed from.
    """

    key: str
    label: str
    gloss: str
    summary: str
    formula: str
    shape: str
    unit: str
    minimum: float | None
    maximum: float | None
    hard: End
    suspicious: End | None
    modes: tuple[Mode, ...] = ("probe", "finetune")
    needs: Literal["trace", "dynamics", "out_of_fold", "import"]
    cost: str
    reference: str


_SNAPSHOTS = "a forward pass over the rows for every snapshot"
_LAST = "a forward pass over the rows"
_CARTOGRAPHY = "Swayamdipta et al.: Dataset Cartography. EMNLP 2020. arXiv:2009.10795"

_SPECS = (
    ScoreSpec(
        key="vog",
        label="VoG",
        gloss="how much the gradient changes while learning",
        summary="How much the gradient of the true-label logit with respect to the input changes "
        "while the model learns. High: the model kept revising how it reads this text.",
        formula="mean over tokens, dimensions of Var over checkpoints of ∂ logit_y / ∂ embedding",
        shape="gradients (checkpoints, tokens, dimensions) of each row → (rows,)",
        unit="squared logit per squared embedding unit",
        minimum=0.0,
        maximum=None,
        hard="high",
        suspicious=None,
        needs="trace",
        cost="a forward and a backward pass to the embeddings for every row and checkpoint",
        reference="Agarwal, D'souza, Hooker: Estimating Example Difficulty Using Variance of "
        "Gradients. CVPR 2022. arXiv:2008.11600",
    ),
    ScoreSpec(
        key="el2n",
        label="EL2N",
        gloss="how far from the label the model is early in training",
        summary="The length of the error vector early in training. High: the model was far from "
        "the label when most texts were already learnt.",
        formula="‖softmax(logits) − onehot(y)‖₂ at the end of an early epoch",
        shape="logits (rows, classes) → (rows,)",
        unit="probability",
        minimum=0.0,
        maximum=2.0**0.5,
        hard="high",
        suspicious="high",
        needs="dynamics",
        cost=_LAST,
        reference="Paul, Ganguli, Dziugaite: Deep Learning on a Data Diet. NeurIPS 2021. "
        "arXiv:2107.07075",
    ),
    ScoreSpec(
        key="forgetting",
        label="Forgetting",
        gloss="how often what was learnt is lost again",
        summary="How often the text went from right to wrong while the model learnt. "
        "High: what it learnt did not last. What was never learnt ranks hardest.",
        formula="number of transitions correct → incorrect over snapshots, or over the "
        "minibatches that the text was in, starting from incorrect",
        shape="correct (snapshots or minibatch epochs, rows) → (rows,)",
        unit="events",
        minimum=0.0,
        maximum=None,
        hard="high",
        suspicious=None,
        needs="dynamics",
        cost=f"{_SNAPSHOTS}; none over minibatches",
        reference="Toneva et al.: An Empirical Study of Example Forgetting during Deep Neural "
        "Network Learning. ICLR 2019. arXiv:1812.05159",
    ),
    ScoreSpec(
        key="pvi",
        label="PVI",
        gloss="how many bits the text tells about its label",
        summary="How many bits the text tells the model about its label, beyond the label's "
        "frequency. Low: hard; below zero the text points away from its label.",
        formula="log₂ p(y | text) − log₂ p(y)",
        shape="log₂ p(y | text) (rows,), log₂ p(y) (rows,) → (rows,)",
        unit="bits",
        minimum=None,
        maximum=None,
        hard="low",
        suspicious="low",
        needs="dynamics",
        cost=_LAST,
        reference="Ethayarajh, Choi, Swayamdipta: Understanding Dataset Difficulty with V-Usable "
        "Information. ICML 2022. arXiv:2110.08420",
    ),
    ScoreSpec(
        key="tracin",
        label="TracIn",
        gloss="how far the model must move for this one text",
        summary="How much training on this text lowers the loss on itself, summed over "
        "checkpoints. High: the model must move far for this one text.",
        formula="Σ over checkpoints of lr · ‖∂ loss / ∂ θ‖²",
        shape="‖∂ loss / ∂ θ‖² (checkpoints, rows) → (rows,)",
        unit="nats",
        minimum=0.0,
        maximum=None,
        hard="high",
        suspicious="high",
        needs="trace",
        cost="a forward pass for every row and checkpoint, and a backward pass to the layers that "
        "are looked at",
        reference="Pruthi, Liu, Kale, Sundararajan: Estimating Training Data Influence by Tracing "
        "Gradient Descent. NeurIPS 2020. arXiv:2002.08484",
    ),
    ScoreSpec(
        key="grand",
        label="GraNd",
        gloss="how far this one text would move the model early on",
        summary="The length of the loss gradient over all parameters, early in training. "
        "High: this text alone would move the model far.",
        formula="‖∂ loss / ∂ θ‖₂ at the kept checkpoint nearest to the end of an early epoch",
        shape="∂ loss / ∂ θ (rows, parameters), never written out → (rows,)",
        unit="nats per unit of θ",
        minimum=0.0,
        maximum=None,
        hard="high",
        suspicious="high",
        needs="trace",
        cost="a forward and a whole backward pass for every row at one checkpoint",
        reference="Paul, Ganguli, Dziugaite: Deep Learning on a Data Diet. NeurIPS 2021. "
        "arXiv:2107.07075",
    ),
    ScoreSpec(
        key="aum",
        label="AUM",
        gloss="by how much the label leads while learning",
        summary="By how much the label's logit led the best other logit, on average over "
        "training. Low: another label kept winning, as it does for wrong labels.",
        formula="mean over ends of epochs of logit_y − max over others of logit",
        shape="margins (epochs, rows) → (rows,)",
        unit="logit",
        minimum=None,
        maximum=None,
        hard="low",
        suspicious="low",
        needs="dynamics",
        cost=_SNAPSHOTS,
        reference="Pleiss, Zhang, Elenberg, Weinberger: Identifying Mislabeled Data using the "
        "Area Under the Margin Ranking. NeurIPS 2020. arXiv:2001.10528",
    ),
    ScoreSpec(
        key="confidence",
        label="Confidence",
        gloss="how probable the label is while learning",
        summary="The probability the model gave the label, on average over training. "
        "Low: the label never convinced the model.",
        formula="mean over ends of epochs of p(y | text)",
        shape="p(y | text) (epochs, rows) → (rows,)",
        unit="probability",
        minimum=0.0,
        maximum=1.0,
        hard="low",
        suspicious="low",
        needs="dynamics",
        cost=_SNAPSHOTS,
        reference=_CARTOGRAPHY,
    ),
    ScoreSpec(
        key="variability",
        label="Variability",
        gloss="how much the label's probability moves while learning",
        summary="How much the label's probability moved during training. "
        "High: an ambiguous text, undecided for long.",
        formula="population standard deviation over ends of epochs of p(y | text)",
        shape="p(y | text) (epochs, rows) → (rows,)",
        unit="probability",
        minimum=0.0,
        maximum=0.5,
        hard="high",
        suspicious=None,
        needs="dynamics",
        cost=_SNAPSHOTS,
        reference=_CARTOGRAPHY,
    ),
    ScoreSpec(
        key="correctness",
        label="Correctness",
        gloss="after how many epochs the model is right",
        summary="At the end of how many epochs the model was right. "
        "Low: it rarely or never got the label.",
        formula="number of epochs at whose end argmax = y",
        shape="argmax = y (epochs, rows) → (rows,)",
        unit="epochs",
        minimum=0.0,
        maximum=None,
        hard="low",
        suspicious="low",
        needs="dynamics",
        cost=_SNAPSHOTS,
        reference=_CARTOGRAPHY,
    ),
    ScoreSpec(
        key="loss",
        label="Loss",
        gloss="how much the label surprises the trained model",
        summary="How little the trained model believes the label. High: the label surprises it "
        "even after training; a model that has learnt its wrong labels by heart hides them.",
        formula="−ln p(y | text) at the end of the last epoch",
        shape="logits (rows, classes) → (rows,)",
        unit="nats",
        minimum=0.0,
        maximum=None,
        hard="high",
        suspicious="high",
        needs="dynamics",
        cost=_LAST,
        reference="Arpit et al.: A Closer Look at Memorization in Deep Networks. ICML 2017. "
        "arXiv:1706.05394",
    ),
    ScoreSpec(
        key="margin",
        label="Margin",
        gloss="by how much the label leads in the trained model",
        summary="By how much the label's logit leads the best other logit in the trained model. "
        "Below zero: the model prefers another label. AUM is its mean over training.",
        formula="logit_y − max over others of logit, at the end of the last epoch",
        shape="logits (rows, classes) → (rows,)",
        unit="logit",
        minimum=None,
        maximum=None,
        hard="low",
        suspicious="low",
        needs="dynamics",
        cost=_LAST,
        reference="Pleiss, Zhang, Elenberg, Weinberger: Identifying Mislabeled Data using the "
        "Area Under the Margin Ranking. NeurIPS 2020. arXiv:2001.10528, equation 1",
    ),
    ScoreSpec(
        key="entropy",
        label="Entropy",
        gloss="how undecided the trained model is",
        summary="How undecided the trained model is between the labels, whichever is given. "
        "High: the text fits several labels, or none.",
        formula="−Σ over labels of p ln p, with p = softmax(logits), at the end of the last epoch",
        shape="logits (rows, classes) → (rows,)",
        unit="nats",
        minimum=0.0,
        maximum=None,
        hard="high",
        suspicious=None,
        needs="dynamics",
        cost=_LAST,
        reference="Lewis, Gale: A Sequential Algorithm for Training Text Classifiers. SIGIR 1994. "
        "arXiv:cmp-lg/9407020",
    ),
    ScoreSpec(
        key="label_quality",
        label="Label quality",
        gloss="how probable the label is to models that never saw the text",
        summary="How likely the label is right by models that never learnt from this text. "
        "Low: they believe another label, so this one may be wrong.",
        formula="p(y | text) of a head on features of the untuned encoder, out of fold",
        shape="p(label | text) (rows, classes) → (rows,)",
        unit="probability",
        minimum=0.0,
        maximum=1.0,
        hard="low",
        suspicious="low",
        needs="out_of_fold",
        cost="training the head twice more on features, all folds together; when fine-tuning, a "
        "pass of the untuned encoder over the rows as well",
        reference="Northcutt, Jiang, Chuang: Confident Learning. JAIR 2021. arXiv:1911.00068",
    ),
)

SCORES: dict[str, ScoreSpec] = {spec.key: spec for spec in _SPECS}
"""Every score by its key, in the order in which they are shown."""


def spec(key: str) -> ScoreSpec:
    """Return the entry of one score.

    Raises:
        ScoreError: there is no such score.
    """
    try:
        return SCORES[key]
    except KeyError:
        raise ScoreError(
            f"There is no score {key!r}; the scores are {', '.join(SCORES)}."
        ) from None


def resolve(keys: Iterable[str], mode: Mode) -> tuple[ScoreSpec, ...]:
    """Return the entries of `keys` in the registry's order, each once.

    Raises:
        ScoreError: a key is unknown, or its score does not exist in this mode.
    """
    wanted = {spec(key).key for key in keys}
    specs = tuple(entry for entry in SCORES.values() if entry.key in wanted)
    for entry in specs:
        if mode not in entry.modes:
            raise ScoreError(
                f"Score {entry.key!r} does not exist in mode {mode!r}; "
                f"it needs {' or '.join(map(repr, entry.modes))}."
            )
    return specs


def specs_of(manifest: Manifest) -> dict[str, ScoreSpec]:
    """Return the entries of the scores that a run has, those imported under other names too."""
    imported = {score.key: _custom(score) for score in manifest.custom_scores}
    return {key: imported.get(key) or spec(key) for key in manifest.scores}


def spec_of(manifest: Manifest, key: str) -> ScoreSpec:
    """Return the entry of one score of a run.

    Raises:
        ScoreError: the run does not have it.
    """
    entries = specs_of(manifest)
    if key not in entries:
        has = f"its scores are {', '.join(entries)}" if entries else "it has no scores yet"
        raise ScoreError(f"Run {manifest.name!r} has no score {key!r}; {has}.")
    return entries[key]


def _custom(score: CustomScore) -> ScoreSpec:
    return ScoreSpec(
        key=score.key,
        label=score.key,
        gloss="computed elsewhere",
        summary=f"Imported from column {score.column!r}. {score.hard.capitalize()}: hard.",
        formula="as it was computed elsewhere",
        shape="(rows,)",
        unit="its own unit",
        minimum=None,
        maximum=None,
        hard=score.hard,
        suspicious=None,
        modes=(),
        needs="import",
        cost="none: it was computed elsewhere",
        reference="imported",
    )
