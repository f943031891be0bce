"""What every simulator shares, without any: the log's contacts, the end of an episode, the map around the ego."""

from __future__ import annotations

import numpy as np
import pytest

from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import EgoState, LineKind, ObjectKind, Objects, Polyline
from takead_ros.measures.episode_log import End
from takead_ros.scenarios import build
from takead_ros.simulators.ending import STANDSTILL, EndRules
from takead_ros.simulators.episode_recorder import EpisodeRecorder
from takead_ros.simulators.map_view import MAP_RANGE, MAP_REFRESH, MapView

STEP = 0.05
LENGTH, WIDTH = 4.5, 1.8


def _ego(x: float, y: float = 0.0) -> EgoState:
    return EgoState(x, y, 0.0, 5.0, length=LENGTH, width=WIDTH)


def _navigation() -> Navigation:
    points = np.stack([np.arange(200.0), np.zeros(200)], axis=1)
    return Navigation(points, np.zeros(200, dtype=np.int64), 10.0, 150.0, 10.0)


def _cars(*places: tuple[int, float, float]) -> Objects:
    """(id, x, y) of cars that head along x."""
    ids, x, y = (np.array(column) for column in zip(*places, strict=True))
    zero, one = np.zeros(len(ids)), np.ones(len(ids))
    kind = np.full(len(ids), int(ObjectKind.CAR))
    return Objects(ids, kind, x, y, zero, zero, zero, LENGTH * one, WIDTH * one, one)


def test_a_contact_is_noted_once_for_as_long_as_it_lasts_and_again_after_it() -> None:
    recorder = EpisodeRecorder(build("cut_in", 0), STEP)
    navigation = _navigation()
    far, near = _cars((2, 80.0, 0.0), (7, 90.0, 0.0)), _cars((7, 12.0 + LENGTH, 0.5), (2, 12.0, WIDTH))
    found = []
    for objects in (far, near, near, far, near):
        ego = _ego(12.0)
        navigation.update(ego.x, ego.y, ego.yaw)
        found.append(recorder.find_contacts(ego, objects, navigation.s))
        recorder.record(ego, navigation, 0.0, objects, ())
    assert found == [[], [2, 7], [], [], [2, 7]]
    log = recorder.log(End.RUNNING)
    assert [(contact.tick, contact.object_id) for contact in log.contacts] == [(1, 2), (1, 7), (4, 2), (4, 7)]
    assert log.route_s == pytest.approx([2.0] * 5) and log.route_length == 140.0
    assert len(log.objects) == len(log.controls) == len(log.x) == 5


def test_bodies_that_stand_apart_do_not_touch() -> None:
    recorder = EpisodeRecorder(build("cut_in", 0), STEP)
    beside = _cars((1, 12.0, WIDTH + 0.05), (2, 12.0 + LENGTH + 0.05, 0.0), (3, 12.0, -WIDTH - 0.05))
    assert recorder.find_contacts(_ego(12.0), beside, 0.0) == []


@pytest.mark.parametrize(
    ("ego", "time_s", "end"),
    [
        (_ego(149.0), 1.0, End.RUNNING),
        (_ego(150.5), 1.0, End.GOAL),
        (_ego(50.0, 15.5), 1.0, End.ROUTE_DEVIATION),
        (_ego(50.0, 14.5), 1.0, End.RUNNING),
        (_ego(50.0), 30.0, End.TIME_LIMIT),
    ],
)
def test_where_and_when_an_episode_ends(ego: EgoState, time_s: float, end: End) -> None:
    navigation = _navigation()
    for x in np.arange(10.0, ego.x + 1.0, 5.0):
        navigation.update(float(x), ego.y, 0.0)
    navigation.update(ego.x, ego.y, 0.0)
    assert EndRules(30.0, STEP, 10.0, 0.0).check(ego, navigation, time_s) is end


def test_who_gets_nowhere_is_blocked_and_who_creeps_on_is_not() -> None:
    steps = round(STANDSTILL / STEP)
    for pace, end in ((0.0, End.BLOCKED), (0.04, End.RUNNING)):
        rules, navigation = EndRules(1e9, STEP, 50.0, 0.0), _navigation()
        ends = [rules.check(_ego(50.0 + pace * i), navigation, STEP * i) for i in range(1, steps + 1)]
        assert ends[-1] is end and set(ends[:-1]) == {End.RUNNING}


def test_the_map_around_the_ego_is_chosen_anew_as_it_goes_and_keeps_its_polylines() -> None:
    lines = tuple(
        Polyline(i, LineKind.LANE_CENTER, np.array([[x, 0.0], [x + 20.0, 0.0]]))
        for i, x in enumerate(range(0, 600, 20))
    )
    view = MapView(lines)
    first = view.around(0.0, 0.0)
    assert [line.id for line in first] == [0, 1, 2, 3], "within 80 m of their nearer end"
    assert view.around(MAP_REFRESH - 0.1, 0.0) is first
    later = view.around(100.0, 0.0)
    assert {line.id for line in later} == set(range(1, 9)) and later[0] is lines[1]
    assert all(abs(line.points[:, 0] - 100.0).min() < MAP_RANGE for line in later)
