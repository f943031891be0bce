"""The roads that families drive on, as MetaDrive builds them: every path exists, is smooth and lies on the road."""

from __future__ import annotations

import numpy as np
import pytest

from takead_ros.domain.geometry import arc_lengths
from takead_ros.domain.scene import RouteCommand
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.navigation import navigate
from takead_ros.scenarios import build
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.metadrive.simulator import MetaDrive

pytestmark = pytest.mark.slow

NEW = ("ramp_merge", "ramp_exit", "lane_drop", "roundabout_entry", "t_junction", "emergency_vehicle")


def lane_map(simulator: MetaDrive, scenario: Scenario) -> LaneMap:
    episode = simulator.reset(scenario)
    return episode.lane_map


@pytest.mark.parametrize("family", NEW)
def test_routes_and_paths_exist_are_smooth_and_stay_on_the_road(simulator: MetaDrive, family: str) -> None:
    for seed in range(3):
        scenario = build(family, seed)
        roads = lane_map(simulator, scenario)
        path = roads.path(scenario.route)
        assert np.hypot(*np.diff(path, axis=0).T) == pytest.approx(1.0, abs=0.05)
        heading = np.unwrap(np.arctan2(*np.diff(path, axis=0).T[::-1]))
        assert np.abs(np.diff(heading)).max() < 0.15, "no kink"
        assert roads.beyond(path).max() == 0.0
        assert scenario.goal < len(path) - 3
        for actor in scenario.actors:
            assert actor.s < arc_lengths(roads.path(actor.path))[-1]


def commands(simulator: MetaDrive, family: str, seed: int) -> set[RouteCommand]:
    scenario = build(family, seed)
    roads = lane_map(simulator, scenario)
    navigation = navigate(roads, scenario.route, scenario.start, scenario.goal, scenario.speed_limit)
    return {RouteCommand(int(value)) for value in navigation.commands}


def test_commands_name_the_turn_through_a_whole_roundabout(simulator: MetaDrive) -> None:
    follow = RouteCommand.LANE_FOLLOW
    found = {frozenset(commands(simulator, "roundabout_entry", seed) - {follow}) for seed in range(8)}
    turns = (RouteCommand.LEFT, RouteCommand.RIGHT, RouteCommand.STRAIGHT)
    assert found == {frozenset({turn}) for turn in turns}


def test_commands_announce_lane_changes(simulator: MetaDrive) -> None:
    assert commands(simulator, "ramp_merge", 0) == {RouteCommand.LANE_FOLLOW, RouteCommand.CHANGE_LANE_LEFT}
    assert commands(simulator, "ramp_exit", 0) == {RouteCommand.LANE_FOLLOW, RouteCommand.CHANGE_LANE_RIGHT}


def test_who_comes_round_the_ring_passes_the_entrance_of_the_ego(simulator: MetaDrive) -> None:
    scenario = next(s for s in (build("roundabout_entry", seed) for seed in range(20)) if s.threat)
    roads = lane_map(simulator, scenario)
    entrance = roads.edges(scenario.route)
    joins = next(edge.high for edge in entrance if edge.junction)
    place = roads.path(scenario.route)[round(joins)]
    near = [np.hypot(*(roads.path(actor.path) - place).T).min() for actor in scenario.actors]
    assert min(near) < 1.5
