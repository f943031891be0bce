"""Anchors tracked as on the vehicle and scored, with others that replay and others that react."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from takead_ros.domain.errors import TakeadError
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
from takead_ros.measures.pdm import LaneArea, PdmScores, SampledTracks, pdm_scores
from takead_ros.prediction.anchors import drive_plans, reacting, score_anchors, score_scenes

SPEED, DT, SAMPLES = 8.0, 0.1, 51
TIMES = 0.5 * np.arange(1, 9)


def plan(speed: float, aside: float = 0.0) -> FloatArray:
    """Straight on at ``speed`` m/s, ``aside`` m to the left within 2.5 s."""
    share = np.clip(TIMES / 2.5, 0.0, 1.0)
    return np.stack([speed * TIMES, aside * share**2 * (3.0 - 2.0 * share)], axis=-1)


def two_lanes() -> Scene:
    """The ego in the right one of two lanes along x."""
    line = np.arange(-60.0, 161.0, 2.0)
    lanes = tuple(
        Polyline(i + 1, LineKind.LANE_CENTER, np.stack([line, np.full(len(line), 3.5 * i)], 1), i == 0, 12.0, 3.5)
        for i in range(2)
    )
    path = np.stack([np.arange(-10.0, 101.0), np.zeros(111)], axis=1)
    route = Route(path, path[[25, 40, 55]], (RouteCommand.LANE_FOLLOW,) * 3, 0.0, 0.0, 90.0, 0.1, 12.0)
    return Scene(0, EgoState(0.0, 0.0, 0.0, SPEED), Objects.empty(), lanes, route)


def follower(gap: float, speed: float, lane: float = 3.5) -> list[Objects]:
    """A car ``gap`` m behind the ego's place, in the lane ``lane`` m to the left, at a constant speed."""
    one = np.ones(1)
    return [
        Objects(
            np.array([7]),
            np.array([int(ObjectKind.CAR)]),
            -gap + speed * t * DT * one,
            lane * one,
            0.0 * one,
            speed * one,
            0.0 * one,
            4.6 * one,
            1.9 * one,
            one,
        )
        for t in range(SAMPLES)
    ]


def test_a_reacting_user_brakes_for_an_anchor_that_cuts_in_and_not_for_one_that_stays() -> None:
    scene, future = two_lanes(), follower(20.0, 12.0)
    plans = np.stack([plan(SPEED), plan(SPEED, 3.5)])
    states = drive_plans(scene, plans, 4.0)
    tracks = SampledTracks.of(future, SAMPLES, DT)
    stays, cuts = (reacting(states[k : k + 1], scene, tracks) for k in (0, 1))
    both = reacting(states, scene, tracks)
    for name in ("x", "y", "yaw", "speed"):  # each reacts to its own ego, whoever is asked about beside
        alone = np.concatenate([getattr(stays, name), getattr(cuts, name)])
        np.testing.assert_array_equal(getattr(both, name), alone)
    np.testing.assert_allclose(stays.x[0], tracks.x, atol=1e-9)
    np.testing.assert_array_equal(stays.speed[0], tracks.speed)
    assert cuts.speed[0, 0, 40] < 11.0 < tracks.speed[0, 40]
    assert (np.diff(cuts.x[0, 0]) >= 0.0).all()
    replayed, reacted = score_anchors(scene, future, plans), score_anchors(scene, future, plans, reactive=True)
    gap = states[1, :, 0] - cuts.x[0, 0, :41]
    assert gap[-1] > 4.6  # it stays behind; by its record it would have driven into the ego
    assert (states[1, :, 0] - tracks.x[0, :41])[-1] < 4.6
    assert reacted.no_collision.tolist() == [1.0, 1.0] and replayed.no_collision[0] == 1.0


@pytest.mark.parametrize("horizon", [2.0, 4.0])
def test_replayed_scores_are_those_of_each_anchor_by_itself(horizon: float) -> None:
    """The batch is the single definition, ``measures.pdm`` on the trajectory of one plan at a time, bit for bit."""
    scene, future = two_lanes(), follower(-25.0, 3.0, 0.0)
    plans = np.stack([plan(SPEED), plan(4.0), plan(0.5), plan(SPEED, 3.5), plan(12.0, -3.5)])
    together = score_anchors(scene, future, plans, horizon)
    states = drive_plans(scene, plans, horizon)
    assert states.shape == (5, round(horizon / DT) + 1, 4)
    tracks = SampledTracks.of(future, states.shape[1] + 9, DT)
    best = float((together.travelled * together.no_collision * together.drivable_area).max())
    for k in range(len(plans)):
        alone = pdm_scores(states[k : k + 1], scene.ego, tracks, LaneArea(scene.polylines), scene.route.path, best)
        for field in fields(PdmScores):
            assert getattr(alone, field.name)[0] == getattr(together, field.name)[k], field.name
    assert len(set(together.score.tolist())) > 2


@pytest.mark.parametrize("horizon", [2.0, 4.0])
def test_reactive_scores_are_those_of_each_anchor_with_its_own_others(horizon: float) -> None:
    """Many scenes at once are, bit for bit, one anchor at a time against the others as they react to it."""
    scene, plans = two_lanes(), np.stack([plan(SPEED), plan(1.0), plan(SPEED, 3.5), plan(12.0, -3.5)])
    futures = [follower(20.0, 12.0), follower(6.0, 9.0), follower(-12.0, 0.0, 0.0)]
    many = score_scenes([(scene, future, plans) for future in futures], horizon, reactive=True)
    assert many.score.shape == (3, 4) and (many.score[0] != many.score[2]).any()
    states, area = drive_plans(scene, plans, horizon), LaneArea(scene.polylines)
    for b, future in enumerate(futures):
        tracks = SampledTracks.of(future, states.shape[1] + 9, DT)
        best = float((many.travelled * many.no_collision * many.drivable_area)[b].max())
        for k in range(len(plans)):
            moved = reacting(states[k : k + 1], scene, tracks)
            own = replace(tracks, x=moved.x[0], y=moved.y[0], yaw=moved.yaw[0], speed=moved.speed[0])
            alone = pdm_scores(states[k : k + 1], scene.ego, own, area, scene.route.path, best)
            for field in fields(PdmScores):
                assert getattr(alone, field.name)[0] == getattr(many, field.name)[b, k], field.name


def test_nobody_to_react_scores_as_replay() -> None:
    scene = two_lanes()
    plans = np.stack([plan(SPEED), plan(4.0), plan(SPEED, 3.5)])
    first, second = (score_anchors(scene, [Objects.empty()], plans, 4.0, reactive) for reactive in (False, True))
    for field in fields(PdmScores):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))


def test_the_car_tracks_its_plan() -> None:
    scene = two_lanes()
    states = drive_plans(scene, np.stack([plan(SPEED), plan(SPEED, 3.5), plan(3.0)]), 4.0)
    assert np.abs(states[0, :, 1]).max() < 1e-6 and states[0, -1, 0] == pytest.approx(32.0, abs=0.2)
    assert states[1, -1, 1] == pytest.approx(3.5, abs=0.5)
    assert states[2, -1, 3] == pytest.approx(3.0, abs=0.4)


def test_what_is_no_anchor_is_refused() -> None:
    scene = two_lanes()
    with pytest.raises(TakeadError, match=r"anchors: plans of shape \(2, 7, 2\), expected \(K, 8, 2\)"):
        drive_plans(scene, np.zeros((2, 7, 2)), 4.0)
    with pytest.raises(TakeadError, match=r"anchors: horizon 3\.0 s, expected one of 2\.0, 4\.0"):
        score_anchors(scene, [Objects.empty()], plan(1.0)[None], 3.0)
