"""What a pruning experiment tries: scores, strategies, fractions, seeds, and how models train."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from influence_core.config import Mode, Settings
from influence_core.errors import rule
from influence_core.selection.select import ClippedShare, ClippingScore, Floor, PerClass
from influence_core.store.query import Normalise

StrategyName = Literal["easy", "hard", "both", "softmax", "linear", "random", "stratified"]
Fraction = Annotated[float, Field(gt=0, lt=1)]

_CURVE = re.compile(r".+-(raw|class|dataset)-(easy|hard|both|softmax|linear)|random|stratified")


def _require_curve(name: str) -> str:
    if _CURVE.fullmatch(name) is None:
        must = (
            "be 'random', 'stratified', or a score, a norm (raw, class, dataset) and what goes "
            "(easy, hard, both, softmax, linear), as 'vog-class-easy'"
        )
        raise ValueError(rule("curves", must, name))
    return name


CurveName = Annotated[str, AfterValidator(_require_curve)]
Seeds = Annotated[
    int, Field(ge=1, le=50, description="Models trained for every subset, from different seeds.")
]
Equal = Annotated[
    Literal["steps", "epochs"],
    Field(
        description="What models of different subsets share: as many optimisation 'steps' as the "
        "whole data takes, or as many 'epochs'."
    ),
]


def _for_scores_alone(kind: Any, default: object) -> Any:
    """Return the field of a selection, saying that curves without a score do without it."""
    _, described = get_args(kind)
    words = f"{described.description} Random and stratified curves do without it."
    return Field(default, description=words)


class ExperimentSettings(Settings):
    """Everything that decides what a pruning experiment computes."""

    scores: tuple[str, ...] = Field(
        (), description="Scores that decide what goes; all scores of the run by default."
    )
    strategies: tuple[StrategyName, ...] = Field(
        ("easy", "hard", "random"),
        min_length=1,
        description="What goes: 'easy' rows, 'hard' rows, or 'both' ends by rank; easy rows by a "
        "'softmax' or 'linear' draw; 'random' rows; or 'stratified', random within each class.",
    )
    normalise: tuple[Normalise, ...] = Field(
        ("class",),
        min_length=1,
        description="What a row is compared with: taken as computed ('raw'), or within its class "
        "('class') or within the dataset ('dataset').",
    )
    curves: tuple[CurveName, ...] = Field(
        (),
        description="The ways of pruning one by one, as 'vog-class-easy' or 'random', instead of "
        "every combination of scores, strategies and norms.",
    )
    fractions: tuple[Fraction, ...] = Field(
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        min_length=1,
        description="Shares of the training rows that go.",
    )
    seeds: Seeds = 3
    seed: int = Field(0, ge=0, description="First seed of the draws and of the training.")
    mode: Mode = Field(
        "probe",
        description="'finetune' measures with the whole classifier; 'probe' estimates with heads "
        "on frozen features, in a minute.",
    )
    equal: Equal = "steps"
    epochs: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Epochs over the whole data; as many as the run by default, and as many as "
        "make 1,000 steps for a probe.",
    )
    train_encoder: str | None = Field(
        None,
        description="Encoder of the models that are trained on the subsets: 'minilm', a Hub id or "
        "a local folder; the run's own by default.",
    )
    keep_embeddings: bool = Field(
        False,
        description="Whether fine-tuned models, unpruned ones too, leave the pooled features of "
        "the test rows, for a map before and after pruning.",
    )
    per_class: PerClass = _for_scores_alone(PerClass, False)
    floor: Floor = _for_scores_alone(Floor, 0)
    clip_suspicious: ClippedShare = _for_scores_alone(ClippedShare, 0.0)
    clip_by: ClippingScore = "aum"

    @property
    def claim(self) -> str:
        """How far its figures can be relied on."""
        return "measured with finetune" if self.mode == "finetune" else "estimated with probe"

    @property
    def protection(self) -> str:
        """What curves of scores have and random ones lack, in one sentence; empty without it."""
        parts = {
            "the same share per class": self.per_class,
            f"a floor of {self.floor} rows a class": self.floor,
            f"{self.clip_suspicious:.0%} of the rows clipped as suspicious": self.clip_suspicious,
        }
        told = " and ".join(words for words, chosen in parts.items() if chosen)
        return f"Curves of scores have {told}; random and stratified ones do without." * bool(told)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.clip_suspicious > min(self.fractions):
            limit = f"be at most the smallest fraction, {min(self.fractions)}"
            raise ValueError(rule("clip_suspicious", limit, self.clip_suspicious))
        if self.keep_embeddings and self.mode == "probe":
            limit = "be left out in mode 'probe', where no model changes them"
            raise ValueError(rule("keep_embeddings", limit, self.keep_embeddings))
        return self
