"""A scenario of this project through the real carla_ros_bridge, measured by its bag as ``takead eval`` measures.

The vehicle has to pass a slow cyclist over the neighbouring lane, as it does in the vector world.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bridge import missing_for_the_bridge

if MISSING := missing_for_the_bridge():
    pytest.skip(f"the bridge end to end needs: {MISSING}", allow_module_level=True)
pytest.importorskip("agents", reason="CARLA's agents plan the route here too")

from support.bridge_drive import BridgeDrive, way_of
from support.carla_server import free_ports
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import End
from takead_ros.policy.shipped import model_path
from takead_ros.runs.recorded_drive import recorded_drive
from takead_ros.scenarios import build

pytestmark = pytest.mark.ros
FAMILY, SEED, STEP_S = "slow_cyclist", 1_000_000, 0.05


def test_a_scenario_is_driven_through_the_bridge_and_measured_by_its_bag(tmp_path: Path) -> None:
    way = way_of(build(FAMILY, SEED))
    assert not isinstance(way, str), way
    drive = BridgeDrive(way, tmp_path, model_path("wide"), free_ports())
    try:
        driven = drive.drive(240.0)
    finally:
        drive.end()
        print((tmp_path / "log").read_text(errors="replace")[-4000:])
    found = recorded_drive(driven.bag(tmp_path), build(FAMILY, SEED), STEP_S, began_s=0.0)
    score = score_episode(found.log, FAMILY)
    print(driven, score)
    assert found.log.end is End.GOAL and score.route_completion == pytest.approx(1.0)
    assert driven.real_time < 1.05, "a step was let go without a command of its own"
    assert driven.late_s < 5.0
