"""The PDM score on hand-computed cases, against a plain loop with shapely, and its properties."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.pdm_definition import Areas, pdm_score, simulated
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_outer, wrap_angle
from takead_ros.domain.scene import (
    EgoState,
    FloatArray,
    LineKind,
    ObjectKind,
    Objects,
    Polyline,
    Route,
    RouteCommand,
    Scene,
)
from takead_ros.measures.pdm import LaneArea, PdmScores, SampledTracks, pdm_scores, resample, score_plans, track_states
from takead_ros.measures.pdm.plan_states import comfortable, savitzky_golay

EGO = EgoState(0.0, 0.0, 0.0, 10.0, length=4.0, width=2.0, wheelbase=2.5)
TIMES = 0.1 * np.arange(41)
PATH = np.stack([np.arange(-10.0, 101.0), np.zeros(111)], axis=1)
OWN = Polyline(1, LineKind.LANE_CENTER, PATH, True, 13.9, 3.5)
LEFT = Polyline(2, LineKind.LANE_CENTER, PATH[::-1] + np.array([0.0, 3.5]), False, 13.9, 3.5)
ROAD = LaneArea([OWN, LEFT])


def along(speed: float | FloatArray, y: float | FloatArray = 0.0, yaw: float | FloatArray = 0.0) -> FloatArray:
    """One trajectory (1, 41, 4) along x."""
    pace = np.broadcast_to(np.asarray(speed, dtype=float), (41,))
    x = np.concatenate([[0.0], np.cumsum(0.05 * (pace[1:] + pace[:-1]))])
    return np.stack([x, *(np.broadcast_to(np.asarray(v, dtype=float), (41,)) for v in (y, yaw)), pace], axis=1)[None]


def other(
    x: float,
    y: float,
    speed: float = 0.0,
    yaw: float = 0.0,
    kind: ObjectKind = ObjectKind.CAR,
    size: tuple[float, float] = (4.0, 2.0),
) -> Objects:
    one = np.ones(1)
    return Objects(
        np.array([1]), np.array([int(kind)]), x * one, y * one, yaw * one, speed * np.cos(yaw) * one,
        speed * np.sin(yaw) * one, size[0] * one, size[1] * one, one,
    )  # fmt: skip


def merged(*parts: Objects) -> Objects:
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in Objects.__dataclass_fields__]
    return replace(Objects(*columns), id=np.arange(1, len(parts) + 1))


def scores(states: FloatArray, *parts: Objects, area: LaneArea = ROAD, reference: float | None = None) -> PdmScores:
    """Others go straight on from where ``parts`` say."""
    tracks = SampledTracks.of([merged(*parts)] if parts else [], 50, 0.1)
    return pdm_scores(states, EGO, tracks, area, PATH, reference)


def test_a_free_road_is_a_full_score() -> None:
    found = scores(along(10.0))
    assert found.travelled == pytest.approx(40.0)
    for name in ("score", "no_collision", "drivable_area", "ttc", "progress", "comfort"):
        assert getattr(found, name) == pytest.approx(1.0), name


def test_weights_by_hand() -> None:
    both = np.concatenate([along(10.0), along(5.0)])
    found = scores(both)
    assert found.progress == pytest.approx([1.0, 0.5])
    assert found.score == pytest.approx([1.0, (5 * 0.5 + 5 + 2) / 12])
    assert scores(both, reference=80.0).progress == pytest.approx([0.5, 0.25])
    assert scores(both, reference=20.0).progress == pytest.approx([1.0, 1.0])
    crawling = scores(along(1.0))
    assert crawling.travelled == pytest.approx(4.0) and crawling.progress == 1.0  # below 5 m progress is not judged


@pytest.mark.parametrize(
    ("kind", "want"),
    [(ObjectKind.CAR, 0.0), (ObjectKind.PEDESTRIAN, 0.0), (ObjectKind.CYCLIST, 0.0), (ObjectKind.CONE, 0.5)],
)
def test_driving_into_what_stands_is_at_fault(kind: ObjectKind, want: float) -> None:
    found = scores(along(10.0), other(24.0, 0.0, kind=kind))
    assert found.no_collision == want and found.ttc == 0.0
    assert found.collision_time == pytest.approx(2.0)  # 24 m less two half lengths of 2 m at 10 m/s
    assert found.ttc_time == pytest.approx(1.1)  # 0.9 s earlier
    # the gate also halves the progress; without a reference that is still the best there is
    assert found.score == pytest.approx(want * (5 * (want > 0) + 0 + 2) / 12)


def test_who_is_hit_from_behind_or_standing_is_not_at_fault() -> None:
    assert scores(along(5.0), other(-12.0, 0.0, speed=12.0)).no_collision == 1.0
    assert scores(along(0.0), other(15.0, 0.0, speed=10.0, yaw=np.pi)).no_collision == 1.0
    assert scores(along(0.0), other(15.0, 0.0, speed=10.0, yaw=np.pi)).ttc == 1.0  # a standing ego has no TTC
    assert scores(along(1.0), other(30.0, 0.0, speed=10.0, yaw=np.pi)).no_collision == 0.0


def test_being_hit_from_the_side_is_at_fault_only_across_lanes() -> None:
    crossing = other(1.0, -12.0, speed=6.0, yaw=np.pi / 2)  # beside the ego's middle after about 1.7 s
    inside = along(0.5)
    assert scores(inside, crossing).no_collision == 1.0
    assert scores(along(0.5, y=1.5), crossing).no_collision == 0.0


def test_time_to_collision_looks_ahead_for_nine_tenths_of_a_second() -> None:
    braking = np.maximum(10.0 - 4.0 * np.maximum(TIMES - 1.0, 0.0), 0.0)  # stands after 10 + 12.5 m
    stops_short = scores(along(braking), other(22.5 + 4.0 + 0.5, 0.0))
    assert stops_short.no_collision == 1.0 and stops_short.ttc == 0.0
    assert scores(along(braking), other(40.0, 0.0)).ttc == 1.0
    assert scores(along(10.0), other(9.0, 0.0, speed=10.0)).ttc == 1.0  # close behind a lead that keeps its speed
    beside = other(9.0, 3.0, speed=0.0)
    assert scores(along(10.0), beside).ttc == 1.0


def test_what_touches_the_ego_at_the_start_counts() -> None:
    """nuPlan's metric and NAVSIM v1.1's metric cache begin with no collided track."""
    found = scores(along(10.0), other(3.0, 0.0))
    assert found.no_collision == 0.0 and found.ttc == 0.0 and found.collision_time == 0.0


@pytest.mark.parametrize(("degrees", "want"), [(29.0, 0.0), (31.0, 1.0)])
def test_ahead_is_within_thirty_degrees(degrees: float, want: float) -> None:
    """Somebody small drives alongside, just touching: the bearing from the rear axle decides."""
    bearing = np.deg2rad(degrees)
    aside = 1.3  # the ego's side is at 1 m, theirs at 0.9 m
    beside = other(-1.25 + aside / np.tan(bearing), aside, speed=10.0, size=(0.5, 0.8))
    assert scores(along(10.0), beside).ttc == want


@pytest.mark.parametrize(("speed", "want"), [(0.049, 0.0), (0.051, 1.0)])
def test_a_track_stands_up_to_five_hundredths(speed: float, want: float) -> None:
    """The ego, inside its lane, touches somebody with its side: at fault only where he stands."""
    passed = other(6.0, 1.4, speed=speed, yaw=np.pi / 2, size=(0.7, 0.7), kind=ObjectKind.PEDESTRIAN)
    found = scores(along(10.0, y=np.where(TIMES < 0.65, 0.0, 0.1)), passed)
    assert found.no_collision == want


def test_drivable_area_has_a_tolerance_of_a_tyre() -> None:
    # the lane's right edge is at -1.75 m, the box's side 1 m beside its centre
    assert scores(along(10.0, y=-1.0)).drivable_area == 1.0
    off = scores(along(10.0, y=-1.1))
    assert off.drivable_area == 0.0 and off.score == 0.0
    assert scores(along(10.0, y=4.5)).drivable_area == 1.0  # the oncoming lane is drivable
    assert scores(along(10.0), area=LaneArea([])).drivable_area == 0.0


def test_comfort_bounds() -> None:
    assert comfortable(along(10.0), 0.1).all()
    assert not comfortable(along(np.maximum(18.0 - 4.2 * TIMES, 0.0)), 0.1).any()
    assert comfortable(along(np.maximum(18.0 - 4.0 * TIMES, 0.0)), 0.1).all()
    assert not comfortable(along(5.0 + 2.5 * TIMES), 0.1).any()
    assert not comfortable(along(5.0, yaw=1.0 * TIMES), 0.1).any()  # yaw rate 1.0 rad/s
    assert comfortable(along(5.0, yaw=0.9 * TIMES), 0.1).all()
    assert not comfortable(along(6.0, yaw=0.9 * TIMES), 0.1).any()  # 5.4 m/s^2 to the side
    brief = 10.0 - np.where(np.abs(TIMES - 2.0) < 0.35, 6.0 * (TIMES - 1.65), np.where(TIMES > 2.0, 4.2, 0.0))
    assert comfortable(along(brief), 0.1).all()  # over the whole horizon a short brake is smoothed away
    assert not comfortable(along(brief), 0.1, window=7).any()


def test_smoothing_is_scipys() -> None:
    signal = pytest.importorskip("scipy.signal", reason="scipy, of the dev extra, is not installed")
    values = np.random.default_rng(0).normal(size=(3, 41))
    for window, order, derivative in ((41, 2, 0), (41, 2, 1), (5, 2, 1), (5, 3, 2), (15, 2, 1)):
        want = signal.savgol_filter(values, window, order, deriv=derivative, delta=0.1)
        assert values @ savitzky_golay(41, window, order, derivative, 0.1).T == pytest.approx(want, abs=1e-8)


def test_plans_become_smooth_states() -> None:
    straight = np.stack([np.arange(1, 9) * 5.0, np.zeros(8)], axis=1)
    states = resample(straight[None], 10.0, 0.1)
    assert states.shape == (1, 41, 4)
    assert states == pytest.approx(along(10.0), abs=1e-9)
    standing = resample(np.zeros((1, 8, 2)), 0.0, 0.1)
    assert standing == pytest.approx(np.zeros((1, 41, 4)))
    bend = np.stack([20 * np.sin(np.arange(1, 9) / 4.0), 20 * (1 - np.cos(np.arange(1, 9) / 4.0))], axis=1)
    turned = resample(bend[None], 10.0, 0.1)[0]
    assert turned[:, 2] == pytest.approx(0.5 * TIMES, abs=0.08) and turned[:, 3] == pytest.approx(10.0, abs=0.25)


def test_tracks_align_by_id_and_go_on_straight() -> None:
    first = merged(other(0.0, 0.0, 10.0), other(5.0, 1.0))
    second = first.select(np.array([0]))
    tracks = SampledTracks.of([first, second], 4, 0.1)
    assert tracks.id.tolist() == [1, 2]
    assert tracks.x[0] == pytest.approx([0.0, 0.0, 1.0, 2.0])
    assert tracks.x[1, 0] == 5.0 and np.isnan(tracks.x[1, 1:]).all()
    assert SampledTracks.of([], 4, 0.1).x.shape == (0, 4)


def test_plans_of_a_scene_are_scored_in_the_map() -> None:
    yaw, shift = 0.7, np.array([30.0, -20.0])
    path = to_outer(PATH, *shift, yaw)
    lanes = tuple(replace(line, points=to_outer(line.points, *shift, yaw)) for line in (OWN, LEFT))
    route = Route(path, path[[25, 40, 55]], (RouteCommand.LANE_FOLLOW,) * 3, 0.0, 0.0, 90.0, 0.1, 13.9)
    standing = other(*to_outer(np.array([24.0, 0.0]), *shift, yaw), yaw=yaw)
    scene = Scene(0, replace(EGO, x=shift[0], y=shift[1], yaw=yaw), standing, lanes, route)
    go = np.stack([np.arange(1, 9) * 5.0, np.zeros(8)], axis=1)
    stop = np.stack([np.minimum(np.arange(1, 9) * 2.2 + 1.0, 14.0), np.zeros(8)], axis=1)
    found = score_plans(scene, [standing], np.stack([go, stop]))
    assert found.no_collision.tolist() == [0.0, 1.0] and found.drivable_area.tolist() == [1.0, 1.0]
    assert found.travelled == pytest.approx([40.0, 14.0], abs=0.2)
    against = score_plans(scene, [standing], np.stack([stop]), reference=stop)
    assert against.progress == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(3))
def test_who_follows_a_plan_drives_as_the_definition_written_out_says(seed: int) -> None:
    """Plans that swerve, brake to a stand, start from it and lie across the end of the circle."""
    random, bench = np.random.default_rng(seed), _benchmark()
    standing = resample(np.zeros((1, 8, 2)), 0.0, 0.1)
    states = np.concatenate([bench.trajectories(8, random), standing, along(np.linspace(0.0, 6.0, 41))])
    states[..., 2] += np.pi - 0.05
    ego = replace(EGO, speed=random.uniform(0.0, 12.0), acceleration=random.normal(), steering_angle=0.1)
    want = np.stack([simulated(trajectory, ego) for trajectory in states])
    found = track_states(states, ego, 0.1)
    assert found[..., [0, 1, 3]] == pytest.approx(want[..., [0, 1, 3]], abs=1e-7)
    assert wrap_angle(found[..., 2] - want[..., 2]) == pytest.approx(0.0, abs=1e-7)


def test_a_plan_that_a_car_can_drive_is_followed_closely() -> None:
    straight = track_states(along(10.0), EGO, 0.1) - along(10.0)
    assert np.abs(straight).max() < 0.05
    turn, rear = 0.5 * TIMES, 0.5 * EGO.wheelbase  # the rear axle moves along the heading, the box's centre does not
    x = 20.0 * np.sin(turn) + rear * np.cos(turn)
    y = 20.0 * (1.0 - np.cos(turn)) + rear * np.sin(turn)
    circle = np.stack([x, y, turn, np.full(41, 10.0)], axis=1)[None]
    ego = replace(EGO, steering_angle=float(np.arctan(EGO.wheelbase / 20.0)))
    away = track_states(circle, ego, 0.1) - circle
    assert np.hypot(away[0, :, 0], away[0, :, 1]).max() < 0.5


def test_a_plan_that_no_car_can_drive_is_not_followed_in_its_jumps() -> None:
    lane_change = along(10.0, y=np.where(TIMES > 1.0, 3.0, 0.0))
    driven = track_states(lane_change, EGO, 0.1)[0]
    assert np.abs(np.diff(driven[:, 1])).max() < 1.0 and driven[-1, 1] == pytest.approx(3.0, abs=1.0)
    stop = along(np.where(TIMES > 1.0, 0.0, 10.0))
    late = track_states(stop, EGO, 0.1)[0]
    assert late[-1, 0] > stop[0, -1, 0] + 1.0 and abs(late[-1, 3]) < 0.5


def test_plans_are_tracked_where_it_is_asked_for() -> None:
    route = Route(PATH, PATH[[25, 40, 55]], (RouteCommand.LANE_FOLLOW,) * 3, 0.0, 0.0, 90.0, 0.1, 13.9)
    scene = Scene(0, EGO, Objects.empty(), (OWN, LEFT), route)
    stop = np.stack([np.array([4.0, 6.0, 7.0, 7.5, 7.5, 7.5, 7.5, 7.5]), np.zeros(8)], axis=1)[None]
    plain, tracked = score_plans(scene, [], stop), score_plans(scene, [], stop, tracked=True)
    assert plain.travelled == pytest.approx(7.5) and tracked.travelled > 8.0  # brakes come late


def _benchmark() -> Any:
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        return importlib.import_module("pdm_score")
    finally:
        sys.path.pop(0)


@pytest.mark.parametrize("seed", range(4))
def test_the_definition_written_out_gives_the_same_scores(seed: int) -> None:
    """Objects around the ego, overlapping it at the start as well, standing, crawling and driving."""
    bench = _benchmark()
    states, random = bench.trajectories(12, np.random.default_rng(seed)), np.random.default_rng(100 + seed)
    count = 12
    kinds = random.choice([int(kind) for kind in ObjectKind], count)
    yaw, speed = random.uniform(-np.pi, np.pi, count), random.choice([0.0, 0.03, 0.06, 1.0, 6.0], count)
    x, y = random.uniform(-8.0, 60.0, count), random.uniform(-4.0, 8.0, count)
    length, width = random.uniform(0.4, 6.0, count), random.uniform(0.4, 2.2, count)
    vx, vy = speed * np.cos(yaw), speed * np.sin(yaw)
    future = [
        Objects(
            np.arange(1, count + 1),
            kinds,
            x + 0.1 * t * vx,
            y + 0.1 * t * vy,
            yaw,
            vx,
            vy,
            length,
            width,
            np.ones(count),
        ).select(np.arange(count) != t % 40)
        for t in range(50)
    ]
    path = np.stack([np.arange(-10.0, 101.0), np.zeros(111)], axis=1)
    found = pdm_scores(states, bench.EGO, SampledTracks.of(future, 50, 0.1), LaneArea(bench.road()), path).score
    want = pdm_score(states, bench.EGO, future, Areas.of(bench.road()), path)
    assert found == pytest.approx(want, abs=1e-9)
    plain = pdm_scores(states, bench.EGO, SampledTracks.of(bench.others(), 50, 0.1), LaneArea(bench.road()), path).score
    want = pdm_score(states, bench.EGO, bench.others(), Areas.of(bench.road()), path)
    assert plain == pytest.approx(want, abs=1e-9) and 0.0 < np.mean(plain > 0.0) < 1.0


def test_nothing_that_is_not_finite_is_scored() -> None:
    def spoil(part: Any, name: str) -> Any:
        return replace(part, **{name: np.full_like(getattr(part, name), np.nan)})

    for name in ("x", "y", "yaw", "vx", "vy", "length", "width"):
        with pytest.raises(TakeadError, match=f"'{name}' of object 1 is not finite at sample 0"):
            SampledTracks.of([spoil(other(9.0, 0.0), name)], 50, 0.1)
    with pytest.raises(TakeadError, match="lane 1: holds a number that is not finite"):
        LaneArea([spoil(OWN, "points")])
    with pytest.raises(TakeadError, match="lane 1"):
        LaneArea([replace(OWN, width=float("nan"))])
    with pytest.raises(TakeadError, match="reference progress"):
        scores(along(10.0), reference=float("nan"))
    with pytest.raises(TakeadError, match="route's path"):
        pdm_scores(along(10.0), EGO, SampledTracks.of([], 50, 0.1), ROAD, np.full_like(PATH, np.inf))
    with pytest.raises(TakeadError, match="ego's size"):
        pdm_scores(along(10.0), replace(EGO, width=float("nan")), SampledTracks.of([], 50, 0.1), ROAD, PATH)


def test_training_can_score_without_the_simulator() -> None:
    found = "[m for m in sys.modules if m.split('.')[0] in ('metadrive', 'torch')]"
    code = f"import sys, takead_ros.measures.pdm; print({found})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@settings(max_examples=25, deadline=None)
@given(points=st.lists(st.tuples(st.floats(-30.0, 130.0), st.floats(-10.0, 12.0)), min_size=1, max_size=60))
def test_the_grid_settles_points_as_distances_do(points: list[tuple[float, float]]) -> None:
    at = np.array(points)
    inside = np.minimum(np.abs(at[:, 1]), np.abs(at[:, 1] - 3.5))
    beyond = np.maximum(np.maximum(-10.0 - at[:, 0], at[:, 0] - 100.0), 0.0)
    distance = np.hypot(inside, beyond)
    clear = np.abs(distance - 2.05) > 1e-9
    assert (ROAD.on_road(at)[clear] == (distance <= 2.05)[clear]).all()


CARS = st.lists(
    st.tuples(st.floats(5.0, 50.0), st.floats(-3.0, 6.0), st.floats(0.0, 10.0), st.floats(-3.1, 3.1)),
    min_size=1,
    max_size=4,
)


def sample(seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    ahead = np.cumsum(rng.uniform(2.0, 6.0, (12, 8)), axis=1)
    across = np.cumsum(rng.normal(0.0, 0.15, (12, 8)), axis=1)
    return resample(np.stack([ahead, across], axis=-1), 8.0, 0.1)


@settings(max_examples=25, deadline=None)
@given(cars=CARS, seed=st.integers(0, 50), angle=st.floats(-3.1, 3.1), dx=st.floats(-300.0, 300.0), data=st.data())
def test_turning_the_map_and_the_order_of_objects_change_nothing(
    cars: list[tuple[float, float, float, float]], seed: int, angle: float, dx: float, data: st.DataObject
) -> None:
    states, parts = sample(seed), merged(*(other(x, y, speed, yaw) for x, y, speed, yaw in cars))
    order = data.draw(st.permutations(range(len(cars))))
    first = pdm_scores(states, EGO, SampledTracks.of([parts], 50, 0.1), ROAD, PATH, 30.0)
    cos, sin = np.cos(angle), np.sin(angle)

    def turn(points: FloatArray) -> FloatArray:
        return to_outer(points, dx, -dx, angle)

    place = turn(np.stack([parts.x, parts.y], 1))
    moved = replace(
        parts, x=place[:, 0], y=place[:, 1], yaw=parts.yaw + angle, vx=cos * parts.vx - sin * parts.vy,
        vy=sin * parts.vx + cos * parts.vy,
    ).select(np.array(order))  # fmt: skip
    turned = np.concatenate([turn(states[..., :2]), states[..., 2:3] + angle, states[..., 3:]], axis=-1)
    lanes = LaneArea([replace(line, points=turn(line.points)) for line in (OWN, LEFT)])
    second = pdm_scores(turned, EGO, SampledTracks.of([moved], 50, 0.1), lanes, turn(PATH), 30.0)
    assert second.score == pytest.approx(first.score, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(cars=CARS, seed=st.integers(0, 50))
def test_one_more_object_never_helps(cars: list[tuple[float, float, float, float]], seed: int) -> None:
    states, parts = sample(seed), [other(x, y, speed, yaw) for x, y, speed, yaw in cars]
    more, fewer = scores(states, *parts, reference=30.0), scores(states, *parts[:-1], reference=30.0)
    assert (more.score <= fewer.score + 1e-12).all()
    assert ((more.score >= 0.0) & (more.score <= 1.0)).all()


def test_what_cannot_be_scored_is_named() -> None:
    with pytest.raises(TakeadError, match=r"shape \(1, 3, 4\)"):
        scores(along(10.0)[:, :3])
    with pytest.raises(TakeadError, match="finite"):
        scores(np.where(np.arange(41)[:, None] == 7, np.nan, along(10.0)))
    with pytest.raises(TakeadError, match="expected 50"):
        pdm_scores(along(10.0), EGO, SampledTracks.of([other(9.0, 0.0)], 41, 0.1), ROAD, PATH)
