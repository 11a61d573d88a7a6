"""The trace divided among workers: the same bytes, whoever computes a shard and whoever dies."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from influence_core.config import ScoringSettings
from influence_core.errors import WorkError
from influence_core.model.classifier import build_head
from influence_core.progress import silent
from influence_core.scores.gradients import probe_trace
from influence_core.scores.gradients import trace as tracing
from influence_core.training.probe import save_head
from tests.workload import ONE, RATE, ROWS, THREE, TWO, Workload, files, make_workload


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Workload:
    return make_workload(tmp_path_factory.mktemp("workload"), tiny_encoder)


@pytest.fixture(scope="module")
def whole(workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process writes."""
    written = workload.trace(tmp_path_factory.mktemp("whole"), ONE)
    assert len(written) > 10
    return written


@pytest.mark.parametrize("compute", [TWO, THREE], ids=["two", "three"])
def test_any_number_of_workers_gives_the_same_bytes(workload, whole, tmp_path, compute):
    assert workload.trace(tmp_path, compute) == whole


@pytest.mark.parametrize("compute", [ONE, TWO], ids=["one", "two"])
def test_a_killed_trace_goes_on_to_the_same_bytes(workload, whole, tmp_path, compute):
    code = f"""
        from pathlib import Path
        import influence_core.store.files as writing
        from tests.killed import Deadly
        from tests.workload import *
        writing.os = Deadly("shard-00002.parquet:after")
        Workload(Path({str(workload.folder)!r})).trace(
        Path({str(tmp_path)!r}), {compute!r})
    """
    lines = "\n".join(line.strip() for line in code.splitlines())
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", lines], cwd=root, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("shard-*.parquet")}
    assert 0 < len(kept) < len(whole) / 2
    assert workload.trace(tmp_path, compute) == whole
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_shard_that_fails_is_tried_once_more(workload, whole, tmp_path, monkeypatch):
    shard, failed = tracing._Tracer.shard, []

    def fails_once(tracer, rows, *others):
        if not failed:
            failed.append(rows)
            raise torch.OutOfMemoryError("for a moment")
        return shard(tracer, rows, *others)

    monkeypatch.setattr(tracing._Tracer, "shard", fails_once)
    assert workload.trace(tmp_path, ONE) == whole
    assert failed


@pytest.mark.parametrize("compute", [ONE, TWO], ids=["one", "two"])
def test_a_shard_that_fails_again_is_named_with_its_cause(workload, tmp_path, compute):
    broken = Workload(tmp_path)
    for path in workload.folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "step-000001").unlink()
    (tmp_path / "step-000001").mkdir()
    with pytest.raises(WorkError, match=r"Shard 'shard-0000\d.parquet' of .* failed twice: FileN"):
        broken.trace(tmp_path / "traces", compute)


def test_a_probe_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(probe_trace, "SHARD_ROWS", 8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = build_head(16, (6, 5), 3, 0.1)
        features = torch.randn(ROWS, 16).numpy().astype(np.float16)
    save_head(head, tmp_path / "step-000001.safetensors")
    save_head(build_head(16, (6, 5), 3, 0.1), tmp_path / "step-000002.safetensors")
    for name, compute in (("one", ONE), ("two", TWO)):
        probe_trace.trace_probe(
            head=head,
            heads=sorted(tmp_path.glob("step-*.safetensors")),
            features=features,
            rows=np.arange(ROWS),
            labels=np.arange(ROWS) % 3,
            folder=tmp_path / name,
            plan=tracing.Plan(vog=True, tracin=True, learning_rate=RATE),
            settings=ScoringSettings(),
            progress=silent(),
            compute=compute,
        )
    assert len(files(tmp_path / "one")) == 19
    assert files(tmp_path / "one") == files(tmp_path / "two")
