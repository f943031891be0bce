"""Properties of the planner: finite, invariant, deterministic, honest about what it cannot answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.expert_road import bend, make_scene, standing, steady, straight
from support.scenes import moved
from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.geometry import bicycle_rollout
from takead_ros.domain.scene import EgoState, LineKind, ObjectKind, Objects, Polyline, Scene
from takead_ros.expert.arrays import Ego, Margins
from takead_ros.expert.forecast import TIMES, known_of
from takead_ros.expert.kernels.surroundings import look_around
from takead_ros.expert.lanes import read_lanes
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import SPEED_BINS, plan, plan_batch
from takead_ros.expert.route import AHEAD, BEHIND
from takead_ros.expert.tracks import Track
from takead_ros.policy.tracking import track_plan

P = ExpertParameters()
REAL = {"allow_nan": False, "allow_infinity": False}


def decide(scene: Scene) -> DriverOutput:
    return plan(scene, Memory(), P)[0]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    def real(low: float, high: float) -> float:
        return draw(st.floats(low, high, **REAL))

    road = draw(st.sampled_from([straight(), straight(1.75), bend(15.0)]))
    ego = EgoState(
        real(-20, 90),
        real(-6, 6),
        real(-3.2, 3.2),
        real(-0.5, 30),
        steering_angle=real(-0.7, 0.7),
        acceleration=real(-9, 4),
    )
    count = draw(st.integers(0, 6))
    rows = [
        (
            i,
            draw(st.sampled_from(list(ObjectKind))),
            real(-60, 120),
            real(-15, 15),
            real(-3.2, 3.2),
            real(-20, 20),
            real(-20, 20),
            real(0.1, 15),
            real(0.1, 4),
            draw(st.sampled_from([0.0, 0.5, 1.0])),
        )
        for i in range(1, count + 1)
    ]
    columns = [np.array(column, dtype=float) for column in zip(*rows, strict=True)]
    objects = Objects(columns[0].astype(int), columns[1].astype(int), *columns[2:]) if rows else Objects.empty()
    return replace(make_scene(road, ego), objects=objects)


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_every_finite_scene_gets_a_finite_answer_within_limits(scene: Scene) -> None:
    output = decide(scene)
    assert output.status is DriverStatus.OK
    count = len(output.logits)
    assert output.candidates.shape == (count, 8, 2)
    for values in (
        output.plan.x,
        output.plan.y,
        output.plan.yaw,
        output.plan.speed,
        output.candidates,
        output.logits,
        output.speed_probabilities,
    ):
        assert np.isfinite(values).all()
    assert (output.plan.speed >= 0.0).all()
    assert output.logits.max() == pytest.approx(0.0)
    assert output.speed_probabilities.shape == SPEED_BINS.shape
    assert output.speed_probabilities.sum() == pytest.approx(1.0)
    assert abs(output.steering_angle) <= scene.ego.max_steering_angle
    assert -P.max_deceleration_mps2 <= output.acceleration <= 3.0
    assert output.cause.kind
    best = output.candidates[int(output.logits.argmax())]
    np.testing.assert_array_equal(best, np.stack([output.plan.x, output.plan.y], axis=-1))


def busy() -> Scene:
    actors = [
        standing(3, 42.0), steady(4, 90.0, 3.5, np.pi, 9.0), steady(7, -20.0, 0.0, 0.0, 11.0),
        steady(9, 50.0, -20.0, np.pi / 2, 8.0), steady(2, 30.0, -6.0, np.pi / 2, 1.4, kind=ObjectKind.PEDESTRIAN,
                                                       length=0.6, width=0.6),
    ]  # fmt: skip
    return make_scene(straight(), EgoState(5.0, 0.2, 0.05, 10.0, steering_angle=0.02), actors)


def assert_alike(first: DriverOutput, second: DriverOutput, tolerance: float) -> None:
    for name in ("x", "y", "yaw", "speed"):
        np.testing.assert_allclose(getattr(first.plan, name), getattr(second.plan, name), atol=tolerance)
    np.testing.assert_allclose(first.candidates, second.candidates, atol=tolerance)
    np.testing.assert_allclose(first.logits, second.logits, atol=100 * tolerance)
    assert first.steering_angle == pytest.approx(second.steering_angle, abs=tolerance)
    assert first.acceleration == pytest.approx(second.acceleration, abs=tolerance)
    assert first.cause == second.cause


@pytest.mark.parametrize(
    ("x", "y", "yaw"), [(100.0, -40.0, 0.0), (0.0, 0.0, 1.1), (-3000.0, 800.0, -2.7), (7.0, 7.0, np.pi)]
)
def test_where_the_map_lies_does_not_matter(x: float, y: float, yaw: float) -> None:
    assert_alike(decide(busy()), decide(moved(busy(), x, y, yaw)), 1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_objects_does_not_matter(seed: int) -> None:
    scene = busy()
    order = np.random.default_rng(seed).permutation(len(scene.objects))
    assert_alike(decide(scene), decide(replace(scene, objects=scene.objects.select(order))), 0.0)


def test_the_same_scenes_give_the_same_answers_bit_for_bit() -> None:
    def run() -> list[bytes]:
        memory, answers = Memory(), []
        for i in range(6):
            output, memory = plan(replace(busy(), stamp=i * 100_000_000), memory, P)
            answers.append(output.candidates.tobytes() + output.logits.tobytes() + output.plan.speed.tobytes())
        return answers

    assert run() == run()


def test_a_batch_is_answered_as_its_scenes_alone_whatever_their_order() -> None:
    roads = [busy(), make_scene(bend(15.0), EgoState(20.0, 0.0, 0.0, 6.0)), moved(busy(), 50.0, 9.0, 1.0)]
    alone = [Memory()] * len(roads)
    batched = [Memory()] * len(roads)
    rng = np.random.default_rng(5)
    for i in range(5):
        scenes = [replace(road, stamp=i * 100_000_000 + k) for k, road in enumerate(roads)]
        order = rng.permutation(len(roads)).tolist()
        outputs, after = plan_batch([scenes[k] for k in order], [batched[k] for k in order], P)
        batched = [after[order.index(k)] for k in range(len(roads))]
        for k, scene in enumerate(scenes):
            single, alone[k] = plan(scene, alone[k], P)
            assert_alike(single, outputs[order.index(k)], 0.0)
            assert single.logits.tobytes() == outputs[order.index(k)].logits.tobytes()


def test_a_batch_needs_a_memory_for_each_scene() -> None:
    with pytest.raises(ValueError, match="2 scenes and 1 memories"):
        plan_batch([busy(), busy()], [Memory()], P)


def test_a_world_that_starts_anew_is_a_new_world() -> None:
    _, memory = plan(replace(busy(), stamp=50_000_000_000), Memory(), P)
    again, _ = plan(replace(busy(), stamp=0), memory, P)
    assert_alike(decide(replace(busy(), stamp=0)), again, 0.0)


def test_the_plan_can_be_driven_by_the_bicycle() -> None:
    scene = make_scene(bend(15.0), EgoState(45.0, 0.5, 0.1, 6.0))
    output = decide(scene)
    ego, states = scene.ego, []
    place = replace(ego, x=0.0, y=0.0, yaw=0.0)
    for step in range(80):  # 4 s; every 0.1 s the rest of the same plan is followed
        if step % 2 == 0:
            ahead = np.arange(1, 9) * 0.5 + step * 0.05
            times = np.arange(9) * 0.5
            reach = [np.interp(ahead, times, [0.0, *values]) for values in (output.plan.x, output.plan.y)]
            cos, sin = np.cos(place.yaw), np.sin(place.yaw)
            dx, dy = reach[0] - place.x, reach[1] - place.y
            speeds = np.interp(ahead, times, np.concatenate([[ego.speed], output.plan.speed]))
            local = replace(output.plan, x=cos * dx + sin * dy, y=cos * dy - sin * dx, speed=speeds)
            steering, acceleration = track_plan(local, place)
        x, y, yaw, speed = bicycle_rollout(
            place.x, place.y, place.yaw, place.speed, np.array([steering]), np.array([acceleration]), 2.7, 0.05
        )[0].tolist()
        place = replace(place, x=x, y=y, yaw=yaw, speed=speed, steering_angle=steering)
        states.append((x, y))
    driven = np.array(states)[9::10][:6]
    planned = np.stack([output.plan.x, output.plan.y], axis=-1)[:6]
    assert np.hypot(*(driven - planned).T).max() < 0.8


@pytest.mark.parametrize("where", ["ego", "object", "path"])
def test_what_is_not_finite_is_refused(where: str) -> None:
    scene = busy()
    if where == "ego":
        scene = replace(scene, ego=replace(scene.ego, speed=float("nan")))
    elif where == "object":
        scene = replace(scene, objects=replace(scene.objects, vx=scene.objects.vx * np.nan))
    else:
        scene = replace(scene, route=replace(scene.route, path=scene.route.path + np.inf))
    memory = Memory(stamp=3)
    output, after = plan(scene, memory, P)
    assert output.status is DriverStatus.NOT_FINITE
    assert after is memory


@pytest.mark.parametrize("points", [0, 1, 3])
def test_a_route_without_length_is_refused(points: int) -> None:
    scene = busy()
    output = decide(replace(scene, route=replace(scene.route, path=np.zeros((points, 2)))))
    assert output.status is DriverStatus.OUT_OF_RANGE
    assert "route.path" in output.status_text


def test_who_follows_a_bend_is_forecast_to_stay_on_its_lane() -> None:
    radius, speed = 15.0, 8.0
    angles = np.arange(0.0, 3.0, 2.0 / radius)
    lane = Polyline(1, LineKind.LANE_CENTER, radius * np.stack([np.sin(angles), 1.0 - np.cos(angles)], axis=-1))
    lanes = read_lanes((lane,))
    for angle in np.linspace(0.02, 0.6, 30).tolist():  # between the lane's points too
        row = (
            1,
            int(ObjectKind.CAR),
            radius * np.sin(angle),
            radius * (1.0 - np.cos(angle)),
            angle,
            speed * np.cos(angle),
            speed * np.sin(angle),
            4.6,
            1.9,
            1.0,
        )
        own, known = Ego(0.0, 0.0, 0.0, 5.0, 0.0, 4.6, 1.9, 2.7), known_of({1: Track(row, 0, speed)}, 0)
        margins = Margins(0.35, 0.9, 12.0)
        boxes = look_around(lane.points, known, lanes, own, margins, BEHIND, AHEAD, TIMES).boxes
        soon = TIMES <= 3.0
        away = np.hypot(boxes.x[0, soon], boxes.y[0, soon] - radius) - radius
        assert np.abs(away).max() < 0.4
