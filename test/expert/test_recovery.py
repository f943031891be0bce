"""The expert in the simulator, from starts beside the lane, turned away from it and too fast."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("metadrive", reason="the sim extra is not installed")

from takead_ros.runs.episode import EpisodeRunner

pytestmark = pytest.mark.slow  # simulated drives


def _load() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "expert_recovery.py"
    spec = importlib.util.spec_from_file_location("expert_recovery_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


benchmark = _load()


@pytest.fixture(scope="module")
def driver() -> Iterator[tuple[object, EpisodeRunner]]:
    simulator = benchmark.PerturbedSimulator()
    runner = EpisodeRunner(simulator)
    yield simulator, runner
    runner.close()


@pytest.mark.parametrize("kind", ["beside", "turned", "fast", "all"])
def test_the_expert_gets_back_to_its_lane(driver: tuple[object, EpisodeRunner], kind: str) -> None:
    found = benchmark.recover(*driver, kind, "pedestrian_from_van", 0)
    assert found.success
    assert found.seconds is not None
    assert 0.2 < found.seconds < 5.0


def test_starts_are_those_of_their_kind_and_seed() -> None:
    starts = {kind: [benchmark.perturb(kind, "a", seed) for seed in range(40)] for kind in benchmark.KINDS}
    assert benchmark.perturb("all", "a", 3) == starts["all"][3] != benchmark.perturb("all", "b", 3)
    assert all(start.turn == 0.0 and 0.5 <= abs(start.offset) <= 1.5 for start in starts["beside"])
    assert all(start.offset == 0.0 and 4.9 < abs(np.rad2deg(start.turn)) < 25.1 for start in starts["turned"])
    assert all(start.offset == start.turn == 0.0 and 1.2 <= start.pace <= 1.6 for start in starts["fast"])
    assert all(start.offset * start.turn < 0.0 for start in starts["all"])
