"""Settings of a run: frozen, validated, described once for CLI help, form tooltips and docs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from influence_core.errors import ConfigError, rule

Model = TypeVar("Model", bound=BaseModel)

Mode = Literal["probe", "finetune"]
Precision = Literal["auto", "fp32", "bf16"]
Pooling = Literal["auto", "cls", "mean"]
ImportKind = Literal["auto", "table", "dynamics", "probabilities"]

BUILTIN_SOURCE = "voice-assistant"
"""Name of the built-in dataset where a source is asked for."""

BUNDLED_ENCODER = "minilm"
"""Name of the encoder that is installed with the package."""


class Settings(BaseModel):
    """Base of all settings: immutable, and strict about unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSettings(Settings):
    """Where the examples come from and how their columns are read."""

    source: str = Field(
        BUILTIN_SOURCE,
        description="A file, several separated by commas, a folder, a Hub dataset id, "
        "or 'voice-assistant' for the built-in set.",
    )
    config: str | None = Field(None, description="Configuration of a Hub dataset.")
    hub_split: str | None = Field(
        None, description="One split of a Hub dataset; all of its splits by default."
    )
    text: str | None = Field(None, description="Column that holds the text; guessed by default.")
    text_pair: str | None = Field(
        None, description="Column that holds the second text of a pair; guessed by default."
    )
    label: str | None = Field(None, description="Column that holds the label; guessed by default.")
    id: str | None = Field(
        None, description="Column of unique ids; guessed, or made from the row number."
    )
    split: str | None = Field(
        None, description="Column that says train, validation or test; guessed, or made here."
    )
    group: str | None = Field(
        None, description="Rows that share this column's value stay in one split."
    )
    language: str = Field("en", description="Language of the built-in dataset.")
    validation_fraction: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="Share of rows held out for validation where no split is given.",
    )
    test_fraction: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="Share of rows held out for the test where no split is given.",
    )
    min_class_size: int = Field(
        5, ge=1, description="Classes with fewer training rows than this raise a warning."
    )
    seed: int = Field(0, ge=0, description="Seed of the split and of the built-in dataset.")


class ModelSettings(Settings):
    """The classifier: an encoder, a pooling and the head."""

    encoder: str = Field(
        BUNDLED_ENCODER,
        description="'minilm' (bundled, works offline), a Hub id, or a local model folder.",
    )
    pooling: Pooling = Field("auto", description="How token states become one vector.")
    head_widths: tuple[PositiveInt, ...] = Field(
        (64, 64), description="Widths of the hidden layers of the head."
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout in the head.")
    max_length: int = Field(128, ge=4, le=8192, description="Tokens kept of a text.")


class TrainingSettings(Settings):
    """How the classifier is trained, and what is recorded on the way."""

    mode: Mode = Field(
        "probe",
        description="'finetune' trains the whole encoder, as in the paper; "
        "'probe' trains the head on frozen features: a quick proxy.",
    )
    epochs: int = Field(10, ge=1, le=1000, description="Passes over the training rows.")
    batch_size: int = Field(
        128, ge=1, description="Rows in an optimisation step, over all processes."
    )
    encoder_lr: float = Field(1e-4, gt=0, description="Learning rate of the encoder.")
    head_lr: float = Field(1e-3, gt=0, description="Learning rate of the head.")
    checkpoints: int = Field(
        10, ge=2, le=100, description="Checkpoints at evenly spaced steps; VoG needs two or more."
    )
    snapshot_steps: int = Field(
        50,
        ge=1,
        description="Steps between snapshots of all training rows while they are fine; "
        "at least four an epoch, and in proportion further apart where it has over 1,000 steps.",
    )
    snapshot_epochs: int = Field(
        2, ge=0, description="Epochs of fine snapshots; after them one snapshot an epoch."
    )
    seeds: int = Field(1, ge=1, le=50, description="Models trained from different seeds.")
    seed: int = Field(0, ge=0, description="First seed of the training.")
    precision: Precision = Field(
        "auto", description="Number format of encoder passes: 'auto' takes bf16 where it is fast."
    )
    keep_checkpoints: bool = Field(False, description="Keep the checkpoints after the run.")
    keep_activations: Literal["auto", "all", "none"] = Field(
        "auto",
        description="Inputs of the head's last layer, kept for `influence explain`: 'auto' of the "
        "training rows, where they cost no pass of their own; 'all' of held-out rows too; 'none'. "
        "10 checkpoints of 100,000 rows take 128 MB with the default head.",
    )


class ScoringSettings(Settings):
    """Which scores are computed and by which variant."""

    scores: tuple[str, ...] = Field(
        ("vog", "el2n", "forgetting", "pvi", "tracin", "aum"),
        min_length=1,
        description="Scores to compute, by key; see `influence scores`.",
    )
    vog_statistic: Literal["variance", "std"] = Field(
        "variance",
        description="'variance' over checkpoints as in the paper, or 'std' as its authors' code.",
    )
    embedding_module: str | None = Field(
        None,
        description="Module of the encoder whose output VoG differentiates; "
        "the token embeddings by default.",
    )
    forgetting_from: Literal["snapshots", "minibatches"] = Field(
        "snapshots",
        description="Where forgetting is counted: over 'snapshots', all rows in evaluation mode, "
        "or over 'minibatches', what the model said of a row as it learnt from it, once an epoch "
        "and with dropout, as in its paper; they cost no pass.",
    )
    el2n_epoch: int = Field(2, ge=1, description="Epoch at whose end EL2N is read.")
    pvi_epoch: int = Field(2, ge=1, description="Epoch at whose end PVI is read.")
    pvi_null: Literal["prior", "trained"] = Field(
        "prior",
        description="What PVI compares with: 'prior', how frequent the label is, or 'trained', "
        "the same model trained on empty texts, as in its paper.",
    )
    pvi_out_of_fold: bool = Field(
        False,
        description="Read PVI from the out-of-fold probabilities, against the label's frequency "
        "in the other folds.",
    )
    final_epoch: int | None = Field(
        None,
        ge=1,
        description="Epoch at whose end loss, margin and entropy are read; the last by default.",
    )
    folds: int = Field(
        5,
        ge=2,
        le=50,
        description="Folds of the out-of-fold probabilities, which label quality is read from.",
    )
    label_quality_adjusted: bool = Field(
        False,
        description="Let label quality account for classes that are harder than others.",
    )
    tracin_layer: Literal["head", "encoder", "full"] = Field(
        "encoder",
        description="Parameters TracIn looks at: the head's last layer, the last encoder layer, "
        "or all of them.",
    )
    grand_epoch: int = Field(
        2, ge=1, description="Epoch near whose end GraNd is read: at the nearest checkpoint."
    )
    hardest_fraction: float = Field(
        0.1, gt=0, lt=1, description="Share of hardest rows in which scores are compared."
    )
    shard_tokens: int = Field(
        32_768, ge=256, description="Tokens in a shard of the trace: bounds its memory."
    )

    @property
    def needs_minibatches(self) -> bool:
        """Whether what the model says of its training batches has to be recorded."""
        return "forgetting" in self.scores and self.forgetting_from == "minibatches"

    @property
    def needs_folds(self) -> bool:
        """Whether a chosen score is read from out-of-fold probabilities."""
        pvi = "pvi" in self.scores and self.pvi_out_of_fold
        return pvi or "label_quality" in self.scores

    @property
    def needs_null(self) -> bool:
        """Whether a null model has to be trained."""
        return "pvi" in self.scores and self.pvi_null == "trained"

    @model_validator(mode="after")
    def _one_null(self) -> Self:
        """Refuse a null model that has seen the rows which PVI leaves out."""
        if self.pvi_out_of_fold and self.pvi_null != "prior":
            raise ValueError(rule("pvi_null", "be 'prior' where PVI is out of fold", self.pvi_null))
        return self


class ComputeSettings(Settings):
    """How the work is divided. Nothing here decides what a run computes, only how fast."""

    workers: int = Field(
        1,
        ge=1,
        le=4096,
        description="Processes that trace shards of rows, or train models of an experiment, at the "
        "same time.",
    )
    backend: Literal["loky", "ray"] = Field(
        "loky",
        description="Where they run: 'loky' on this machine; 'ray' on the cluster that RAY_ADDRESS "
        "names, which shares the folder of runs.",
    )


ONE_PROCESS = ComputeSettings()
"""Work that is not divided."""


class CheckpointSettings(Settings):
    """Checkpoints of a training elsewhere: the run scores with them and trains nothing."""

    folders: tuple[str, ...] = Field(
        (), description="Folders of checkpoints, in the order of training."
    )
    tokenizer: str | None = Field(
        None, description="Folder of the tokenizer; beside the checkpoints by default."
    )
    recorded: bool = Field(
        False, description="Whether a recorder in somebody's Trainer writes the run."
    )


class ImportSettings(Settings):
    """Scores, training dynamics or probabilities that were made elsewhere, and how they join."""

    path: str = Field(
        description="A table of scores (CSV, TSV, JSON Lines, Parquet), a folder of cartography's "
        "training dynamics, or class probabilities (.npy or a table)."
    )
    kind: ImportKind = Field(
        "auto", description="What the path holds; told from its name and columns by default."
    )
    score_id: str | None = Field(
        None,
        description="Column of the imported table that holds the ids of the data; the data's own "
        "or a usual name by default; an empty name joins by row order.",
    )
    scores: tuple[str, ...] = Field(
        (), description="Columns of the table to import; all numeric ones by default."
    )
    hard: tuple[str, ...] = Field(
        ("high",),
        description="Hard end of columns that are no scores of `influence scores`: 'high' or "
        "'low', for some of them as 'column=low'.",
    )
    partial: bool = Field(
        False,
        description="Whether training rows may stay without a score, and ids of rows that are not "
        "in the data are passed over.",
    )


class CustomScore(Settings):
    """A score from elsewhere that the registry does not know.

    `key` names its columns in `scores.parquet`, `column` is what its file called it, and `hard` is
    the end of hard examples.
    """

    key: str
    column: str
    hard: Literal["high", "low"]


class RunSettings(Settings):
    """Everything that decides what a run computes, and `compute`, which does not."""

    data: DataSettings = Field(default_factory=DataSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    scoring: ScoringSettings = Field(default_factory=ScoringSettings)
    compute: ComputeSettings = Field(default_factory=ComputeSettings)
    checkpoints: CheckpointSettings | None = None
    imported: ImportSettings | None = None

    @property
    def origin(self) -> Literal["probe", "finetune", "import", "checkpoints", "recorder"]:
        """How the scores come about: by a training of this mode, or from elsewhere."""
        if self.checkpoints:
            return "recorder" if self.checkpoints.recorded else "checkpoints"
        return "import" if self.imported else self.training.mode


def validated(
    model: type[Model], values: Mapping[str, object], naming: Callable[[str], str] = str
) -> Model:
    """Build settings from values of any origin; `naming` says what the user calls a field.

    Raises:
        ConfigError: some are out of range, worded one a line.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError("\n".join(_worded(error, naming))) from None


def _worded(error: ValidationError, naming: Callable[[str], str]) -> Iterator[str]:
    problems = error.errors(include_url=False)
    for problem in problems:
        field = next((part for part in reversed(problem["loc"]) if isinstance(part, str)), "value")
        name = naming(field)
        if problem["type"] == "too_short" and any(_within(one, problem) for one in problems):
            continue
        if problem["type"] == "value_error":
            yield problem["msg"].removeprefix("Value error, ")
        elif problem["type"] == "too_short":
            yield _too_few(name, problem["ctx"]["min_length"], problem["input"])
        elif problem["type"] == "extra_forbidden":
            yield f"There is no setting {name!r}."
        else:
            must, _, _ = problem["msg"].removeprefix("Input should ").partition(", unable to parse")
            yield rule(name, must, problem["input"])


def _too_few(name: str, least: int, given: object) -> str:
    if not given:
        return f"'{name}' is empty: name at least {'one' if least == 1 else least}."
    return rule(name, f"name at least {least}", given)


def _within(problem: ErrorDetails, whole: ErrorDetails) -> bool:
    """Say whether a problem is that of an item of a list: the list only seems too short then."""
    here, there = problem["loc"], whole["loc"]
    return len(here) > len(there) and here[: len(there)] == there
