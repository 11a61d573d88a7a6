"""Stacks that are fine-tuned: an encoder for the domains, and one for each domain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import torch

from influence_core.model.classifier import TextClassifier, build_classifier
from influence_core.model.precision import pick_device, pick_dtype
from influence_core.model.tokens import length_batches
from influence_core.nlu.cells import Cell
from influence_core.nlu.experiment import Outcome
from influence_core.nlu.joint import UNTOLD, JointModel, JointTrainer, build_joint
from influence_core.nlu.keeping import Keeper, keeping
from influence_core.nlu.keeping_tuned import keep_classifier, keep_joint
from influence_core.nlu.material import Material, Part
from influence_core.nlu.pieces import Piece, Work
from influence_core.nlu.slots import Slot, spans
from influence_core.nlu.states import token_places
from influence_core.progress import Progress
from influence_core.pruning.tuned import Counter
from influence_core.training.passes import BATCH_TOKENS, Observer
from influence_core.training.trainer import ClassifierTrainer

Integers = npt.NDArray[np.int64]
Said = tuple[str, tuple[Slot, ...]]


def classifiers_at_work(material: Material) -> Work:
    """Return how a process fine-tunes a stack."""

    def work(piece: Piece, progress: Progress) -> list[Outcome]:
        (cell,), (rows,) = piece.cells, piece.subsets
        began = time.perf_counter()
        with keeping(material, cell) as keeper:
            domains, confidence = _domains(material, cell, rows, progress, keeper)
            outside = _outside(material, cell, rows, progress)
            intents = [""] * len(domains)
            slots: list[tuple[Slot, ...]] = [()] * len(domains)
            for part in material.parts:
                own, asked = np.intersect1d(rows, part.rows), np.flatnonzero(domains == part.domain)
                if len(own):
                    wanted = material.test_rows[asked]
                    told = _understood(material, part, cell, own, wanted, progress, keeper)
                    for place, (intent, found) in zip(asked, told, strict=True):
                        intents[place], slots[place] = intent, found
        names = [material.domain_names[domain] for domain in domains]
        seconds = time.perf_counter() - began - keeper.seconds
        counted = material.counted(rows)
        return [Outcome(cell, counted, seconds, names, intents, slots, confidence, outside)]

    return work


def _domains(
    material: Material, cell: Cell, rows: Integers, progress: Progress, keeper: Keeper
) -> tuple[Integers, npt.NDArray[np.float32]]:
    """Train a domain classifier; return the domain of every test row, and its probability."""
    model = _trained(material, cell, material.domain_names, material.domains, rows, progress)
    told = _asked(material, model, material.test_rows)
    keep_classifier(keeper, model, rows)
    return told


def _outside(
    material: Material, cell: Cell, rows: Integers, progress: Progress
) -> npt.NDArray[np.float32] | None:
    """Hold each domain out in turn; return each test row's probability without its own."""
    if not material.held_out:
        return None
    told = np.zeros(len(material.test_rows), np.float32)
    for domain in material.held_out:
        names = tuple(name for at, name in enumerate(material.domain_names) if at != domain)
        own, labels = rows[material.domains[rows] != domain], material.without(domain)
        model = _trained(material, cell, names, labels, own, progress)
        asked = material.domains[material.test_rows] == domain
        told[asked] = _asked(material, model, material.test_rows[asked])[1]
    return told


def _trained(
    material: Material,
    cell: Cell,
    names: tuple[str, ...],
    labels: Integers,
    rows: Integers,
    progress: Progress,
) -> TextClassifier:
    """Train a classifier of domains, whose labels are places in `names`, on rows."""
    model = build_classifier(material.model, names, cell.seed)
    with TemporaryDirectory(dir=material.folder) as folder:
        ClassifierTrainer(
            model,
            material.tokens,
            rows,
            labels,
            material.training,
            cell.seed,
            Path(folder),
            [Counter(progress)],
            material.domain_steps,
        ).fit()
    return model


def _asked(
    material: Material, model: TextClassifier, rows: Integers
) -> tuple[Integers, npt.NDArray[np.float32]]:
    """Return the domain that a classifier gives each of the rows, and its probability."""
    observer = Observer(model, material.training.precision)
    chosen, sure = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.float32)
    for batch, logits in observer.logits(material.tokens, rows):
        places = np.searchsorted(rows, batch)
        highest, domain = logits.softmax(dim=1).max(dim=1)
        chosen[places], sure[places] = domain.numpy(), highest.numpy()
    return chosen, sure


def _understood(
    material: Material,
    part: Part,
    cell: Cell,
    rows: Integers,
    asked: Integers,
    progress: Progress,
    keeper: Keeper,
) -> list[Said]:
    """Train the joint model of a domain; return intent and slots of the rows that are asked."""
    if not (part.says_intents or part.says_slots):
        return [(material.usual(rows), ())] * len(asked)
    intents, tags = np.zeros(len(material.truth), np.int64), _untold(material)
    intents[part.rows] = material.intent_numbers(part)
    if part.says_slots:
        _tell(material, part, tags)
    model = build_joint(material.model, len(part.intents), len(part.tags), cell.seed)
    with TemporaryDirectory(dir=material.folder) as folder:
        JointTrainer(
            model,
            material.tokens,
            rows,
            intents,
            tags,
            material.training,
            cell.seed,
            Path(folder),
            [Counter(progress)],
            material.part_steps(part),
        ).fit()
    said: dict[int, Said] = dict(_said(material, part, model, asked))
    keep_joint(keeper, part, model, rows, intents, tags)
    return [said[row] for row in asked]


def _untold(material: Material) -> Integers:
    return np.full(len(material.tokens.ids), UNTOLD, np.int64)


def _tell(material: Material, part: Part, tags: Integers) -> None:
    """Put the tags of a part's rows where tokens stand for characters."""
    places = token_places(material.tokens, part.rows)
    characters = material.characters[places]
    spoken = characters[:, 1] > characters[:, 0]
    tags[places[spoken]] = material.tag_numbers(part, part.rows)[spoken]


@torch.inference_mode()
def _said(
    material: Material, part: Part, model: JointModel, rows: Integers
) -> Iterator[tuple[int, Said]]:
    """Yield rows with the intent and the slots that a joint model finds in them."""
    device = pick_device()
    model = model.to(device).eval()
    model.encoder.to(pick_dtype(material.training.precision, device))
    for batch in length_batches(material.tokens.lengths, rows, BATCH_TOKENS):
        inputs = {name: one.to(device) for name, one in material.tokens.batch(batch).items()}
        said, tagged = (one.cpu().numpy() for one in _highest(model, inputs))
        for place, row in enumerate(batch):
            numbers = tagged[place, : material.tokens.lengths[row]]
            yield int(row), (part.intents[said[place]], _slots(material, part, int(row), numbers))


def _highest(
    model: JointModel, inputs: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    intents, tags = model(**inputs)
    return intents.argmax(dim=1), tags.argmax(dim=2)


def _slots(material: Material, part: Part, row: int, numbers: npt.ArrayLike) -> tuple[Slot, ...]:
    if not part.says_slots:
        return ()
    told = [part.tags[number] for number in np.asarray(numbers)]
    return tuple(spans(told, material.offsets(row), material.truth[row].text))
