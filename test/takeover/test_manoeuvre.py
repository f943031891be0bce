"""The minimum-risk manoeuvre."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from support.arbiter_loop import Loop, engaged, in_mode
from support.mrm_road import P, braking, motion, straight
from support.scenery import objects, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Plan, Source
from takead_ros.domain.scene import Objects
from takead_ros.takeover import mrm
from takead_ros.takeover.mrm import PlanPath
from takead_ros.takeover.parameters import ArbiterParameters


def demand(*rows: dict[str, float], path: PlanPath | None = None, speed: float = 10.0, age: float = 0.0) -> float:
    ego = motion(speed=speed)
    return braking(path, ego, objects(*rows) if rows else Objects.empty(), age, P)


def test_comfort_unless_something_demands_more() -> None:
    assert demand() == 3.0 and demand(path=straight()) == 3.0
    assert demand(path=straight(12.5)) == pytest.approx(10.0**2 / 25.0)
    assert demand(path=straight(2.0)) == 8.0


def test_what_is_in_the_way_demands_a_stop_before_it() -> None:
    gap = 20.0 - 2.25 - 2.3 - 1.0
    assert demand({"x": 20.0, "y": 0.0}) == pytest.approx(100.0 / (2 * gap))
    assert demand({"x": 20.0, "y": 0.0}, path=straight()) == pytest.approx(100.0 / (2 * gap))
    assert demand({"x": 20.0, "y": 0.0, "vx": -2.0}) == pytest.approx(144.0 / (2 * gap))
    assert demand({"x": 22.0, "y": 0.0, "vx": -2.0}, age=1.0) == pytest.approx(144.0 / (2 * gap))
    assert demand({"x": 20.0, "y": 2.0, "vy": -2.0}, age=1.0) == pytest.approx(100.0 / (2 * gap))
    assert demand({"x": 8.0, "y": 0.0}) == 8.0
    # turned across the way it is shorter along it and wider
    across = 20.0 - 0.95 - 2.3 - 1.0
    assert demand({"x": 20.0, "y": 3.3, "yaw": math.pi / 2}) == pytest.approx(100.0 / (2 * across))


@pytest.mark.parametrize(
    "row",
    [{"x": 20.0, "y": 2.15}, {"x": 20.0, "y": -2.15}, {"x": -8.0, "y": 0.0}, {"x": 20.0, "y": 0.0, "vx": 10.0},
     {"x": 20.0, "y": 0.0, "vx": 12.0}, {"x": 61.0, "y": 0.0}, {"x": 20.0, "y": 2.0, "vy": 2.0}],
)  # fmt: skip
def test_what_is_not_in_the_way(row: dict[str, float]) -> None:
    assert demand(row, age=0.1 if "vy" in row else 0.0) == 3.0


def test_the_edge_of_the_corridor() -> None:
    assert demand({"x": 20.0, "y": 2.05}) > 3.0
    assert demand({"x": 20.0, "y": -2.05}) > 3.0


def test_an_object_beyond_the_end_of_the_path_is_as_far_as_it_is() -> None:
    assert demand({"x": 40.0, "y": 0.0, "vx": -8.0}, path=straight(30.0)) == pytest.approx(18**2 / (2 * (40 - 5.55)))


def test_two_objects_the_nearer_counts() -> None:
    one = demand({"x": 20.0, "y": 0.0})
    assert demand({"x": 20.0, "y": 0.0}, {"x": 40.0, "y": 0.0}) == one
    assert demand({"x": 40.0, "y": 0.0}, {"x": 20.0, "y": 0.0}) == one


def test_the_manoeuvre_in_a_bend_does_not_straighten_the_wheel() -> None:
    """Everything dies in a bend of 30 m radius: the wheel stays turned to the held stop, on the path."""
    loop = engaged()
    curvature, angle = 1.0 / 30.0, math.atan(2.0 * math.tan(math.asin(0.5 * 2.7 / 30.0)))
    s = 8.0 * 0.5 * np.arange(1, 9)
    bend = Plan(
        np.sin(s * curvature) / curvature, (1 - np.cos(s * curvature)) / curvature, s * curvature, np.full(8, 8.0)
    )
    loop.speed = 8.0
    for _ in range(20):
        loop.tick(policy=replace(loop.out(steering=angle), plan=bend))
    assert loop.command.steering_angle == pytest.approx(angle)
    angles = []
    while loop.mode is not M.STOPPED:
        loop.dead(1)
        angles.append(loop.command.steering_angle)
    assert min(angles) > 0.5 * angle and max(angles) < 1.6 * angle
    ego, path = loop.state.motion, loop.state.path
    assert ego is not None and path is not None and ego.speed == 0.0 and ego.yaw > 0.2
    assert abs(math.hypot(ego.x - path.x[0], ego.y - path.y[0] - 30.0) - 30.0) < 0.5


def test_the_manoeuvre_brakes_comfortably_or_hard() -> None:
    loop = in_mode(M.MRM)
    loop.dead(3)
    assert loop.command.acceleration == pytest.approx(-3.0)
    assert loop.command.lateral is Source.MRM and loop.command.longitudinal is Source.MRM
    loop = engaged()
    for _ in range(6):
        wall = scene(loop.now.ros + 50_000_000, loop.x + 0.5, 10.0, objects({"x": loop.x + 11.0, "y": 0.0}))
        loop.tick(scene=wall, policy=None, expert=None)
    loop.run(5, scene=None, policy=None, expert=None)
    assert loop.mode is M.MRM and loop.command.acceleration == pytest.approx(-8.0)


def test_what_was_seen_before_a_scene_broke_still_counts() -> None:
    """A scene that says NaN takes itself away, and not what the last sound one showed."""
    loop = engaged()
    wall = objects({"x": loop.x + 13.0, "y": 0.0})
    loop.tick(scene=scene(loop.now.ros + 50_000_000, loop.x + 0.5, 10.0, wall))
    loop.tick(scene=scene(loop.now.ros + 50_000_000, loop.x + 0.5, math.nan), policy=None, expert=None)
    assert loop.state.screened.scene.accepted is None and loop.mode is M.MRM
    loop.dead(4)
    assert loop.command.acceleration == pytest.approx(-8.0)


def test_objects_move_on_while_the_scene_is_gone() -> None:
    """By the time since they were seen: what crosses the way later is braked for when it gets there."""
    loop = engaged()
    crossing = objects({"x": loop.x + 20.0, "y": -14.0, "vy": 9.0, "yaw": math.pi / 2})
    loop.tick(scene=scene(loop.now.ros + 30_000_000, loop.x + 0.5, 10.0, crossing))
    demands = []
    for _ in range(40):
        loop.dead(1)
        demands.append(loop.command.acceleration)
    i = next(i for i, demand in enumerate(demands) if demand < -3.01)
    seen_s = (14.0 - 0.5 * 4.5 - 0.95 - P.mrm_side_m) / 9.0  # until its front reaches the corridor
    assert (i + 1) * 0.05 + 0.02 == pytest.approx(seen_s, abs=0.06)


@pytest.mark.parametrize(("y", "harder"), [(6.5, True), (0.0, False)], ids=["on_its_way", "straight_ahead"])
def test_the_manoeuvre_brakes_for_what_stands_on_its_way(y: float, harder: bool) -> None:
    """The way is the bend of the last plan."""
    loop = engaged()
    x = np.linspace(5.0, 30.0, 8)
    bend = Plan(x, 0.02 * x * x, np.arctan(0.04 * x), np.full(8, 10.0))
    near = objects({"x": loop.x + 18.5, "y": y})
    loop.tick(scene=scene(loop.now.ros + 50_000_000, loop.x + 0.5, 10.0, near), policy=replace(loop.out(), plan=bend))
    loop.dead(9)
    assert loop.mode is M.MRM and (loop.command.acceleration < -3.2) == harder


def test_the_manoeuvre_ends_before_its_path_does() -> None:
    """A plan that ends 12 m ahead demands more than comfort; without a path there is only comfort."""
    loop = engaged()
    short = Plan(np.linspace(1.5, 12.0, 8), np.zeros(8), np.zeros(8), np.full(8, 3.0))
    loop.tick(policy=replace(loop.out(), plan=short))
    loop.run(9, policy=None, expert=None)
    assert loop.mode is M.MRM
    assert loop.command.acceleration < -4.0


@pytest.mark.parametrize(("speed", "braking"), [(0.1, -3.0), (0.099, -2.0)])
def test_standing_is_below_the_limit(speed: float, braking: float) -> None:
    loop = Loop(speed=speed)
    loop.run(8, policy=None, expert=None)
    assert loop.mode is M.DISENGAGED and loop.command.acceleration == braking


def test_hidden_objects_do_not_count() -> None:
    loop = engaged()
    for _ in range(12):
        hidden = objects({"x": loop.x + 10.0, "y": 0.0, "visibility": 0.0})
        loop.tick(scene=scene(loop.now.ros + 50_000_000, loop.x + 0.5, 10.0, hidden), policy=None, expert=None)
    assert loop.mode is M.MRM and loop.command.acceleration == pytest.approx(-3.0)


def test_a_stopped_vehicle_is_held() -> None:
    loop = in_mode(M.STOPPED)
    held = loop.command
    loop.dead(50)
    assert loop.command.acceleration == -2.0 and loop.command.steering_angle == held.steering_angle
    assert loop.command.longitudinal is Source.MRM


def turned(row: dict[str, float], by: float, x: float, y: float) -> dict[str, float]:
    """An object's row in a world that is turned by ``by`` rad and moved."""
    cos, sin = math.cos(by), math.sin(by)

    def rotated(a: float, b: float) -> tuple[float, float]:
        return cos * a - sin * b, sin * a + cos * b

    px, py = rotated(row["x"], row["y"])
    vx, vy = rotated(row.get("vx", 0.0), row.get("vy", 0.0))
    return {**row, "x": x + px, "y": y + py, "vx": vx, "vy": vy, "yaw": row.get("yaw", 0.0) + by}


@pytest.mark.parametrize("by", [0.0, 0.7, -2.2])
@pytest.mark.parametrize("speed", [10.0, 30.0])
@pytest.mark.parametrize("with_path", [True, False])
@pytest.mark.parametrize(
    "row",
    [{"x": 20.0, "y": 0.0}, {"x": 20.0, "y": 0.5, "vx": 4.0, "vy": 0.5}, {"x": 25.0, "y": 3.3, "yaw": 1.4},
     {"x": 20.0, "y": 2.3, "yaw": 0.3}, {"x": 61.0, "y": 0.0}, {"x": 5.0, "y": 61.0, "length": 200.0, "yaw": 1.57},
     {"x": 59.0, "y": 0.0}, {"x": 20.0, "y": -8.0, "vy": 7.0}, {"x": 20.0, "y": 0.0, "vx": 9.7}],
)  # fmt: skip
def test_the_manoeuvre_is_the_same_in_every_direction(
    row: dict[str, float], with_path: bool, speed: float, by: float
) -> None:
    plain = demand(row, path=straight() if with_path else None, speed=speed, age=1.0)
    plan = Plan(np.linspace(5.0, 60.0, 12), np.zeros(12), np.zeros(12), np.zeros(12))
    path = PlanPath.of(plan, 40.0, -25.0, by) if with_path else None
    ego = motion(40.0, -25.0, by, speed)
    assert braking(path, ego, objects(turned(row, by, 40.0, -25.0)), 1.0, P) == pytest.approx(plain)


def test_only_what_is_in_sight_counts() -> None:
    for x, counts in ((59.9, True), (60.0, False), (61.0, False)):
        assert (demand({"x": x, "y": 0.0}, speed=30.0) > 3.0) == counts


def test_what_is_not_in_the_way_demands_nothing_at_all() -> None:
    gentle = ArbiterParameters(manoeuvre_limit_s=100.0, mrm_deceleration_mps2=0.5)
    aside, creeping = objects({"x": 20.0, "y": 5.0}), objects({"x": 6.0, "y": 0.0, "vx": 9.1})
    assert braking(None, motion(), aside, 0.0, gentle) == 0.5
    assert braking(None, motion(), creeping, 0.0, gentle) == pytest.approx(0.9**2 / (2 * 0.45))


@pytest.mark.parametrize(("goal_m", "speed", "least"), [(50.0, 10.0, 1.0), (40.0, 10.0, 1.25), (10.0, 10.0, 5.0)])
def test_the_stop_at_the_goal_ends_there_and_does_end(goal_m: float, speed: float, least: float) -> None:
    motion = mrm.DeadReckoning.of(scene(0, speed=speed).ego)
    assert mrm.to_goal(goal_m, motion, P) == pytest.approx(least)
    assert mrm.to_goal(1000.0, motion, P) == 0.5 * P.goal_deceleration_mps2 != 0.5 / P.goal_deceleration_mps2
