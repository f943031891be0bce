"""Triggers of too much speed and of leaving the road: the limit, the bend ahead, the edge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.monitor_road import Road, first, lane, route_off
from support.scenery import scene
from takead_ros.domain.driving import Trigger
from takead_ros.domain.scene import (
    Scene,
)
from takead_ros.takeover import course
from takead_ros.takeover.parameters import MonitorParameters

P = MonitorParameters()


def limited(now: Scene, limit: float | None) -> Any:
    return replace(now.route, speed_limit=limit)


@pytest.mark.parametrize(
    ("limit", "policy", "expert", "asked"),
    [(7.9, 0.0, -2.0, True), (8.1, 0.0, -2.0, False), (7.9, -1.1, -2.0, False), (7.9, 0.0, -0.9, False),
     (None, 0.0, -2.0, False), (7.9, -0.9, None, True), (7.9, -1.1, None, False)],
)  # fmt: skip
def test_speed_over_the_limit(limit: float | None, policy: float, expert: float | None, asked: bool) -> None:
    """10 m/s; the expert must brake 1 m/s^2 harder, and a policy that brakes is left alone."""
    road = Road()
    other = None if expert is None else {"acceleration": expert}
    got = []
    for _ in range(40):
        route = limited(scene(0, road.x), limit)
        got.append(road.tick(policy={"acceleration": policy}, expert=other, route=route))
    assert (Trigger.SPEED_LIMIT in {r.trigger for r in got}) == asked
    if asked:
        assert first(got, Trigger.SPEED_LIMIT) == pytest.approx(20, abs=2)  # speeding_sustain_s
        assert got[-1].text == "10.0 m/s where 7.9 m/s is the limit" and 0.3 < got[-1].severity < 0.8
        road.speed = 8.2  # within speeding_exit_share again
        gone = [road.tick(expert=other, route=limited(scene(0, road.x), limit)) for _ in range(10)]
        assert first(gone, Trigger.NONE) == 6


def test_a_little_over_a_low_limit_is_trivial() -> None:
    road = Road(speed=4.0)
    got = [road.tick(expert={"acceleration": -2.0}, route=limited(scene(0, road.x), 2.5)) for _ in range(40)]
    assert {r.trigger for r in got} == {Trigger.NONE}


def cornered(away: float, radius: float = 8.0) -> Any:
    """A route that goes straight for ``away`` m from the origin and then turns left by a right angle."""
    straight = np.column_stack((np.arange(-10.0, away), np.zeros(round(away) + 10)))
    angle = np.linspace(0.0, np.pi / 2, 13)[1:]
    bend = np.column_stack((away + radius * np.sin(angle), radius * (1.0 - np.cos(angle))))
    after = np.column_stack((np.full(40, away + radius), radius + np.arange(1.0, 41.0)))
    return replace(scene(0).route, path=np.vstack((straight, bend, after)))


@pytest.mark.parametrize(
    ("speed", "away", "expert", "asked"),
    [(14.0, 30.0, -4.0, True), (14.0, 30.0, None, True), (14.0, 55.0, -4.0, False), (6.0, 15.0, -4.0, False),
     (14.0, 30.0, -0.5, False), (30.0, 80.0, -6.0, True)],
)  # fmt: skip
def test_too_fast_for_the_bend_ahead(speed: float, away: float, expert: float | None, asked: bool) -> None:
    """An 8 m bend bears 6.9 m/s; braking for it from 14 m/s at 30 m is due with 2.5 m/s^2, at 55 m not yet."""
    road = Road(speed=speed)
    other = None if expert is None else {"acceleration": expert}
    got = [road.tick(expert=other, route=cornered(away)) for _ in range(8)]
    assert (Trigger.BEND_SPEED in {r.trigger for r in got}) == asked
    if asked:
        i = first(got, Trigger.BEND_SPEED)
        assert i == 4 and got[i].text.startswith("bend in ") and 0.5 <= got[i].severity <= 1.0
        assert got[i].time_to_event == pytest.approx((away - i * 0.05 * speed) / speed, abs=3.0 / speed)
        back = road.run(12, expert=other)
        assert Trigger.NONE in {r.trigger for r in back}


def test_a_policy_alone_that_speeds_up_before_a_bend() -> None:
    road = Road(speed=14.0)
    got = [road.tick(policy={"acceleration": 1.5}, expert=None, route=cornered(30.0)) for _ in range(8)]
    assert Trigger.BEND_SPEED in {r.trigger for r in got}


def test_the_curvature_of_the_route() -> None:
    now = replace(scene(0), route=cornered(30.0, 10.0))
    away, curvature = course.bends(now, P)
    assert away[0] > 0.0 and curvature[away < 20.0].max() < 1e-9
    assert curvature.max() == pytest.approx(0.1, rel=0.02)
    assert away[curvature.argmax()] == pytest.approx(30.0 + 10.0 * np.pi / 4, abs=5.0)
    short = replace(now, route=replace(now.route, path=now.route.path[:2]))
    assert len(course.bends(short, P)[0]) == 0


def lost(y: float, offset: float) -> dict[str, Any]:
    """The ego ``y`` m beside a lane of 3.5 m, and ``offset`` m from the route."""
    base = scene(0)
    return {
        "ego": replace(base.ego, y=y),
        "polylines": (lane(0.0, np.arange(-50.0, 200.0, 2.0)),),
        "route": route_off(base, offset),
    }


@pytest.mark.parametrize(
    ("y", "offset", "asked"), [(4.9, 6.1, True), (-4.9, -6.1, True), (4.6, 6.1, False), (4.9, 5.9, False)]
)
def test_off_the_road(y: float, offset: float, asked: bool) -> None:
    road = Road()
    got = road.run(16, **lost(y, offset))
    asking = [r for r in got if r.trigger is Trigger.OFF_ROAD]
    assert bool(asking) == asked
    if asked:
        assert first(got, Trigger.OFF_ROAD) == 10 and asking[-1].severity == 1.0  # off_road_sustain_s
        assert asking[-1].text.endswith("m off the road")
        silent = road.run(10, policy=None, expert=None, **lost(y, offset))  # before a policy that is late as well
        assert {r.trigger for r in silent} == {Trigger.OFF_ROAD}
        back = road.run(8, **lost(2.7, 2.0))
        assert Trigger.OFF_ROAD not in {r.trigger for r in back[6:]}


def test_off_the_road_without_any_lane_in_view() -> None:
    changes = {**lost(0.0, 6.1), "polylines": ()}
    assert Trigger.OFF_ROAD in {r.trigger for r in Road().run(16, **changes)}
    assert Trigger.OFF_ROAD not in {r.trigger for r in Road(off_road_m=5.0).run(16, **changes)}


def test_a_lane_is_as_wide_as_it_says() -> None:
    changes = lost(6.1, 6.1)
    wide = (replace(changes["polylines"][0], width=6.4),)
    assert Trigger.OFF_ROAD not in {r.trigger for r in Road().run(16, **{**changes, "polylines": wide})}
    unknown = (replace(changes["polylines"][0], width=None),)
    assert Trigger.OFF_ROAD in {r.trigger for r in Road().run(16, **{**changes, "polylines": unknown})}
