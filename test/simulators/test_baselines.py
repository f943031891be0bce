"""The trivial drivers really drive, and what they see is what MetaDrive would show them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.baselines.episodes import DRIVERS
from benchmarks.baselines.of_metadrive import metadrive_ppo
from benchmarks.expert_report.page import page
from takead_ros import scenarios
from takead_ros.simulators.metadrive.blocks import node_name
from takead_ros.simulators.metadrive.simulator import MetaDrive

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_each_drives_on_along_its_route(simulator: MetaDrive, name: str) -> None:
    episode = simulator.reset(scenarios.build("slow_cyclist", 3_000_000))
    drive = DRIVERS[name](episode)
    for _ in range(20):
        command = drive(episode)
        episode.step(*command)
        episode.step(*command)
    log = episode.outcome()
    assert log.route_s[-1] > 8.0 and np.abs(log.lateral_offset).max() < 1.0 and not log.contacts


def test_the_in_lane_idm_stops_behind_what_stands_and_constant_speed_does_not(simulator: MetaDrive) -> None:
    speeds = {}
    for name in ("lane_idm", "constant_speed"):
        episode = simulator.reset(scenarios.build("construction_cones", 3_000_000))
        drive = DRIVERS[name](episode)
        while not episode.done and episode.time_s < 14.0 and not episode.outcome().contacts:
            command = drive(episode)
            episode.step(*command)
            episode.step(*command)
        speeds[name] = (episode.outcome().speed[-1], len(episode.outcome().contacts))
    assert speeds["lane_idm"][0] < 1.0 and speeds["lane_idm"][1] == 0
    assert speeds["constant_speed"][1] > 0


def test_the_ppo_expert_is_given_its_own_observation(simulator: MetaDrive) -> None:
    from metadrive.examples.ppo_expert.numpy_expert import expert

    episode = simulator.reset(scenarios.build("intersection_left", 3_000_001))
    metadrive_ppo(episode)
    ego = episode.ego_body
    roads = episode.scenario.roads
    assert tuple(ego.navigation.checkpoints) == tuple(node_name(node, roads) for node in episode.scenario.route.nodes)
    episode.step(0.0, 0.0)
    _, observation = expert(ego, deterministic=True, need_obs=True)
    assert observation.shape == (1, 275) and np.isfinite(observation).all()
    assert ((observation >= 0.0) & (observation <= 1.0)).all()
    speed, lidar = observation[0, 3], observation[0, -240:]
    assert speed == pytest.approx((3.6 * episode.outcome().speed[-1] + 1.0) / 81.0, abs=0.01)
    nearest = 50.0 * lidar.min()
    objects = episode.outcome().objects[-1]
    centres = np.hypot(objects.x - episode.outcome().x[-1], objects.y - episode.outcome().y[-1])
    assert nearest == pytest.approx(centres.min(), abs=3.0) or (centres.min() > 50.0 and lidar.min() == 1.0)


def test_the_report_names_every_failure_and_its_cause() -> None:
    fine = {
        "suite": "demo", "scenario": "cut_in", "seed": 0, "ability": "merging", "threat": True, "driving_score": 100.0,
        "success": True, "success_rate": 1.0, "route_completion": 1.0, "penalty": 1.0, "infractions": [],
        "takeovers": 0, "takeovers_per_km": 0.0, "expert_share": 1.0, "min_ttc": 1.5, "comfort": 0.9,
        "efficiency": None, "duration": 20.0, "distance": 200.0, "mean_speed": 10.0, "end": "goal",
        "post_encroachment_time": None,
    }  # fmt: skip
    hit = {
        "kind": "collision_vehicle",
        "time": 7.25,
        "x": 1.0,
        "y": 2.0,
        "route_s": 60.2,
        "factor": 0.6,
        "object_id": 3,
    }
    failed = {**fine, "seed": 1, "driving_score": 60.0, "success": False, "success_rate": 0.0, "infractions": [hit]}
    expert = {"episodes": [fine, failed], "seeds": [0, 1], "suite": "demo", "simulator": "metadrive 0.4.3"}
    others = {"lane_idm": {"episodes": [{**failed, "seed": 0}]}}
    text, drivers = page(expert, others, expert, [], {"cut_in/1": "reacts late"}, "On one core.")
    assert "| cut_in/1 | 60.0 | hits a vehicle at 7.2 s, 60 m | reacts late |" in text
    assert "| Driving Score at least 95 | 80.0 | **missed** |" in text and "| no trivial driver above 60 | 60.0" in text
    assert "| two runs identical in every figure of every episode | 2 episodes | met |" in text
    assert "| lane_idm | 1 | 60.0 | 0% | 100.0 | +40.0" in text and list(drivers) == ["expert", "lane_idm"]
    text, _ = page(expert, {}, {**expert, "episodes": [failed]}, [], {}, "")
    assert "| two runs identical in every figure of every episode | 1 episodes | met |" in text
    other = {**fine, "comfort": 0.8}
    text, _ = page(expert, {}, {**expert, "episodes": [other]}, [{**expert, "suite": "long"}], {}, "")
    assert "| 1 episodes | **missed** |" in text and "| `long` | 0-1 | 2 | 0.4 | 80.0 | 50% |" in text
