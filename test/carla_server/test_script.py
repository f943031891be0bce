"""Scenarios of this project seen through CARLA's API: their maps, and their road users on them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from support.carla_server import ask_client, running
from takead_ros.domain.scene import LineKind
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators.carla_server import actor_commands
from takead_ros.simulators.carla_server.lights import GREEN, RED, YELLOW
from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.values import Vector3D, VehicleControl
from takead_ros.simulators.carla_server.wire_layout import VERSION, load_layout
from takead_ros.simulators.vector.simulator import Vector
from takead_ros.vehicles.carla.surroundings import Surroundings

CORE = KnownTowns(scenarios=tuple(load_suite("core").episodes([0])))


def world_of(family: str) -> ServerWorld:
    return ServerWorld(load_layout(VERSION), CORE.load(family), 2001)


@pytest.mark.parametrize("family", load_suite("core").families)
def test_a_family_s_map_is_read_and_its_lanes_lead_on(family: str) -> None:
    """Every lane leads to the lanes that follow on it. In a roundabout CARLA does not follow all of the ways."""
    town = CORE.load(family)
    lane_map = town.stage.lane_map  # type: ignore[union-attr]
    lanes = [lane for lane in lane_map.lanes.values() if len(lane.center) > 1]
    roads = {lane.key: i + 1 for i, lane in enumerate(lanes)}
    missing = 0
    for lane in lanes:
        end = town.carla_map.get_waypoint_xodr(roads[lane.key], -1, max(lane.length - 0.6, 0.05))
        missing += len({roads[key] for key in lane_map.successors(lane.key)} - {way.road_id for way in end.next(1.5)})
        middle = town.carla_map.get_waypoint_xodr(roads[lane.key], -1, lane.length / 2.0).transform.location
        assert np.hypot(*(lane.center - (middle.x, -middle.y)).T).min() < 0.6
    assert missing == (4 if family == "roundabout_entry" else 0)


@pytest.mark.parametrize("family", ["slow_cyclist", "broken_down_car", "intersection_left"])
def test_the_lines_of_a_map_are_where_the_scenario_has_them(family: str) -> None:
    """A vehicle side that reads the map sees no edge of the road between two lanes, and one on either side."""
    town = CORE.load(family)
    scenario = load_suite(family).episodes([0])[0]
    here = Vector().reset(scenario).observe()
    told = Surroundings(family, town.stage.opendrive())._road.near(here.ego.x, here.ego.y, 60.0)  # type: ignore[union-attr]
    for kind in (LineKind.ROAD_EDGE, LineKind.BOUNDARY_BROKEN, LineKind.BOUNDARY_SOLID):
        ours = [line.points for line in here.polylines if line.kind is kind]
        theirs = [line.points for line in told if line.kind is kind]
        assert bool(ours) == bool(theirs)
        for points in theirs:
            near = np.hypot(*(points - (here.ego.x, here.ego.y)).T) < 40.0
            for point in points[near]:
                assert min(np.hypot(*(line - point).T).min() for line in ours) < 1.5, (kind, point)


def test_the_road_users_move_and_the_ego_drives() -> None:
    world = world_of("lead_hard_brake")
    (hero,) = [actor for actor in world.rows.actors if actor.attributes.get("role_name") == "hero"]
    others = [actor for actor in world.rows.actors if actor.attributes.get("role_name") == "scenario"]
    assert others and world.rows.velocity[others[0].row, :2].any()
    start = world.rows.pose[[actor.row for actor in others], :2].copy()
    actor_commands.control(world, hero.id, VehicleControl(throttle=0.4))
    for _ in range(60):
        world.step()
    moved = np.hypot(*(world.rows.pose[[actor.row for actor in others], :2] - start).T)
    assert moved.max() > 5.0
    assert math.isfinite(float(world.rows.pose.sum()))


def test_a_light_of_a_scenario_changes_here_as_it_does_there() -> None:
    """It is green at first and turns red before the ego, which drives up to it."""
    world = world_of("red_light")
    (hero,) = [actor for actor in world.rows.actors if actor.attributes.get("role_name") == "hero"]
    actor_commands.hold_velocity(world, hero.id, Vector3D(10.0, 0.0, 0.0))
    seen = []
    for _ in range(200):
        seen.append(int(world.lights.states[0]))
        world.step()
    assert seen[0] == GREEN and RED in seen and seen[seen.index(RED) - 1] == YELLOW


def test_the_same_scenario_is_the_same_bytes() -> None:
    told = []
    for _ in range(2):
        world = world_of("cut_in")
        for _ in range(40):
            world.step()
        told.append(world.snapshot(0.0))
    assert told[0] == told[1]


@pytest.mark.slow
def test_the_client_sees_a_scenario() -> None:
    with running(CORE, "pedestrian_crossing") as run:
        saw = ask_client("scenario", run.port)
    assert saw["map"] == "Carla/Maps/pedestrian_crossing" and saw["hero"] == ["vehicle.lincoln.mkz_2017"]
    assert any(kind.startswith("walker.") for kind in saw["others"])
    assert saw["way_m"] > 5.0 and saw["next"] == "Carla/Maps/red_light" and saw["lights"] == 1
