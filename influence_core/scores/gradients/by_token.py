"""The tokens of a text, and the gradient variance that the trace kept of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from influence_core.errors import ModelError, RunError
from influence_core.store.database import Parameters, rows
from influence_core.store.rows import Text, texts
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

COLUMN = "token_vog"


@dataclass(frozen=True)
class Token:
    """A token as it is written in the text, and its gradient variance.

    `joined` says that no space parts it from the token before; `special` that the tokenizer put it
    there, so that it is written in no text.
    """

    text: str
    value: float
    joined: bool = False
    special: bool = False


def keeps_tokens(run: Run) -> bool:
    """Say whether the trace of a run tells tokens apart: after fine-tuning, if VoG was computed."""
    import pyarrow.parquet as pq

    first = next(iter(sorted(run.traces_folder.glob("shard-*.parquet"))), None)
    return first is not None and COLUMN in pq.read_schema(first).names


def token_variances(run: Run, row: int) -> tuple[Token, ...]:
    """Return the tokens of a training row with the variance of their gradients, in reading order.

    A token's value is the mean over the embedding's dimensions of Var over checkpoints of
    ∂ logit_y / ∂ embedding, and the mean over all tokens is the row's VoG. With several seeds it is
    that of the first. What lies beyond the longest text that the encoder reads has no token.

    Args:
        run: a fine-tuned run whose trace computed VoG.
        row: its number.

    Cost: the tokenizer is loaded once; then a look into the traces, some 20 ms for a shard.

    Raises:
        RunError: the trace tells no tokens apart, or does not have the row.
        ModelError: the tokenizer is gone, or cuts the text otherwise than the one that was traced.
    """
    values = _values(run, row)
    [said] = texts(run, [row])
    encoded, tokenizer = _encoded(run, said, len(values))
    made = len(encoded["input_ids"][0])
    if made != len(values):
        raise ModelError(
            f"The tokenizer of run {run.name!r} makes {made} tokens of this text, and the "
            f"trace has {len(values)}: another one was used in training."
        )
    return tuple(_tokens(tokenizer, encoded, said, values))


def _values(run: Run, row: int) -> list[float]:
    if not keeps_tokens(run):
        raise RunError(
            f"The trace of run {run.name!r} tells no tokens apart: that takes a fine-tuned run "
            "with VoG among its scores. A probe sees a text as one feature."
        )
    parameters = Parameters()
    files = parameters.parquet(*sorted(run.traces_folder.glob("shard-*.parquet")))
    found = rows(f"SELECT {COLUMN} FROM {files} WHERE row = {parameters.bind(row)}", parameters)
    if not found:
        raise RunError("Only training rows are traced, and this is none of them.")
    values: list[float] = found[0][0]
    return values


def _encoded(run: Run, said: Text, tokens: int) -> tuple[Any, PreTrainedTokenizerBase]:
    """Tokenize as the training did, which cut no earlier than at as many tokens as it left."""
    from influence_core.model.encoder import load_tokenizer

    tokenizer = load_tokenizer(str(run.model_folder))
    pairs = dataset_of(run).pairs
    encoded = tokenizer(
        [said.text],
        [said.text_pair or ""] if pairs else None,
        truncation=True,
        max_length=tokens,
        return_offsets_mapping=tokenizer.is_fast,
        return_special_tokens_mask=True,
    )
    return encoded, tokenizer


def _tokens(
    tokenizer: PreTrainedTokenizerBase, encoded: Any, said: Text, values: list[float]
) -> Iterator[Token]:
    names = tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])
    specials = encoded["special_tokens_mask"][0]
    if not tokenizer.is_fast:
        for name, special, value in zip(names, specials, values, strict=True):
            yield Token(name, value, special=bool(special))
        return
    spans, sides = encoded["offset_mapping"][0], encoded.sequence_ids(0)
    before: tuple[int | None, int, int] = (None, -1, -1)
    for name, special, side, (start, end), value in zip(
        names, specials, sides, spans, values, strict=True
    ):
        place = (side, start, end)
        written = str(said.text_pair if side == 1 else said.text)[start:end]
        told = "" if special or place == before else written.strip()
        joined = not special and (side, start) == before[::2] and not written[:1].isspace()
        yield Token(told or name, value, joined, bool(special))
        before = place
