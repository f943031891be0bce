"""The embedded simulator against MetaDrive itself: axes, control, determinism, what a scene holds."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_local
from takead_ros.domain.scene import LineKind, ObjectKind, RouteCommand
from takead_ros.maps.road_builder import RoadBuilder
from takead_ros.maps.roads import LanePath
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import End
from takead_ros.scenarios import build
from takead_ros.scenarios.spec import DIMENSIONS, MOTOR_VEHICLES, Ability, Actor, Model, Phase, Scenario, When
from takead_ros.simulators import open_simulator
from takead_ros.simulators.metadrive.environment import EGO
from takead_ros.simulators.metadrive.episode import MetaDriveEpisode
from takead_ros.simulators.metadrive.simulator import MetaDrive

pytestmark = pytest.mark.slow

STEP = 0.05


def plain_road(
    actors: tuple[Actor, ...] = (), speed: float = 10.0, lanes: int = 2, time_limit: float = 60.0
) -> Scenario:
    """A straight road; the ego in its right lane at 30 m."""
    builder = RoadBuilder(lanes, 3.5, 60.0).straight(300.0)
    return Scenario(
        "plain",
        0,
        Ability.MERGING,
        builder.build(),
        builder.route(lanes - 1),
        30.0,
        330.0,
        speed,
        13.9,
        time_limit,
        actors,
    )


def right_lane(lanes: int = 2) -> LanePath:
    return RoadBuilder(lanes, 3.5, 60.0).straight(300.0).route(lanes - 1)


def test_axes_are_rep_103(simulator: MetaDrive) -> None:
    episode = simulator.reset(
        plain_road((Actor(Model.CAR_M, RoadBuilder(2, 3.5, 60.0).straight(300.0).route(0), 60.0),))
    )
    before = episode.observe()
    other = to_local(np.array([[before.objects.x[0], before.objects.y[0]]]), before.ego.x, before.ego.y, before.ego.yaw)
    assert other[0] == pytest.approx((30.0, 3.5), abs=0.1), "lane 0 is the left one: y is positive"
    for _ in range(20):
        episode.step(0.1, 0.0)
    after = episode.observe().ego
    assert after.yaw > before.ego.yaw + 0.1 and after.y > before.ego.y, "positive steering turns left"
    assert after.yaw_rate > 0.0 and after.lateral_acceleration > 0.0
    assert episode.observe().route.lateral_offset > 0.0 and episode.observe().route.heading_error > 0.0


@pytest.mark.parametrize("acceleration", [-8.0, -6.0, -3.0, -1.0, -0.3, 0.0, 0.3, 1.0, 2.0, 3.0])
def test_commanded_acceleration_is_tracked(simulator: MetaDrive, acceleration: float) -> None:
    episode = simulator.reset(plain_road(speed=12.0))
    for _ in range(4):  # the body settles on its springs
        episode.step(0.0, 0.0)
    first = episode.observe().ego.speed
    steps = 20
    for _ in range(steps):
        episode.step(0.0, acceleration)
    reached = (episode.observe().ego.speed - first) / (steps * STEP)
    assert reached == pytest.approx(acceleration, abs=max(0.1 * abs(acceleration), 0.05))


def test_braking_ends_at_a_standstill_that_is_held(simulator: MetaDrive) -> None:
    episode = simulator.reset(plain_road(speed=6.0))
    for _ in range(80):
        episode.step(0.0, -3.0)
    stopped = episode.observe().ego
    for _ in range(60):
        episode.step(0.3, -1.0)
    held = episode.observe().ego
    assert abs(held.speed) < 0.001 and math.hypot(held.x - stopped.x, held.y - stopped.y) < 0.01


def test_a_steady_turn_has_the_curvature_of_a_kinematic_bicycle(simulator: MetaDrive) -> None:
    episode = simulator.reset(plain_road(speed=5.0, lanes=3))
    for _ in range(30):
        episode.step(0.12, 0.0)
    ego = episode.observe().ego
    assert ego.yaw_rate / ego.speed == pytest.approx(math.tan(0.12) / EGO.wheelbase, rel=0.05)


def test_commands_that_are_no_numbers_are_refused(simulator: MetaDrive) -> None:
    episode = simulator.reset(plain_road())
    with pytest.raises(TakeadError, match="expected finite numbers"):
        episode.step(float("nan"), 0.0)


def test_one_engine_in_a_process(simulator: MetaDrive) -> None:
    simulator.reset(plain_road())
    second = MetaDrive(STEP)
    with pytest.raises(TakeadError, match="already runs"):
        second.reset(plain_road())
    with pytest.raises(TakeadError, match="multiple of"):
        open_simulator("metadrive", step_s=0.03)
    with pytest.raises(TakeadError, match=r"simulator 'carla': unknown, expected one of .*metadrive"):
        open_simulator("carla")


def test_a_scene_holds_the_map_and_the_route_as_promised(simulator: MetaDrive) -> None:
    episode = simulator.reset(build("intersection_left", 3))
    first = episode.observe()
    assert {LineKind.LANE_CENTER, LineKind.ROAD_EDGE} <= {line.kind for line in first.polylines}
    for line in first.polylines:
        spacing = np.hypot(*np.diff(line.points, axis=0).T)
        assert 2 <= len(line.points) <= 20 and spacing.min() > 0.0 and spacing.max() < 2.6
    assert any(line.on_route for line in first.polylines)
    ids = [line.id for line in first.polylines]
    assert len(set(ids)) == len(ids)
    path = first.route.path
    assert np.hypot(*np.diff(path, axis=0).T) == pytest.approx(1.0, abs=0.05)
    local = to_local(path, first.ego.x, first.ego.y, first.ego.yaw)
    assert -11.5 < local[0, 0] < -8.5 and abs(first.route.lateral_offset) < 0.01
    seen = set()
    known = {line.id: line for line in first.polylines}
    while not episode.done and episode.time_s < 20.0:
        scene = episode.observe()
        seen.update(scene.route.commands)
        assert all(known.setdefault(line.id, line) is line for line in scene.polylines), "one object for each polyline"
        point = to_local(scene.route.targets[:1], scene.ego.x, scene.ego.y, scene.ego.yaw)[0]
        episode.step(math.atan2(2.0 * EGO.wheelbase * point[1], float(point @ point)), 1.5 * (6.0 - scene.ego.speed))
    assert {RouteCommand.LEFT, RouteCommand.LANE_FOLLOW} <= seen and RouteCommand.RIGHT not in seen


def test_a_collision_is_typed_stops_the_other_and_does_not_end_the_episode(simulator: MetaDrive) -> None:
    walker = Actor(Model.PEDESTRIAN, right_lane(), 60.0)
    episode = simulator.reset(plain_road((walker,), speed=10.0))
    for _ in range(140):
        episode.step(0.0, 1.5 if episode.observe().ego.speed < 9.0 else 0.0)
    log = episode.outcome()
    assert [contact.kind for contact in log.contacts] == [ObjectKind.PEDESTRIAN]
    assert log.end is End.RUNNING and episode.scenario.family == "plain"
    (hit,) = episode.observe().objects.visible().x
    assert hit == pytest.approx(60.0, abs=0.1), "who was hit stays where that happened"
    assert episode.observe().ego.x < 60.0 - EGO.length / 2.0, "and stays in the way"
    assert score_episode(log).infractions[0].kind == "collision_pedestrian"


def test_nobody_behind_rams_an_ego_that_brakes_at_six(simulator: MetaDrive) -> None:
    behind = Actor(Model.CAR_L, right_lane(), 9.0, speed=12.0, cruise=13.0, reactive=True)
    episode = simulator.reset(replace(plain_road((behind,), speed=12.0), start=38.0))
    for _ in range(120):
        episode.step(0.0, -6.0)
    assert episode.outcome().contacts == ()


def test_a_pedestrian_behind_a_van_is_hidden_until_she_steps_out(simulator: MetaDrive) -> None:
    van = Actor(Model.VAN, right_lane(), 62.0, lateral=-2.7)
    out = Phase(When.EGO_TRAVELLED, 45.0, lateral=6.0, lateral_speed=1.5)
    walker = Actor(Model.PEDESTRIAN, right_lane(), 65.6, lateral=-3.4, phases=(out,))
    episode = simulator.reset(plain_road((van, walker), speed=8.0))
    visibilities = []
    for _ in range(70):
        objects = episode.observe().objects
        visibilities.append(float(objects.visibility[list(objects.kind).index(ObjectKind.PEDESTRIAN)]))
        episode.step(0.0, 0.0 if episode.observe().ego.x < 45.0 else -6.0)
    assert visibilities[0] == 0.0 and visibilities[-1] == 1.0


@pytest.mark.parametrize("emergency", [False, True])
def test_an_ambulance_hides_people_as_any_van_does(simulator: MetaDrive, emergency: bool) -> None:
    van = Actor(Model.VAN, right_lane(), 50.0, emergency=emergency)
    episode = simulator.reset(plain_road((van, Actor(Model.PEDESTRIAN, right_lane(), 56.0)), speed=0.0))
    assert episode.observe().objects.visibility.tolist() == [pytest.approx(1.0, abs=0.5), 0.0]


@pytest.mark.parametrize(
    ("command", "end"),
    [((0.0, 2.0), End.GOAL), ((0.0, -3.0), End.BLOCKED), ((0.05, 1.0), End.ROUTE_DEVIATION)],
)
def test_how_an_episode_ends(simulator: MetaDrive, command: tuple[float, float], end: End) -> None:
    episode = simulator.reset(plain_road(speed=8.0))
    for _ in range(1200):
        if episode.done:
            break
        episode.step(command[0], command[1] if episode.observe().ego.speed < 12.0 or command[1] < 0.0 else 0.0)
    assert episode.outcome().end is end


def test_the_time_limit_ends_an_episode(simulator: MetaDrive) -> None:
    episode = simulator.reset(plain_road(time_limit=1.0, speed=5.0))
    steps = 0
    while not episode.done:
        episode.step(0.0, 0.0)
        steps += 1
    assert steps == 20 and episode.outcome().end is End.TIME_LIMIT


HASH = """
import hashlib, sys
import numpy as np
from takead_ros.messages import codec, convert
from takead_ros.scenarios import build
from takead_ros.simulators import open_simulator

simulator = open_simulator("metadrive")
for family, seed in (item.split(":") for item in sys.argv[1:]):
    digest = hashlib.sha256()
    episode = simulator.reset(build(family, int(seed)))
    for i in range(100):
        episode.step(0.05 * np.sin(i / 9.0), 0.8 * np.cos(i / 15.0))
        digest.update(codec.serialize(convert.scene_to_msg(episode.observe())))
    print(family, seed, digest.hexdigest())
simulator.close()
"""


def test_two_processes_give_identical_scenes_in_any_order_and_under_any_hash_seed() -> None:
    """MetaDrive's T junction, for one, goes through sets of names, whose order hangs on PYTHONHASHSEED."""
    episodes = ["cut_in:3", "t_junction:2", "roundabout_entry:1"]
    runs = [
        subprocess.run(
            [sys.executable, "-c", HASH, *order],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout
        for order, hash_seed in ((episodes, "1"), (episodes[::-1], "4242"))
    ]
    first, second = (dict(line.rsplit(" ", 1) for line in run.splitlines()) for run in runs)
    assert len(first) == len(episodes) and first == second


def test_metadrive_s_bodies_have_the_sizes_that_scenarios_count_with(simulator: MetaDrive) -> None:
    models = list(Model)
    actors = tuple(Actor(model, right_lane(), 60.0 + 12.0 * i) for i, model in enumerate(models))
    episode = simulator.reset(plain_road(actors))
    assert isinstance(episode, MetaDriveEpisode) and len(episode.bodies) == len(models)
    for i, model in enumerate(models):
        body = episode.bodies[i]
        if model in MOTOR_VEHICLES:
            assert pytest.approx(DIMENSIONS[model]) == (body.LENGTH, body.WIDTH), model
