"""An experiment with stacks from its settings to the outcome of every cell."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from influence_core.config import ONE_PROCESS, ComputeSettings
from influence_core.nlu.experiment import Outcome, StackExperiment
from influence_core.nlu.kept import settle
from influence_core.nlu.material import Material, Part, material_of
from influence_core.nlu.pieces import Piece, Work, pieces
from influence_core.nlu.settings import StackSettings
from influence_core.nlu.states import write_characters, write_states
from influence_core.parallel import spread
from influence_core.pools import require_backend
from influence_core.progress import Listener, Progress
from influence_core.store.run import Run
from influence_core.store.state import require_finished
from influence_core.training.untuned import write_tokens, write_untuned
from influence_core.working import completed


def train_stacks(
    run: Run,
    settings: StackSettings | None = None,
    *,
    name: str | None = None,
    compute: ComputeSettings = ONE_PROCESS,
    listeners: Iterable[Listener] = (),
) -> StackExperiment:
    """Train stacks on what different techniques leave, and judge them on the test rows.

    Args:
        run: a finished run whose labels are domains, with a column of intents, and one of slots
            where the data have them.
        settings: techniques, fractions, seeds, and how models train.
        name: name of the experiment; `stack`, with a number if need be, by default.
        compute: how the stacks are divided among processes.
        listeners: called with every progress event.

    Raises:
        InfluenceError: a setting or the data cannot be used. What was finished stays, and
            `resume_stacks` goes on from there.
    """
    experiment = plan_stacks(run, settings, name=name, compute=compute)
    return resume_stacks(experiment, listeners=listeners)


def plan_stacks(
    run: Run,
    settings: StackSettings | None = None,
    *,
    name: str | None = None,
    compute: ComputeSettings = ONE_PROCESS,
) -> StackExperiment:
    """Check an experiment and make its folder, for `resume_stacks` to begin.

    Raises:
        RunError: the run is not finished, or lacks training or test rows.
        DataError: the data have no such intents or sources, or slots that cannot be read.
        SelectionError: the run has no VoG.
        ConfigError: the backend is not installed.
    """
    settings = settings or StackSettings()
    require_finished(run)
    require_backend(compute)
    pieces(material_of(run, settings, run.private_folder))
    return StackExperiment.create(run, name, settings, compute)


def resume_stacks(
    experiment: StackExperiment,
    *,
    compute: ComputeSettings | None = None,
    listeners: Iterable[Listener] = (),
) -> StackExperiment:
    """Go on with an experiment that was stopped, or begin one that was only planned.

    Cells that are there stay as they are; a complete experiment is returned as it is.

    Raises:
        RunBusy: another process works on it.
    """
    return completed(experiment, _do, compute, listeners)


def _do(experiment: StackExperiment, compute: ComputeSettings, progress: Progress) -> None:
    settings = experiment.manifest().settings
    material = material_of(experiment.run, settings, experiment.private_folder)
    experiment.update(compute=compute, **material.facts)
    _prepare(material, progress)
    _train(experiment, material, compute, progress)


def _prepare(material: Material, progress: Progress) -> None:
    """Write the token ids, and for probes what the encoder makes of them, unless they are there."""
    examples, model, folder = material.run.examples_file, material.model, material.tokens_folder
    probe, precision = material.training.mode == "probe", material.training.precision
    slots = material.slots_column is not None
    if slots or not (probe and material.features_file.exists()):
        write_tokens(examples, model, folder, progress)
    if probe and not material.features_file.exists():
        write_untuned(model, folder, material.features_file, precision, progress)
    if slots and not material.characters_file.exists():
        write_characters(examples, model, material.tokens, material.characters_file, progress)
    if slots and probe and not material.states_file.exists():
        write_states(model, material.tokens, material.states_file, precision, progress)


def _train(
    experiment: StackExperiment, material: Material, compute: ComputeSettings, progress: Progress
) -> None:
    missing = set(experiment.missing())
    todo = [piece for piece in pieces(material) if missing & set(piece.cells)]
    progress.begin("stacks", sum(_steps(material) * len(piece.cells) for piece in todo), "steps")

    def keep(_: Piece, outcomes: list[Outcome]) -> None:
        settle(experiment)
        for outcome in outcomes:
            if outcome.cell in missing:
                experiment.keep(outcome)
        experiment.update()

    spread(todo, partial(_work, material), keep, compute, progress, name=_title)
    progress.end()


def _work(material: Material) -> Work:
    """Return how a process trains stacks; transformers load only where they are fine-tuned."""
    if material.training.mode == "finetune":
        from influence_core.nlu.tuned import classifiers_at_work

        return classifiers_at_work(material)
    from influence_core.nlu.probed import heads_at_work

    return heads_at_work(material)


def _steps(material: Material) -> int:
    """Return the optimisation steps of one stack, all of its models together."""
    domains = material.domain_steps * (1 + len(material.held_out))
    return domains + sum(_part_steps(material, part) for part in material.parts)


def _part_steps(material: Material, part: Part) -> int:
    if material.training.mode == "finetune":
        return material.part_steps(part) * (part.says_intents or part.says_slots)
    from influence_core.nlu.probed import TOKENS

    steps = material.part_steps(part) * part.says_intents
    return steps + (material.tag_steps(part, TOKENS) if part.says_slots else 0)


def _title(piece: Piece) -> str:
    return piece.title
