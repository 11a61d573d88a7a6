"""The oracle of the trace: one unpadded text at a time, plain autograd over all parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from influence_core.config import ScoringSettings
from influence_core.model.classifier import head_linear, last_encoder_layer, load_classifier
from influence_core.model.tokens import TokenStore
from influence_core.progress import silent
from influence_core.scores.gradients.trace import Plan, read_trace, trace

ENCODER_RATE, HEAD_RATE = 3e-2, 5e-1
LAYERS = ("head", "encoder", "full")


def invented_tokens(lengths: list[int], vocabulary: int, pad_id: int, seed: int = 0) -> TokenStore:
    """Return texts of random ids above the special ones, each with an id that occurs twice."""
    generator = np.random.default_rng(seed)
    texts = [generator.integers(4, vocabulary, length) for length in lengths]
    for text in texts:
        text[-1] = text[0]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return TokenStore(np.concatenate(texts).astype(np.int32), None, offsets, pad_id)


def save_checkpoints(model: torch.nn.Module, folder: Path, count: int = 2) -> list[Path]:
    """Save the model with other weights every time; none of them is zero or one."""
    paths = [folder / f"step-{number}" for number in range(count)]
    generator = torch.Generator().manual_seed(7)
    for path in paths:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
        model.save_pretrained(path)
    return paths


def expected(
    checkpoints: list[Path], tokens: TokenStore, labels: np.ndarray
) -> dict[str, np.ndarray]:
    """Return VoG, TracIn at every layer, and GraNd at the last checkpoint, of every text."""
    models = [load_classifier(path) for path in checkpoints]
    found = [_of_text(models, tokens, row, int(labels[row])) for row in range(len(tokens))]
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def traced(
    checkpoints: list[Path], tokens: TokenStore, labels: np.ndarray, layer: str, folder: Path
) -> dict[str, np.ndarray]:
    """Return what the trace says of all texts, as `expected` names it."""
    rows = np.arange(len(tokens))
    plan = Plan(
        vog=True,
        tracin=True,
        learning_rate=HEAD_RATE if layer == "head" else ENCODER_RATE,
        head_learning_rate=HEAD_RATE,
        grand=len(checkpoints) - 1,
    )
    settings = ScoringSettings(tracin_layer=layer)
    trace(checkpoints, tokens, rows, labels, folder, plan, settings, "fp32", silent())
    columns = {"vog": "vog", f"tracin_{layer}": "tracin", "grand": "grand"}
    return {name: read_trace(folder, rows, column) for name, column in columns.items()}


def largest_difference(found: np.ndarray, right: np.ndarray) -> float:
    """Return the largest relative difference."""
    return float(np.max(np.abs(found - right) / np.abs(right)))


def _of_text(models: list, tokens: TokenStore, row: int, label: int) -> dict[str, float]:
    gradients, sums = [], dict.fromkeys(map("tracin_{}".format, LAYERS), 0.0)
    for model in models:
        gradient, squares = _gradients(model, tokens, row, label)
        gradients.append(gradient)
        base = {id(parameter) for parameter in model.base_model.parameters()}
        rates = {key: ENCODER_RATE if key in base else HEAD_RATE for key in squares}
        sums["tracin_full"] += sum(rates[key] * square for key, square in squares.items())
        sums["tracin_head"] += HEAD_RATE * _sum(squares, head_linear(model))
        sums["tracin_encoder"] += ENCODER_RATE * _sum(squares, last_encoder_layer(model))
    vog = torch.stack(gradients).var(0, correction=0).mean().item()
    return {"vog": vog, **sums, "grand": sum(squares.values()) ** 0.5}


def _gradients(
    model: torch.nn.Module, tokens: TokenStore, row: int, label: int
) -> tuple[torch.Tensor, dict[int, float]]:
    seen = []
    hook = model.get_input_embeddings().register_forward_hook(
        lambda module, given, output: seen.append(output)
    )
    logits = model(**tokens.batch([row])).logits
    hook.remove()
    (gradient,) = torch.autograd.grad(logits[0, label], seen, retain_graph=True)
    loss = cross_entropy(logits, torch.tensor([label]))
    parameters = list(model.parameters())
    parts = torch.autograd.grad(loss, parameters, allow_unused=True)
    return gradient[0].double(), {
        id(parameter): 0.0 if part is None else part.double().square().sum().item()
        for parameter, part in zip(parameters, parts, strict=True)
    }


def _sum(squares: dict[int, float], part: torch.nn.Module) -> float:
    return sum(squares[id(parameter)] for parameter in part.parameters())
