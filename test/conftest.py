"""What tests of several folders share: the real ``takead`` as a subprocess, a sound model that has learned nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from takead_ros.simulators.metadrive.simulator import MetaDrive

# readline, which pytest loads, tells every later process a width; what a test reads is meant for a program.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)

Takead = Callable[..., "subprocess.CompletedProcess[str]"]
# Files that take minutes and cannot be shared out go first, or one process waits for them at the end.
LONGEST = (
    "runs/test_loop.py",
    "runs/test_drive.py",
    "cli/test_printed.py",
    "cli/test_examples.py",
    "trial/test_trial.py",
    "runs/test_assisted.py",
    "runs/test_ray_workers.py",
    "takeover/test_machine.py",
    "cli/test_demo.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((at for at, name in enumerate(LONGEST) if item.path.as_posix().endswith(name)), len(LONGEST))

    items.sort(key=place)


@pytest.fixture(scope="module")
def simulator() -> Iterator[MetaDrive]:
    """One engine per process: every module gives it back."""
    from takead_ros.simulators import STEP_S
    from takead_ros.simulators.metadrive.simulator import MetaDrive

    made = MetaDrive(STEP_S)
    yield made
    made.close()


@pytest.fixture(scope="session")
def takead() -> Takead:
    def run(
        *arguments: object, cwd: Path | None = None, timeout: float = 400.0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "takead_ros.cli.main", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **environment},
        )

    return run


@pytest.fixture(scope="session")
def one_error() -> Callable[..., None]:
    """Asserts the contract of bad input: exit code 2, one error, no traceback, and it names ``parts``."""
    return _one_error


def _one_error(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert result.stderr.count("error:") + result.stderr.count("Error") == 1, result.stderr
    for part in parts:
        assert part in " ".join(result.stderr.split()), result.stderr


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound model that has learned nothing, so that the expert must take over on any seed."""
    torch = pytest.importorskip("torch", reason="the training extra is not installed")
    import numpy as np

    from takead_ros.policy.vector import VECTOR_1
    from takead_ros.policy.vocabulary import kinematic_anchors
    from takead_training.architectures.registry import ARCHITECTURES
    from takead_training.checkpoint import Checkpoint, ModelProvenance
    from takead_training.export.export_model import export_model
    from takead_training.settings import DEFAULT_ARCHITECTURE

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    frames = {
        name: values + 1 if "mask" in name else rng.normal(size=values.shape).astype(np.float32)
        for name, values in VECTOR_1.empty(4).items()
    }
    path = tmp_path_factory.mktemp("untrained") / "untrained.onnx"
    net = ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors()).eval()
    export_model(Checkpoint(net, ModelProvenance("untrained", "random"), frames), path)
    return path
