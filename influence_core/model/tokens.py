"""Token ids of all examples, written once and read through memory maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from influence_core.data.findings import counted
from influence_core.errors import RunError
from influence_core.progress import Progress
from influence_core.store.files import atomic, write_json
from influence_core.store.run import Finding

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

UNKNOWN_LIMIT = 0.05
"""Share of unknown tokens from which another encoder is advised."""

MOST_ROWS = 256
"""Most rows of a batch of like length."""

_BATCH = 4096
_IDS, _TYPES, _OFFSETS, _FACTS = "ids.npy", "types.npy", "offsets.npy", "facts.json"


@dataclass(frozen=True)
class TokenStore:
    """The ids of every example, end to end, without padding.

    `ids` (tokens,) int32; `types` (tokens,) uint8 where the encoder tells two texts apart by type;
    `offsets` (rows + 1,) int64: example i is `ids[offsets[i]:offsets[i + 1]]`; `folder` holds the
    files.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.uint8] | None
    offsets: npt.NDArray[np.int64]
    pad_id: int
    folder: Path | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as the folder of the files, where there is one."""
        if self.folder is None:
            return TokenStore, (self.ids, self.types, self.offsets, self.pad_id)
        return open_tokens, (self.folder, self.pad_id)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each example (rows,)."""
        return np.diff(self.offsets)

    def batch(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """Return the model inputs of `rows`, padded to the longest on the right.

        Pooling reads the mask, so real tokens are found wherever they lie; on the left, padding
        would move the absolute positions of decoders, and scores would depend on the batch.
        """
        import torch

        rows = np.asarray(rows)
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        mask = self._mask(lengths)
        flat = np.concatenate([self._slice(self.ids, row) for row in rows])
        inputs = {
            "input_ids": _scatter(flat, mask, self.pad_id),
            "attention_mask": mask.astype(np.int64),
        }
        if self.types is not None:
            flat_types = np.concatenate([self._slice(self.types, row) for row in rows])
            inputs["token_type_ids"] = _scatter(flat_types, mask, 0)
        return {name: torch.from_numpy(array) for name, array in inputs.items()}

    def _mask(self, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        mask: npt.NDArray[np.bool_] = np.arange(int(lengths.max())) < lengths[:, None]
        return mask

    def _slice(self, flat: npt.NDArray[Any], row: int) -> npt.NDArray[Any]:
        return flat[self.offsets[row] : self.offsets[row + 1]]


def _scatter(
    flat: npt.NDArray[Any], mask: npt.NDArray[np.bool_], fill: int
) -> npt.NDArray[np.int64]:
    padded = np.full(mask.shape, fill, dtype=np.int64)
    padded[mask] = flat
    return padded


def tokenize(
    examples: Path,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    folder: Path,
    progress: Progress,
) -> tuple[Finding, ...]:
    """Tokenise `examples.parquet` into `folder`, batch by batch, and report on the tokens.

    Findings: texts that fill all `max_length` tokens, and a share of unknown tokens above 5%. A
    text of which the tokenizer makes nothing becomes one unknown token.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(examples)
    progress.begin("tokens", file.metadata.num_rows)
    with atomic(folder) as partial:
        partial.mkdir()
        facts = _write_tokens(file, tokenizer, max_length, partial, progress)
        write_json(partial / _FACTS, facts)
    progress.end()
    return _findings(facts, max_length)


def keep_tokens(batches: Iterable[Mapping[str, Any]], folder: Path, pad_id: int) -> None:
    """Write token files from padded batches: `input_ids` (B, T) and what the encoder has with them.

    Without an `attention_mask`, every token but the padding is real.
    """
    lengths = [np.zeros(1, np.int64)]
    typed = False
    with atomic(folder) as partial:
        partial.mkdir()
        with (partial / _IDS).open("wb") as ids_file, (partial / _TYPES).open("wb") as types_file:
            for batch in batches:
                ids = np.asarray(batch["input_ids"])
                mask = np.asarray(batch.get("attention_mask", ids != pad_id)).astype(bool)
                ids[mask].astype(np.int32).tofile(ids_file)
                typed = "token_type_ids" in batch
                if typed:
                    np.asarray(batch["token_type_ids"])[mask].astype(np.uint8).tofile(types_file)
                lengths.append(mask.sum(axis=1))
        if not typed:
            (partial / _TYPES).unlink()
        np.save(partial / _OFFSETS, np.cumsum(np.concatenate(lengths)))
        write_json(partial / _FACTS, {"pad_id": pad_id})


def open_tokens(folder: Path, pad_id: int | None = None) -> TokenStore:
    """Map the token files of `folder` into memory; `pad_id` stands in for the tokenizer's own.

    Raises:
        RunError: they are not there.
    """
    import json

    if not (folder / _FACTS).is_file():
        raise RunError(f"The tokens in {str(folder)!r} are not there; resume the run.")
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    types = folder / _TYPES
    return TokenStore(
        ids=np.memmap(folder / _IDS, dtype=np.int32, mode="r"),
        types=np.memmap(types, dtype=np.uint8, mode="r") if types.exists() else None,
        offsets=np.load(folder / _OFFSETS),
        pad_id=facts["pad_id"] if pad_id is None else pad_id,
        folder=folder,
    )


def length_batches(
    lengths: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    tokens: int,
    most_rows: int = MOST_ROWS,
) -> Iterator[npt.NDArray[np.int64]]:
    """Cut `rows`, sorted by length, into batches of at most `tokens` padded tokens.

    Every batch holds at least one row; ties of length keep the order of `rows`.
    """
    order = rows[np.argsort(lengths[rows], kind="stable")]
    start = 0
    while start < len(order):
        stop = start + 1
        while (
            stop < len(order)
            and stop - start < most_rows
            and lengths[order[stop]] * (stop - start + 1) <= tokens
        ):
            stop += 1
        yield order[start:stop]
        start = stop


def _write_tokens(
    file: Any,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    folder: Path,
    progress: Progress,
) -> dict[str, Any]:
    typed = "token_type_ids" in tokenizer.model_input_names
    lengths: list[npt.NDArray[np.int64]] = []
    facts: dict[str, Any] = {
        "pad_id": int(tokenizer.pad_token_id or 0),
        "tokens": 0,
        "special": tokenizer.num_special_tokens_to_add(pair=False),
        "unknown": 0,
        "cut": [],
        "cut_count": 0,
    }
    row = 0
    with (folder / _IDS).open("wb") as ids_file, (folder / _TYPES).open("wb") as types_file:
        for batch in file.iter_batches(_BATCH, columns=["text", "text_pair"]):
            texts = batch.column("text").to_pylist()
            pairs = batch.column("text_pair").to_pylist()
            encoded = encode(tokenizer, texts, pairs, max_length)
            ids = np.concatenate([np.asarray(item, np.int32) for item in encoded["input_ids"]])
            ids.tofile(ids_file)
            if typed:
                flat = [np.asarray(item, np.uint8) for item in encoded["token_type_ids"]]
                np.concatenate(flat).tofile(types_file)
            lengths.append(np.array([len(item) for item in encoded["input_ids"]], np.int64))
            _count(facts, ids, lengths[-1], tokenizer.unk_token_id, max_length, row)
            row += len(texts)
            progress.advance(len(texts))
    if not typed:
        (folder / _TYPES).unlink()
    np.save(folder / _OFFSETS, np.concatenate([[0], np.cumsum(np.concatenate(lengths))]))
    return facts


def encode(
    tokenizer: PreTrainedTokenizerBase, texts: list[str], pairs: list[str | None], max_length: int
) -> Any:
    """Return ids, and types where the encoder has them, of texts, and of pairs where there are any.

    A text of which the tokenizer makes nothing becomes one unknown token.
    """
    second = None if pairs[0] is None else [pair or "" for pair in pairs]
    encoded = tokenizer(
        texts, second, truncation=True, max_length=max_length, return_attention_mask=False
    )
    nothing = next(
        token
        for token in (tokenizer.unk_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, 0)
        if token is not None
    )
    filled = {"input_ids": nothing, "token_type_ids": 0}
    return {name: [row or [filled[name]] for row in encoded[name]] for name in encoded}


def _count(
    facts: dict[str, Any],
    ids: npt.NDArray[np.int32],
    lengths: npt.NDArray[np.int64],
    unknown_id: int | None,
    max_length: int,
    row: int,
) -> None:
    facts["tokens"] += len(ids) - facts["special"] * len(lengths)
    if unknown_id is not None:
        facts["unknown"] += int((ids == unknown_id).sum())
    full = np.flatnonzero(lengths >= max_length) + row + 1
    facts["cut_count"] += len(full)
    facts["cut"] = (facts["cut"] + full.tolist())[:5]


def _findings(facts: dict[str, Any], max_length: int) -> tuple[Finding, ...]:
    findings = []
    share = facts["unknown"] / max(facts["tokens"], 1)
    if share > UNKNOWN_LIMIT:
        findings.append(
            Finding(
                level="warning",
                check="unknown_tokens",
                message=f"{share:.0%} of the tokens are unknown to the encoder, so it cannot read "
                "these texts well. Choose an encoder trained on their language.",
                count=facts["unknown"],
            )
        )
    if facts["cut_count"]:
        findings.append(
            Finding(
                level="warning",
                check="long_texts",
                message=f"{counted(facts['cut_count'], 'text')} filling all {max_length} tokens: "
                "what is beyond is not read. Raise the maximum length, or choose an encoder for "
                "longer texts, if the end matters.",
                count=facts["cut_count"],
                rows=tuple(facts["cut"]),
            )
        )
    return tuple(findings)
