"""What an experiment with the voice assistant's stack tries, and how its models train."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from influence_core.config import Mode, Settings
from influence_core.pruning.settings import Fraction, Seeds

Technique = Literal["random", "stratified", "vog-class", "vog-dataset", "vog-entropy"]

TECHNIQUES: tuple[Technique, ...] = (
    "random",
    "stratified",
    "vog-class",
    "vog-dataset",
    "vog-entropy",
)

MinRows = Annotated[
    int,
    Field(
        ge=1,
        description="Training rows from which on a domain gets models of its own, before any are "
        "pruned; a smaller one is given its most frequent intent, and no slots.",
    ),
]


class StackSettings(Settings):
    """Everything that decides what an experiment with stacks computes.

    All stacks take as many optimisation steps as the whole data takes, whatever is left of them.
    The domains are the labels of the run: its VoG is that of the domain classifier.
    """

    techniques: tuple[Technique, ...] = Field(
        TECHNIQUES,
        description="Which training rows go: 'random' ones; 'stratified', random within each "
        "domain; drawn linearly by VoG within its domain, 'vog-class', or within the dataset, "
        "'vog-dataset'; or by the mean of the latter and the entropy of the intent's slots, "
        "'vog-entropy'.",
    )
    fractions: tuple[Fraction, ...] = Field(
        (0.14, 0.46, 0.52),
        description="Shares of the training rows that go; of those of one source, if only they may "
        "go.",
    )
    seeds: Seeds = 3
    seed: int = Field(0, ge=0, description="First seed of the draws and of the training.")
    mode: Mode = Field(
        "probe",
        description="'finetune' trains an encoder for the domains and one for each domain; 'probe' "
        "estimates with heads on frozen features, in minutes.",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Epochs over the whole data; as many as the run by default, and for a probe "
        "as many as its heads take to learn.",
    )
    batch_size: int | None = Field(
        None, ge=1, description="Rows in an optimisation step; as many as the run by default."
    )
    intent: str = Field("intent", description="Column of the intents.")
    slots: str | None = Field(
        None,
        description="Column of the slots, lists of {start, end, slot}; 'slots' where the data have "
        "it.",
    )
    source: str | None = Field(
        None,
        description="Column that says which source a row comes from; 'source' where the data have "
        "it.",
    )
    prune_only: str | None = Field(
        None,
        description="The only source whose training rows may go: those of others always stay, and "
        "fractions are shares of its rows; all sources by default.",
    )
    min_rows: MinRows = 20
    out_of_scope: bool = Field(
        False,
        description="Also train a classifier of domains without each domain in turn, to tell how "
        "many requests of a domain that a stack has never seen find none at all.",
    )
    keep_stack: bool = Field(
        True,
        description="Keep the stack of all rows and the first seed, for sentences to be tried on "
        "it. Of a probe that is some megabytes; of a fine-tuning every encoder, one for the "
        "domains and one for each, of the bundled one 45 MB each in bfloat16 and 90 in float32.",
    )

    @property
    def claim(self) -> str:
        """How far its figures can be relied on."""
        return "measured with finetune" if self.mode == "finetune" else "estimated with probe"
