"""The PDM score on hand-computed cases, against a plain loop with shapely, and its properties."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.pdm_road import EGO, LEFT, OWN, PATH, ROAD, TIMES, along, merged, other, scores
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import to_outer
from takead_ros.domain.scene import (
    ObjectKind,
    Objects,
    Route,
    RouteCommand,
    Scene,
)
from takead_ros.measures.pdm import LaneArea, SampledTracks, pdm_scores, resample, score_plans, track_states
from takead_ros.measures.pdm.plan_states import comfortable, savitzky_golay


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


def test_what_cannot_be_scored_is_named() -> None:
    with pytest.raises(TakeadError, match=r"shape \(1, 3, 4\)"):
        scores(along(10.0)[:, :3])
    with pytest.raises(TakeadError, match="finite"):
        scores(np.where(np.arange(41)[:, None] == 7, np.nan, along(10.0)))
    with pytest.raises(TakeadError, match="expected 50"):
        pdm_scores(along(10.0), EGO, SampledTracks.of([other(9.0, 0.0)], 41, 0.1), ROAD, PATH)
