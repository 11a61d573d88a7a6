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
from typing import IO

import psutil
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: pip install ray"),
]

ROOT = Path(__file__).parents[1]
Node = subprocess.Popen[bytes]
MEMORY = 100_000_000
"""Bytes of each node's store of objects."""

RAY = str(Path(sys.executable).with_name("ray"))
ATTEMPTS, PATIENCE = 3, 120
"""Starts of a node, and seconds in which one must have succeeded."""

COUNT = """
import sys
import ray
ray.init(sys.argv[1], log_to_driver=False)
print(sum(node["Alive"] for node in ray.nodes()))
"""

DRIVER = """
import faulthandler, sys
from functools import partial
from pathlib import Path
from influence_core.config import ComputeSettings
from influence_core.errors import WorkError
from tests.test_parallel import told, troubled
from tests.test_ray import seeker
from tests.workload import ONE, Workload

faulthandler.dump_traceback_later(600, exit=True)
folder, tokens = Path(sys.argv[1]), Path(sys.argv[2])
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
    # Who has used ray here before may have left a token, which its nodes ask for and its commands
    # do not send.
    unlocked = {"RAY_AUTH_MODE": "disabled"}
    return {**os.environ, **quiet, **unlocked, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def address(environment: dict[str, str]) -> Iterator[str]:
    """A cluster of a head and a second node, one core each."""
    nodes: list[Node] = []
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        try:
            address = add_head(nodes, environment, Path(folder))
            second = (f"--address={address}", "--node-ip-address=127.0.0.1")
            add_node(nodes, environment, address, Path(folder), *second)
            yield address
        finally:
            for started in reversed(nodes):
                stop(started)


@pytest.fixture(scope="module")
def workload_folder(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    from tests.workload import make_workload

    return make_workload(tmp_path_factory.mktemp("workload"), tiny_encoder).folder


def add_head(nodes: list[Node], environment: dict[str, str], folder: Path) -> str:
    """Start the first node; return the address of its cluster."""
    address = f"127.0.0.1:{free_port()}"
    port = address.partition(":")[2]
    head = (
        "--head",
        f"--port={port}",
        "--node-ip-address=127.0.0.1",
        "--include-dashboard=false",
        f"--temp-dir={folder}",
    )
    add_node(nodes, environment, address, folder, *head)
    return address


def add_node(
    nodes: list[Node], environment: dict[str, str], address: str, folder: Path, *arguments: str
) -> None:
    """Start a node until the cluster has it: another process may take a port of its before it."""
    for _ in range(ATTEMPTS):
        with (folder / "node.log").open("wb") as log:
            started = start(environment, log, *arguments)
        deadline = time.monotonic() + PATIENCE
        while started.poll() is None and time.monotonic() < deadline:
            if alive(environment, address) > len(nodes):
                nodes.append(started)
                return
        stop(started)
    pytest.fail(f"Node {len(nodes)} did not start: {(folder / 'node.log').read_text()}")


def alive(environment: dict[str, str], address: str) -> int:
    """Count the living nodes of a cluster; 0 where none answers."""
    if not healthy(environment, address):
        return 0
    asked = subprocess.run(
        [sys.executable, "-c", COUNT, address],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return int(asked.stdout.split()[-1]) if asked.returncode == 0 else 0


def healthy(environment: dict[str, str], address: str) -> bool:
    """Say whether a cluster answers."""
    asked = subprocess.run(
        [RAY, "health-check", "--address", address], env=environment, capture_output=True
    )
    return asked.returncode == 0


def start(environment: dict[str, str], log: IO[bytes], *arguments: str) -> Node:
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
    command = [RAY, "start", "--block", "--num-cpus=1", f"--object-store-memory={MEMORY}"]
    return subprocess.Popen(
        [*command, *ports, *arguments], env=environment, stdout=log, stderr=subprocess.STDOUT
    )


def stop(started: Node) -> None:
    """Stop a node with all of its processes, and nothing else."""
    if started.poll() is not None:
        return
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
