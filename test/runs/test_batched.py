"""Many episodes at once: each log is that of its scenario, whatever else is driven beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from takead_ros.measures.episode_log import End
from takead_ros.policy.model import Policy, load_model
from takead_ros.runs.batched import drive_batched
from takead_ros.scenarios import build

pytestmark = pytest.mark.slow
SCENARIOS = [build(family, seed) for family in ("cut_in", "red_light", "pedestrian_crossing") for seed in (0, 1)]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_model(Path(__file__).parents[2] / "models" / "novice.onnx")


def test_every_scenario_is_driven_to_its_end_once(policy: Policy) -> None:
    logs = dict(drive_batched(policy, SCENARIOS, 4))
    assert sorted(logs) == list(range(len(SCENARIOS)))
    for place, log in logs.items():
        assert (log.family, log.seed) == (SCENARIOS[place].family, SCENARIOS[place].seed)
        assert log.end is not End.RUNNING and len(log.objects) == len(log.x) == len(log.controls)


def test_a_log_does_not_depend_on_who_is_driven_beside(policy: Policy) -> None:
    """Up to what ONNX Runtime's sums do in another order for another batch: less than a millimetre over an episode."""
    alone, together = dict(drive_batched(policy, SCENARIOS, 1)), dict(drive_batched(policy, SCENARIOS, 6))
    for place, log in alone.items():
        assert together[place].end is log.end and len(together[place].x) == len(log.x)
        assert np.abs(together[place].x - log.x).max() < 1e-3


def test_nothing_to_drive_is_no_error(policy: Policy) -> None:
    assert list(drive_batched(policy, [])) == []
