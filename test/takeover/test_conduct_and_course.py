"""The triggers about how and where the policy drives, at the edge of every threshold, and their memory over time."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from support.scenery import TICK, objects, output, scene
from takead_ros.domain.driving import DriverOutput, DriverStatus, Plan, TakeoverRequest, Trigger
from takead_ros.domain.scene import FloatArray, LineKind, Objects, Polyline, Scene
from takead_ros.takeover import conduct, course
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.plans import Driver
from takead_ros.takeover.prediction import Lanes, Trace
from takead_ros.takeover.risks import RECORDS
from takead_ros.takeover.triggers import Alarm, MonitorState, evaluate, most_severe, updated
from takead_ros.takeover.view import Finding, Record, View, brakes_less

P = MonitorParameters()
SECOND = 1_000_000_000


def driver(name: str = "policy", speed: float = 10.0, stamp: int = 0, **values: Any) -> Driver:
    made: DriverOutput = replace(output(stamp, name, speed=speed), **values)
    return Driver(made, Trace.of(made.plan, (0.0, 0.0, 0.0), speed))


def view(now: Scene | None = None, policy: Driver | None = None, expert: Driver | None = None, **values: Any) -> View:
    base = View(now or scene(0), policy or driver(), expert, None, 0.0, 0.0, Objects.empty(), np.zeros((0, 3)))
    return base._replace(**values)


@pytest.mark.parametrize(
    ("age", "fault", "text"),
    [(0, "", ""), (SECOND // 4, "", ""), (SECOND // 4 + 1, "", "late"), (SECOND, "plan_jump", "plan_jump")],
)
def test_an_unhealthy_answer(age: int, fault: str, text: str) -> None:
    found = conduct.unhealthy(view(scene(age), replace(driver(), fault=fault)), P)
    assert found == Finding(Trigger.POLICY_UNHEALTHY, bool(text), not text, 1.0, None, 0, text)


def test_no_answer_at_all() -> None:
    silent = view(policy=driver())._replace(policy=None)
    assert conduct.unhealthy(silent._replace(waited_s=0.25), P) is None
    found = conduct.unhealthy(silent._replace(waited_s=0.2501), P)
    assert found == Finding(Trigger.POLICY_UNHEALTHY, True, False, 1.0, None, 0, "no policy output")


LOCK = scene(0).ego.max_steering_angle


@pytest.mark.parametrize(
    ("share", "speed", "enter", "leave"),
    [(0.25, 10.0, True, False), (-0.25, 10.0, True, False), (0.2, 10.0, False, False), (0.15, 10.0, False, False),
     (0.1, 10.0, False, False), (0.05, 10.0, False, True), (0.25, 1.0, False, True), (0.25, 1.01, True, False),
     (2.0, 10.0, True, False)],
)  # fmt: skip
def test_disagreement(share: float, speed: float, enter: bool, leave: bool) -> None:
    exact = replace(scene(0, speed=speed), ego=replace(scene(0, speed=speed).ego, max_steering_angle=0.5))
    found = conduct.disagreement(view(exact, driver(steering_angle=share * 0.5), driver("expert")), P)
    severity = min(0.4 + 0.5 * (abs(share) - 0.2), 1.0)
    assert found is not None and found.trigger is Trigger.STEERING_DISAGREEMENT
    assert (found.enter, found.leave) == (enter, leave) and found.severity == pytest.approx(severity)
    assert found.text == f"steering differs by {abs(share):.2f} of full lock" and found.time_to_event is None
    assert found.object_id == 0 and conduct.disagreement(view(exact), P) is None
    both = driver(steering_angle=0.3 + share * 0.5), driver("expert", steering_angle=0.3)
    moved = conduct.disagreement(view(exact, *both), P)
    assert moved is not None and moved.severity == pytest.approx(severity)


def test_disagreement_is_never_less_than_none() -> None:
    found = conduct.disagreement(view(None, driver(), driver("expert")), MonitorParameters(disagreement_share=1.0))
    assert found is not None and found.severity == 0.0


@pytest.mark.parametrize(
    ("expert", "policy", "stood", "enter", "leave"),
    [((2.1, 0.1), (0.0, 0.0), 4.0, True, False), ((2.1, 0.1), (0.0, 0.0), 3.9, False, False),
     ((2.0, 0.1), (0.0, 0.0), 9.0, False, True), ((2.1, 0.0), (0.0, 0.0), 9.0, False, True),
     ((2.1, 0.1), (2.1, 0.1), 9.0, False, True), ((2.1, 0.1), (2.0, 0.1), 9.0, True, False),
     ((2.1, 0.1), (2.1, 0.0), 9.0, True, False), ((2.1, 0.1), (0.0, 0.0), 0.0, False, True),
     ((0.0, 0.0), (2.1, 0.1), 9.0, False, True)],
)  # fmt: skip
def test_stuck(
    expert: tuple[float, float], policy: tuple[float, float], stood: float, enter: bool, leave: bool
) -> None:
    one, other = (driver(speed=v, acceleration=a) for v, a in (policy, expert))
    found = conduct.stuck(view(None, one, other, stood_s=stood), P)
    text = f"stands for {stood:.1f} s while the expert would go"
    assert found == Finding(Trigger.STUCK, enter, leave, 0.3, None, 0, text)
    assert conduct.stuck(view(None, one, stood_s=9.0), P) is None


def limited(speed: float, limit: float | None) -> Scene:
    now = scene(0, speed=speed)
    return replace(now, route=replace(now.route, speed_limit=limit))


@pytest.mark.parametrize(
    ("speed", "limit", "enter", "leave"),
    [(10.1, 8.0, True, False), (10.0, 8.0, False, False), (8.4, 8.0, False, False), (4.0, 2.0, False, False),
     (4.1, 2.0, True, False), (8.0, 8.0, False, True), (3.0, 8.0, False, True), (40.0, 8.0, True, False)],
)  # fmt: skip
def test_speed_over_the_limit(speed: float, limit: float, enter: bool, leave: bool) -> None:
    found = conduct.speed_limit(view(limited(speed, limit), driver(acceleration=1.1)), P)
    severity = min(max(0.3 + 0.5 * (speed / limit - 1.0), 0.3), 0.8)
    assert found is not None and (found.enter, found.leave) == (enter, leave) and found.object_id == 0
    assert found.trigger is Trigger.SPEED_LIMIT and found.severity == pytest.approx(severity)
    assert found.text == f"{speed:.1f} m/s where {limit:.1f} m/s is the limit" and found.time_to_event is None
    braking = conduct.speed_limit(view(limited(speed, limit), driver(acceleration=-1.0)), P)
    assert braking is not None and not braking.enter and braking.leave == leave


def test_exactly_at_the_exit() -> None:
    found = conduct.speed_limit(
        view(limited(12.5, 10.0)), MonitorParameters(speeding_exit_share=0.25, speeding_share=0.5)
    )
    assert found is not None and found.leave


@pytest.mark.parametrize("limit", [None, 0.0, -1.0])
def test_without_a_limit_no_speed_is_too_high(limit: float | None) -> None:
    assert conduct.speed_limit(view(limited(30.0, limit), driver(acceleration=2.0)), P) is None
    low = conduct.speed_limit(view(limited(30.0, 0.5), driver(acceleration=2.0)), P)
    assert low is not None and low.enter


@pytest.mark.parametrize(
    ("mine", "expert", "less"),
    [(0.0, -1.5, True), (0.0, -1.0, False), (0.0, -0.5, False), (-2.0, -3.5, True), (1.5, None, True),
     (-0.9, None, True), (-1.0, None, False)],
)  # fmt: skip
def test_who_brakes_less(mine: float, expert: float | None, less: bool) -> None:
    peer = None if expert is None else driver("expert", acceleration=expert)
    assert brakes_less(view(None, driver(acceleration=mine), peer), P) == less


def off(offset: float, yaw: float) -> Scene:
    now = scene(0)
    return replace(now, route=replace(now.route, lateral_offset=offset, heading_error=yaw))


def ending(y: float) -> Driver:
    """A driver whose plan ends 40 m ahead, ``y`` m to the left."""
    plan = Plan(np.linspace(5, 40, 8), np.linspace(0.0, y, 8), np.zeros(8), np.full(8, 10.0))
    return driver(plan=plan)


@pytest.mark.parametrize(
    ("offset", "yaw", "enter", "leave"),
    [(2.6, 0.0, True, False), (-2.6, 0.0, True, False), (2.5, 0.0, False, False), (0.0, 1.1, True, False),
     (0.0, -1.1, True, False), (0.0, 1.0, False, False), (1.0, 0.0, False, False), (0.0, 0.4, False, False),
     (0.9, 0.39, False, True), (0.9, 0.5, False, False), (1.1, 0.1, False, False), (4.5, 0.0, True, False),
     (9.0, 0.0, True, False)],
)  # fmt: skip
def test_off_route(offset: float, yaw: float, enter: bool, leave: bool) -> None:
    found = course.off_route(view(off(offset, yaw), ending(4.0)), P)
    assert (found.trigger, found.enter, found.leave) == (Trigger.OFF_ROUTE, enter, leave)
    assert found.severity == pytest.approx(min(max(0.4 + 0.1 * (abs(offset) - 2.5), 0.4), 0.8))
    assert found.text == f"{abs(offset):.1f} m and {abs(yaw):.2f} rad off"
    assert found.time_to_event is None and found.object_id == 0


@pytest.mark.parametrize(("policy", "returns"), [(3.9, True), (4.1, False), (-3.9, True), (-4.1, False), (0.0, True)])
def test_a_policy_that_returns_as_the_expert_would(policy: float, returns: bool) -> None:
    """The expert means to end 3 m beside the route: it passes something."""
    for expert in (ending(3.0), ending(-3.0)):
        found = course.off_route(view(off(3.0, 0.0), ending(policy), expert), P)
        assert (found.enter, found.leave) == (not returns, returns)


@pytest.mark.parametrize(
    ("yaw", "returns"), [(0.0, False), (-math.pi / 2, True), (math.pi / 2, False), (math.pi, True)]
)
def test_a_plan_ends_where_the_ego_points(yaw: float, returns: bool) -> None:
    """The ego is 5 m beside the route, and its plan ends 10 m ahead of it and 2 m to its left: 7, 5, 15 or 3 m off."""
    plan = Plan(np.linspace(0.0, 10.0, 8), np.linspace(0.0, 2.0, 8), np.zeros(8), np.full(8, 1.0))
    still = Plan(np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(8))
    now = off(5.0, yaw)
    now = replace(now, ego=replace(now.ego, x=7.0, y=5.0, yaw=yaw))
    found = course.off_route(view(now, driver(plan=plan), driver("expert", plan=still)), P)
    assert found.leave == returns


def cornered(away: float, radius: float = 8.0) -> Scene:
    """A route that goes straight for ``away`` m from the ego and then turns left by a right angle."""
    straight = np.column_stack((np.arange(-10.0, away), np.zeros(round(away) + 10)))
    angle = np.linspace(0.0, np.pi / 2, 13)[1:]
    bend = np.column_stack((away + radius * np.sin(angle), radius * (1.0 - np.cos(angle))))
    after = np.column_stack((np.full(40, away + radius), radius + np.arange(1.0, 41.0)))
    now = scene(0, speed=14.0)
    return replace(now, route=replace(now.route, path=np.vstack((straight, bend, after))))


def curvature(points: FloatArray, at: float, chord: float) -> float:
    """Turn of a polyline over ``chord`` m about ``at`` m of its arc, a metre; headings hold amid each piece."""
    arc, middle, yaw = [0.0], [], []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        middle.append(arc[-1] + 0.5 * length)
        yaw.append(math.atan2(y1 - y0, x1 - x0))
        arc.append(arc[-1] + length)
    turn = np.interp(at + chord / 2, middle, np.unwrap(yaw)) - np.interp(at - chord / 2, middle, np.unwrap(yaw))
    return abs(float(turn)) / chord


@pytest.mark.parametrize("chord", [6.0, 4.0])
def test_the_bends_of_the_route(chord: float) -> None:
    now = cornered(30.0)
    p = MonitorParameters(bend_chord_m=chord)
    away, bend = course.bends(now, p)
    path = now.route.path
    arc = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
    np.testing.assert_allclose(away, (arc - 10.0)[arc > 10.0])
    np.testing.assert_allclose(bend, [curvature(path, s, chord) for s in arc[arc > 10.0]], atol=1e-12)
    mirrored = replace(now, route=replace(now.route, path=path * (1.0, -1.0)))
    np.testing.assert_allclose(course.bends(mirrored, p)[1], bend, atol=1e-12)
    aside = replace(now, ego=replace(now.ego, x=3.5, y=1.0))
    assert course.bends(aside, p)[0][0] == pytest.approx(0.5)
    three = replace(now, route=replace(now.route, path=path[10:13]))
    assert len(course.bends(three, p)[0]) == 2
    two = replace(now, route=replace(now.route, path=path[10:12]))
    assert [len(values) for values in course.bends(two, p)] == [0, 0]


def test_the_speed_that_is_planned_along_the_way() -> None:
    """The plan speeds up by 2 m/s^2 from 10 m/s; a scene 0.2 s later is 2 m on."""
    t = 0.5 * np.arange(1.0, 9.0)
    plan = Plan(10.0 * t + t * t, np.zeros(8), np.zeros(8), 10.0 + 2.0 * t)
    one = driver(plan=plan)
    away = np.array([float(plan.x[1]), float(plan.x[5]), 60.0])
    np.testing.assert_allclose(course.planned_speed(scene(0), one, away), [12.0, 16.0, 0.0], atol=1e-6)
    later = course.planned_speed(scene(200_000_000), one, away - (10.0 * 0.2 + 0.04))
    np.testing.assert_allclose(later[:2], [12.0, 16.0], atol=1e-3)
    assert course.planned_speed(scene(0), one, np.array([0.5])) == pytest.approx(
        [11.0]
    )  # before the first step: its speed


def bend_found(speed: float, away: float, plan: float, mine: float = 0.0, expert: float | None = -4.0) -> Finding:
    now = cornered(away)
    now = replace(now, ego=replace(now.ego, speed=speed))
    peer = None if expert is None else driver("expert", acceleration=expert)
    return course.bend_speed(view(now, driver(speed=plan, acceleration=mine), peer), P)


def test_what_is_found_of_a_bend() -> None:
    """Written out for 14 m/s, 30 m before a bend of 8 m."""
    now = cornered(30.0)
    found = bend_found(14.0, 30.0, 14.0)
    away, bend = course.bends(now, P)
    i = next(
        i for i in range(len(away))
        if 14.0**2 * bend[i] > 6.0 and (14.0**2 - 6.0 / max(bend[i], 1e-6)) / (2.0 * away[i]) > 2.0
    )  # fmt: skip
    assert found.trigger is Trigger.BEND_SPEED and (found.enter, found.leave) == (True, False)
    assert found.time_to_event == pytest.approx(away[i] / 14.0) and found.object_id == 0
    assert found.severity == pytest.approx(max(1.0 - 0.5 * away[i] / 14.0 / 2.0, 0.5))
    assert found.text == f"bend in {away[i]:.0f} m planned at 14.0 m/s, {196.0 * bend[i]:.1f} m/s2 sideways"
    near = bend_found(14.0, 8.0, 14.0)
    assert near.enter and 0.5 < near.severity < 1.0 and near.time_to_event is not None
    assert near.severity == pytest.approx(1.0 - 0.25 * near.time_to_event)


@pytest.mark.parametrize(
    ("speed", "away", "plan", "enter", "leave"),
    [(14.0, 20.0, 6.8, False, False), (14.0, 20.0, 7.1, True, False), (14.0, 20.0, 5.9, False, True),
     (14.0, 20.0, 6.1, False, False), (14.0, 44.0, 14.0, False, False), (14.0, 31.0, 14.0, True, False),
     (14.0, 200.0, 14.0, False, True)],
)  # fmt: skip
def test_how_fast_a_bend_may_be_planned(speed: float, away: float, plan: float, enter: bool, leave: bool) -> None:
    found = bend_found(speed, away, plan)
    assert (found.enter, found.leave) == (enter, leave)


def test_a_policy_that_brakes_for_the_bend_is_left_alone() -> None:
    due = 0.7 * (14.0**2 - 6.0 / course.bends(cornered(30.0), P)[1].max()) / 2.0  # about, times the distance
    for expert in (None, -9.0):
        assert bend_found(14.0, 30.0, 14.0, 0.0, expert).enter and bend_found(14.0, 30.0, 14.0, -1.2, expert).enter
        assert not bend_found(14.0, 30.0, 14.0, -due / 29.0, expert).enter
    assert bend_found(14.0, 30.0, 14.0, -1.0, -2.1).enter and not bend_found(14.0, 30.0, 14.0, -1.0, -1.9).enter
    assert not bend_found(14.0, 30.0, 14.0, 0.0, -1.0).enter
    assert bend_found(14.0, 30.0, 5.0) == Finding(Trigger.BEND_SPEED, False, True, 0.0)


def road(y: float, offset: float, *lines: Polyline, **parameters: Any) -> Finding:
    now = scene(0)
    now = replace(now, ego=replace(now.ego, x=4.0, y=y), route=replace(now.route, lateral_offset=offset))
    return course.road_left(view(now, lanes=Lanes.of(lines, None)), MonitorParameters(**parameters))


def lane(y: float, width: float | None = 3.5) -> Polyline:
    return Polyline(
        1, LineKind.LANE_CENTER, np.column_stack((np.arange(-20.0, 21.0), np.full(41, y))), False, 14.0, width
    )


@pytest.mark.parametrize(
    ("y", "offset", "enter", "leave"),
    [(4.8, 6.1, True, False), (-4.8, -6.1, True, False), (4.75, 6.1, False, False), (4.8, 6.0, False, False),
     (2.8, 6.1, False, False), (2.75, 6.1, False, False), (2.7, 6.1, False, True)],
)  # fmt: skip
def test_off_the_road(y: float, offset: float, enter: bool, leave: bool) -> None:
    found = road(y, offset, lane(0.0))
    text = f"{abs(y) - 1.75:.1f} m off the road"
    assert found == Finding(Trigger.OFF_ROAD, enter, leave, 1.0, None, 0, text)


def test_the_nearest_edge_counts() -> None:
    assert road(4.8, 6.1, lane(0.0)).enter and not road(4.8, 6.1, lane(0.0), lane(-6.0), lane(9.0)).enter
    assert road(4.8, 6.1, lane(0.0, None)).enter and not road(4.8, 6.1, lane(0.0, 3.7)).enter
    assert not road(4.8, 6.1, lane(0.0, None), off_road_lane_m=3.7).enter
    assert road(0.0, 6.1).enter and road(0.0, 6.1).text == "4.3 m off the road"  # no lane: from the route alone
    assert not road(0.0, 6.1, off_road_m=4.4).enter and not road(0.0, 6.1, off_road_lane_m=6.0, off_road_m=3.2).enter


def finding(enter: bool, leave: bool, text: str = "", severity: float = 0.3, which: Trigger = Trigger.STUCK) -> Finding:
    return Finding(which, enter, leave, severity, text=text)


def test_an_alarm_comes_after_its_time_and_goes_after_its_time() -> None:
    kind = Record(Trigger.STUCK, conduct.stuck, "", "", "", "off_route_sustain_s", "unhealthy_clear_s")
    assert (kind.sustain_s(P), kind.clear_s(P)) == (0.2, 0.5)
    at_once = replace(kind, sustain=None)
    assert at_once.sustain_s(P) == 0.0 and updated(Alarm(), finding(True, False), at_once, 5, P).active
    enters, leaves, holds = finding(True, False, "in"), finding(False, True, "out"), finding(False, False, "between")
    alarm, seen, texts = Alarm(), [], []
    for i, found in enumerate([enters] * 3 + [holds] * 2 + [leaves] * 5 + [None, None]):
        alarm = updated(alarm, found, kind, i * SECOND // 10, P)
        seen.append(alarm.active)
        texts.append(alarm.finding.text if alarm.finding is not None else "none")
    assert seen == [False, False] + [True] * 8 + [False, False]
    assert texts[:10] == ["in"] * 3 + ["between"] * 2 + ["between"] * 5  # what is told is the last that was no exit


def test_what_is_interrupted_begins_again() -> None:
    kind = Record(Trigger.STUCK, conduct.stuck, "", "", "", "off_route_sustain_s", "unhealthy_clear_s")
    enters, leaves, holds, both = finding(True, False), finding(False, True), finding(False, False), finding(True, True)

    def active(found: list[Finding | None]) -> list[bool]:
        alarm, seen = Alarm(), []
        for i, one in enumerate(found):
            alarm = updated(alarm, one, kind, i * SECOND // 10, P)
            seen.append(alarm.active)
        return seen

    assert active([enters, enters, holds, enters, enters, enters]) == [False] * 5 + [True]
    assert active([enters, None, enters, enters, None]) == [False] * 5
    on: list[Finding | None] = [enters] * 3
    assert active([*on, leaves, leaves, holds, *[leaves] * 5, leaves])[3:] == [True] * 8 + [False]
    assert active([*on, leaves, leaves, enters, *[leaves] * 6])[3:] == [True] * 8 + [False]
    assert active([*on, *[both] * 9])[3:] == [True] * 9  # as long as it enters it does not leave


def test_the_most_severe_is_asked_for() -> None:
    now = scene(77)

    def asked(*findings: Finding, active: bool = True) -> TakeoverRequest:
        return most_severe(now, {f.trigger: Alarm(None, active, None, f) for f in findings})

    stuck, route = finding(True, False, "a", 0.3), finding(True, False, "b", 0.5, Trigger.OFF_ROUTE)
    assert asked() == asked(stuck, active=False) == TakeoverRequest(77, Trigger.NONE)
    assert asked(stuck, route) == asked(route, stuck) == TakeoverRequest(77, Trigger.OFF_ROUTE, 0.5, None, 0, "b")
    equal = replace(route, severity=0.3)
    assert asked(stuck, equal).trigger is asked(equal, stuck).trigger is Trigger.STUCK  # the lower number
    sick = finding(True, False, "c", 1.0, Trigger.POLICY_UNHEALTHY)
    gone = finding(True, False, "d", 0.1, Trigger.OFF_ROAD)
    assert asked(sick, gone).trigger is asked(gone, sick).trigger is Trigger.OFF_ROAD  # nobody is fit: before all
    full = Finding(Trigger.TIME_TO_COLLISION, True, False, 1.7, 0.8, 5, "e")
    assert asked(full) == TakeoverRequest(77, Trigger.TIME_TO_COLLISION, 1.0, 0.8, 5, "e")
    assert asked(replace(full, severity=-0.5)).severity == 0.0
    assert most_severe(now, {Trigger.STUCK: Alarm(None, True, None, None)}).trigger is Trigger.NONE


class Watch:
    """The monitor over time, given what a test says."""

    def __init__(self) -> None:
        self.memory, self.asked = MonitorState(), TakeoverRequest(0, Trigger.NONE)

    def see(self, now: Scene, policy: DriverOutput | None, expert: DriverOutput | None = None) -> TakeoverRequest:
        self.asked, self.memory = evaluate(now, policy, expert, self.memory, P)
        return self.asked


def test_what_the_monitor_keeps() -> None:
    watch = Watch()
    first = replace(scene(1000, x=5.0, speed=0.4), ego=replace(scene(0).ego, x=5.0, y=6.0, yaw=0.7, speed=0.4))
    answer = output(1000, speed=0.4)
    watch.see(first, answer, output(1000, "expert", speed=0.4))
    kept = watch.memory
    assert (kept.began, kept.last, kept.stands_since) == (1000, 1000, 1000)
    assert dict(kept.poses) == {1000: (5.0, 6.0, 0.7, 0.4)}
    assert kept.policy is not None and kept.policy.trace is not None and kept.expert is not None
    assert (kept.policy.trace.x[0], kept.policy.trace.y[0], kept.policy.trace.yaw[0]) == (5.0, 6.0, 0.7)
    watch.see(scene(1000 + TICK, speed=0.49), answer)
    assert watch.memory.stands_since == 1000 and watch.memory.policy is kept.policy and watch.memory.expert is None
    watch.see(scene(1000 + 2 * TICK, speed=0.5), answer)
    assert watch.memory.stands_since is None and watch.memory.began == 1000
    for i in range(3, 23):
        watch.see(scene(1000 + i * TICK), output(1000 + i * TICK))
    assert list(watch.memory.poses) == [1000 + i * TICK for i in range(3, 23)]  # a second of them
    watch.see(scene(1000 + 22 * TICK), output(1000 + 22 * TICK))
    assert watch.memory.began == 1000  # the same stamp again is no start
    watch.see(scene(999), None)
    assert (watch.memory.began, watch.memory.last, len(watch.memory.poses)) == (999, 999, 1)


def test_an_answer_to_a_scene_that_is_not_known_is_not_placed() -> None:
    watch = Watch()
    watch.see(scene(0), None)
    watch.see(scene(TICK), output(TICK // 2))
    driver_ = watch.memory.policy
    assert driver_ is not None and driver_.trace is None and driver_.fault == "" and not driver_.usable()
    watch.see(scene(2 * TICK), DriverOutput.failed(2 * TICK, "policy", DriverStatus.ERROR, ""))
    assert watch.memory.policy is not None and watch.memory.policy.fault == "status_error"
    assert watch.asked.trigger is Trigger.POLICY_UNHEALTHY and watch.asked.text == "status_error"


def test_a_jump_is_noticed_when_the_plan_comes() -> None:
    watch = Watch()
    watch.see(scene(0), output(0))
    aside = replace(output(TICK), plan=replace(output(0).plan, y=np.full(8, 3.0)))
    assert watch.see(scene(TICK, x=0.5), aside).text == "plan_jump"
    assert watch.memory.policy is not None and watch.memory.policy.trace is not None


@pytest.mark.parametrize(("late", "judged"), [(SECOND // 4, True), (SECOND // 4 + 1, False)])
def test_a_late_plan_is_not_judged_any_more(late: int, judged: bool) -> None:
    """A wall ahead: it is met as long as the plan is young enough to be believed."""
    watch = Watch()
    near = objects({"x": 14.0, "y": 0.0})
    watch.see(scene(0, near=near), output(0))
    watch.see(scene(late, near=near), output(0))
    assert (Trigger.COLLISION_PREDICTED in watch.memory.alarms) and (
        watch.memory.alarms[Trigger.COLLISION_PREDICTED].finding is not None
    ) == judged


@pytest.mark.parametrize(("late", "compared"), [(SECOND // 4, True), (SECOND // 4 + 1, False)])
def test_a_late_expert_is_no_witness(late: int, compared: bool) -> None:
    watch = Watch()
    watch.see(scene(0), output(0), output(0, "expert"))
    watch.see(scene(late), output(late), output(0, "expert"))
    assert (watch.memory.alarms[Trigger.STUCK].finding is not None) == compared


def test_standing_is_counted_from_the_first_slow_scene() -> None:
    watch = Watch()
    go, stay = {"speed": 6.0, "acceleration": 1.5}, {"speed": 0.0, "acceleration": -1.0}
    asked = []
    for i in range(84):
        stamp = 7 + i * TICK
        asked.append(watch.see(scene(stamp, speed=0.0), output(stamp, **stay), output(stamp, "expert", **go)).trigger)
    assert asked.index(Trigger.STUCK) == 80  # 4 s
    assert watch.asked.text == "stands for 4.2 s while the expert would go"


def test_records_hold_what_they_say() -> None:
    for which, one in RECORDS.items():
        assert one.trigger is which and one.sustain_s(P) >= 0.0 and one.clear_s(P) > 0.0
    assert RECORDS[Trigger.COLLISION_PREDICTED].clear_s(P) == 0.5 and RECORDS[Trigger.STUCK].clear_s(P) == 0.3
