"""Work on a real ray cluster of two nodes, both on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: pip install ray"),
]

ROOT = Path(__file__).parents[1]
MEMORY = 100_000_000
"""Bytes of each node's store of objects."""

DRIVER = """
import sys, time
from functools import partial
from pathlib import Path
import ray
from influence_core.config import ComputeSettings
from influence_core.errors import WorkError
from tests.test_parallel import told, troubled
from tests.test_ray import seeker
from tests.workload import ONE, Workload

folder, tokens = Path(sys.argv[1]), Path(sys.argv[2])
ray.init(log_to_driver=False)
while sum(node["Alive"] for node in ray.nodes()) < 2:
    time.sleep(0.2)
ray.shutdown()

RAY = ComputeSettings(workers=2, backend="ray")
places, events = told(RAY, seeker, items=range(4))
print("nodes", len(set(places.values())), "counted", events[-1].done)

for trouble in ("fails", "dies"):
    (folder / trouble).mkdir()
    kept, _ = told(RAY, partial(troubled, folder / trouble, f"{trouble} once"))
    print(trouble, kept == {item: item * item for item in range(6)})
(folder / "named").mkdir()
try:
    told(RAY, partial(troubled, folder / "named", "fails"))
except WorkError as error:
    print(str(error).splitlines()[0])

work = Workload(tokens)
print("same bytes", work.trace(folder / "ray", RAY) == work.trace(folder / "one", ONE))
"""


def seeker():
    """Find out on which node an item is."""
    import ray

    def work(item, progress):
        time.sleep(0.5)
        progress.advance(1)
        return ray.get_runtime_context().get_node_id()

    return work


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    return {**os.environ, **quiet, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def address(environment: dict[str, str]) -> Iterator[str]:
    """A cluster of a head and a second node, one core each."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        head = ("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}")
        nodes = [node(environment, *head), node(environment, f"--address={address}")]
        yield address
        for started in reversed(nodes):
            stop(started)


@pytest.fixture(scope="module")
def workload_folder(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    from tests.workload import make_workload

    return make_workload(tmp_path_factory.mktemp("workload"), tiny_encoder).folder


def node(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """Start a node that lives as long as the process returned."""
    ports = [
        f"--{name}-port={free_port()}"
        for name in (
            "dashboard-agent-grpc",
            "dashboard-agent-listen",
            "runtime-env-agent",
            "metrics-export",
        )
    ]
    command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--num-cpus=1"]
    command += [f"--object-store-memory={MEMORY}", *ports, *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def stop(started: subprocess.Popen[bytes]) -> None:
    """Stop a node with all of its processes, and nothing else."""
    family = psutil.Process(started.pid).children(recursive=True)
    started.terminate()
    started.wait()
    for process in psutil.wait_procs(family, timeout=5)[1]:
        process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_cluster_does_what_one_process_does(
    address: str, environment: dict[str, str], workload_folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path), str(workload_folder)],
        cwd=ROOT,
        env={**environment, "RAY_ADDRESS": address},
        capture_output=True,
        text=True,
        timeout=900,
    )
    said = [line for line in done.stdout.splitlines() if "(raylet)" not in line]
    assert said == [
        "nodes 2 counted 4",
        "fails True",
        "dies True",
        "item 3 failed twice: ZeroDivisionError: the cause",
        "same bytes True",
    ], done.stderr
