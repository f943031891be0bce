"""The triggers about other road users, at the edge of every threshold, against hand-made views and plain arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.scenery import objects, output, scene
from takead_ros.domain.driving import DriverOutput, Trigger
from takead_ros.domain.scene import ControlKind, FloatArray, LightState, LineKind, Objects, Polyline, TrafficControl
from takead_ros.takeover import collisions, prediction
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.plans import Driver
from takead_ros.takeover.prediction import Trace
from takead_ros.takeover.view import Finding, View, ahead_s, in_reach, rolled

P = MonitorParameters()


def driver(name: str = "policy", speed: float = 10.0, acceleration: float = 0.0, stamp: int = 0) -> Driver:
    made: DriverOutput = output(stamp, name, acceleration=acceleration, speed=speed)
    return Driver(made, Trace.of(made.plan, (0.0, 0.0, 0.0), speed))


def straight(speed: float = 10.0) -> FloatArray:
    ahead = ahead_s(P)
    return np.stack([speed * ahead, np.zeros(len(ahead)), np.zeros(len(ahead))], axis=1)


def view(
    near: Objects,
    speed: float = 10.0,
    acceleration: float = 0.0,
    expert: float | None = None,
    path: FloatArray | None = None,
    **changes: Any,
) -> View:
    """The policy goes on with ``acceleration`` along ``path``; the expert, where there is one, with its own."""
    now = replace(scene(0, speed=speed, near=near), **changes)
    peer = driver("expert", speed, expert) if expert is not None else None
    own = driver(speed=speed, acceleration=acceleration)
    return View(now, own, peer, None, 0.0, 0.0, near, straight(speed) if path is None else path)


def following(*rows: dict[str, float], **keywords: Any) -> Finding:
    return collisions.following(view(objects(*rows), **keywords), P)


LEAD = {"x": 16.0, "y": 0.0, "vx": 2.0}
GAP, CLOSING = 16.0 - 0.5 * (4.5 + 4.6), 8.0
TTC, MUST = GAP / CLOSING, CLOSING**2 / (2.0 * GAP)


def test_what_is_found_of_a_lead() -> None:
    found = following(LEAD)
    assert (found.trigger, found.enter, found.leave, found.object_id) == (Trigger.TIME_TO_COLLISION, True, False, 1)
    assert found.time_to_event == pytest.approx(TTC)
    assert found.severity == pytest.approx(1.0 - 0.5 * TTC / 1.5)
    assert found.text == f"TTC {TTC:.1f} s, headway {GAP / 10.0:.1f} s"


def test_nobody_near() -> None:
    found = collisions.following(view(Objects.empty()), P)
    assert found == Finding(Trigger.TIME_TO_COLLISION, False, True, 0.0)
    found = collisions.collision(view(Objects.empty()), P)
    assert found == Finding(Trigger.COLLISION_PREDICTED, False, True, 0.0)


@pytest.mark.parametrize(
    ("acceleration", "expert", "enters"),
    [(-0.7 * MUST + 0.01, None, True), (-0.7 * MUST - 0.01, None, False), (0.0, -1.01, True), (0.0, -0.99, False),
     (0.5, -0.51, True), (0.5, -0.49, False), (-1.0, -2.01, True), (-1.0, -1.99, False)],
)  # fmt: skip
def test_the_policy_brakes_less_than_it_must_and_than_the_expert(
    acceleration: float, expert: float | None, enters: bool
) -> None:
    found = following(LEAD, acceleration=acceleration, expert=expert)
    assert (found.enter, found.leave) == (enters, False)


@pytest.mark.parametrize(
    ("gap", "enters", "leaves"),
    [(8.0 * 1.49, True, False), (8.0 * 1.51, False, False), (8.0 * 2.49, False, False), (8.0 * 2.51, False, True)],
)
def test_the_times_to_collision(gap: float, enters: bool, leaves: bool) -> None:
    found = following({"x": gap + 4.55, "y": 0.0, "vx": 2.0})
    assert (found.enter, found.leave) == (enters, leaves)
    assert found.severity == pytest.approx(max(1.0 - 0.5 * gap / 8.0 / 1.5, 0.3))


@pytest.mark.parametrize(
    ("gap", "acceleration", "enters", "leaves"),
    [(2.99, 0.01, True, False), (3.01, 0.01, False, False), (2.99, 0.0, False, False), (2.99, -0.01, False, False),
     (5.99, 0.01, False, False), (6.01, 0.01, False, True)],
)  # fmt: skip
def test_the_headways(gap: float, acceleration: float, enters: bool, leaves: bool) -> None:
    found = following({"x": gap + 4.55, "y": 0.0, "vx": 10.0}, acceleration=acceleration)
    assert (found.enter, found.leave) == (enters, leaves)
    assert found.time_to_event is None and found.severity == 0.3  # nothing closes in


@pytest.mark.parametrize(("speed", "counts"), [(2.0, False), (2.01, True)])
def test_slow_headway_means_little(speed: float, counts: bool) -> None:
    found = following({"x": 4.6, "y": 0.0, "vx": speed}, speed=speed, acceleration=0.1)
    assert found.enter == counts


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(
    ("row", "inside"),
    [({"y": 2.19}, True), ({"y": 2.21}, False), ({"x": 14.0, "y": 3.49, "yaw": math.pi / 2}, True),
     ({"x": 14.0, "y": 3.51, "yaw": math.pi / 2}, False), ({"vy": 0.99}, True), ({"vy": 1.01}, False),
     ({"y": 2.19, "yaw": math.pi}, True), ({"y": 2.21, "yaw": math.pi}, False)],
)  # fmt: skip
def test_the_corridor(row: dict[str, float], inside: bool, side: float) -> None:
    turned = {name: value if name == "x" else side * value for name, value in row.items()}
    found = following({**LEAD, **turned})
    assert (found.time_to_event is not None) == inside and found.enter == inside
    assert found.leave != inside


def test_a_box_is_as_long_as_it_stands() -> None:
    along, across = following(LEAD), following({**LEAD, "yaw": math.pi / 2})
    assert along.time_to_event == pytest.approx(TTC)
    assert across.time_to_event == pytest.approx((16.0 - 0.5 * (1.9 + 4.6)) / 8.0)


def test_the_soonest_of_several_counts_and_the_nearest_for_the_headway() -> None:
    slow, near = {"x": 19.0, "y": 0.0, "vx": 0.0}, {"x": 12.0, "y": 0.0, "vx": 9.0}
    found = following(near, slow)
    assert found.object_id == 2 and found.time_to_event == pytest.approx((19.0 - 4.55) / 10.0)
    assert found.text.endswith(f"headway {(12.0 - 4.55) / 10.0:.1f} s")


def test_what_is_behind_or_drives_off_is_no_risk() -> None:
    behind = following({"x": -6.0, "y": 0.0, "vx": 0.0})
    assert not behind.enter and behind.leave
    off = following({"x": 16.0, "y": 0.0, "vx": 10.1})
    assert not off.enter and off.time_to_event is None and off.leave
    assert following({"x": 3.0, "y": 0.0, "vx": 0.0}).time_to_event == pytest.approx(0.05 / 10.0)  # it touches


BEND = np.linspace(0.0, math.pi / 2, 11)[1:]  # a quarter of a circle to the left, 20 m in radius
BENT = np.stack([20.0 * np.sin(BEND), 20.0 * (1.0 - np.cos(BEND)), BEND], axis=1)
CHORD = 2.0 * 20.0 * math.sin(math.pi / 40)


def on_bend(along: float = 0.0, aside: float = 0.0, across: float = 0.0, yaw: float = 0.0) -> dict[str, float]:
    """An object at the sixth point of the bend: ``aside`` m of it to the left, ``along`` and ``across`` m/s fast."""
    x, y, at = BENT[5]
    cos, sin = math.cos(at), math.sin(at)
    return {"x": x - aside * sin, "y": y + aside * cos, "yaw": at + yaw,
            "vx": along * cos - across * sin, "vy": along * sin + across * cos}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "seconds"),
    [(on_bend(), (6 * CHORD - 4.55) / 10.0), (on_bend(4.0), (6 * CHORD - 4.55) / 6.0), (on_bend(10.2), None),
     (on_bend(aside=2.1), (6 * CHORD - 4.55) / 10.0), (on_bend(aside=-2.1), (6 * CHORD - 4.55) / 10.0),
     (on_bend(aside=2.3), None), (on_bend(aside=-2.3), None), (on_bend(across=0.9), (6 * CHORD - 4.55) / 10.0),
     (on_bend(across=-1.1), None), (on_bend(across=1.1), None),
     (on_bend(yaw=math.pi / 2), (6 * CHORD - 0.5 * (1.9 + 4.6)) / 10.0)],
)  # fmt: skip
def test_on_a_bend_the_way_is_measured_along_it(row: dict[str, float], seconds: float | None) -> None:
    aside = {"x": 10.0 * math.sin(BEND[5]), "y": 20.0 - 10.0 * math.cos(BEND[5]), "yaw": BEND[5]}  # within the bend
    found = following(aside, row, path=BENT)
    assert found.time_to_event == (None if seconds is None else pytest.approx(seconds, rel=1e-9))


def test_on_a_way_that_comes_back_the_nearer_leg_counts() -> None:
    """Out for 20 m, back 6 m beside: what stands on the way back is met there, not on the way out."""
    out = [(float(x), 0.0, 0.0) for x in range(2, 21, 2)]
    back = [(float(x), 6.0, math.pi) for x in range(20, 1, -2)]
    found = following({"x": 10.0, "y": 6.0}, path=np.array(out + back))
    assert found.time_to_event == pytest.approx((20.0 + 6.0 + 10.0 - 4.55) / 10.0)


@pytest.mark.parametrize(
    ("row", "acceleration", "seconds"),
    [({"x": -0.4}, 0.0, None), ({"x": 0.0}, 0.0, None), ({"x": 0.8}, 0.0, 0.05 / 10.0),
     ({"x": 16.0, "vx": 9.5}, 0.0, GAP / 0.5), ({**LEAD, "vy": 1.0}, 0.0, None)],
)  # fmt: skip
def test_what_is_ahead_and_closing(row: dict[str, float], acceleration: float, seconds: float | None) -> None:
    found = following({"y": 0.0, **row}, acceleration=acceleration)
    assert found.time_to_event == (None if seconds is None else pytest.approx(seconds))


def test_exactly_at_a_threshold_nothing_changes() -> None:
    short = {"y": 0.0, "length": 4.4}  # with the ego's 4.6 m: 4.5 m from centre to gap
    for gap, enters in ((12.0, False), (11.9, True)):
        assert following({"x": gap + 4.5, "vx": 2.0, **short}).enter == enters  # 1.5 s
    for gap, leaves in ((20.0, False), (20.1, True)):
        assert following({"x": gap + 4.5, "vx": 2.0, **short}).leave == leaves  # 2.5 s
    for gap, enters in ((3.0, False), (2.9, True)):
        assert following({"x": gap + 4.5, "vx": 10.0, **short}, acceleration=0.1).enter == enters  # 0.3 s
    for gap, leaves in ((6.0, False), (6.1, True)):
        assert following({"x": gap + 4.5, "vx": 10.0, **short}).leave == leaves  # 0.6 s
    assert not following(LEAD, expert=-1.0).enter
    contact({"x": 20.0, "y": 0.0}, None, expert=-1.0)


def contact(row: dict[str, float], seconds: float | None, **keywords: Any) -> Finding:
    found = collisions.collision(view(objects(row), **keywords), P)
    assert found.trigger is Trigger.COLLISION_PREDICTED and found.enter == (seconds is not None)
    assert found.leave is (not found.enter) and found.time_to_event == (pytest.approx(seconds) if seconds else None)
    return found


def test_what_is_found_of_a_contact() -> None:
    found = contact({"x": 20.0, "y": 0.0}, 1.6)  # 15.45 m and 0.2 m of margin at 10 m/s, in steps of 0.2 s
    assert found.object_id == 1 and found.text == "contact with object 1 in 1.6 s"
    assert found.severity == pytest.approx(1.0 - 0.5 * 1.6 / 2.0)


def test_the_margin_is_on_every_side() -> None:
    contact({"x": 20.0, "y": 2.09}, 1.6)
    contact({"x": 20.0, "y": -2.09}, 1.6)
    contact({"x": 20.0, "y": 2.11}, None)
    contact({"x": 18.76, "y": 0.0}, 1.6)
    contact({"x": 18.74, "y": 0.0}, 1.4)


@pytest.mark.parametrize(
    ("acceleration", "expert", "enters"),
    [(0.0, -1.01, True), (0.0, -0.99, False), (-1.0, -2.01, True), (-1.0, -1.99, False)],
)
def test_the_expert_brakes_harder(acceleration: float, expert: float, enters: bool) -> None:
    contact({"x": 20.0, "y": 0.0}, 1.6 if enters else None, acceleration=acceleration, expert=expert)


@pytest.mark.parametrize(("speed", "enters"), [(8.0, True), (9.0, False), (10.0, False)])
def test_or_meets_it_later(speed: float, enters: bool) -> None:
    """At 8 m/s the contact is at 2.0 s instead of 1.6 s, at 9 m/s at 1.8 s: 0.3 s later is better."""
    now = view(objects({"x": 20.0, "y": 0.0}))
    peer = driver("expert", speed)
    if speed < 10.0:
        times = ahead_s(P)
        way = np.interp(np.concatenate(([0.0], times)), peer.trace.t, peer.trace.arc) if peer.trace else times
        assert way[-1] == pytest.approx(2.0 * speed, abs=0.01)
    found = collisions.collision(now._replace(expert=peer), P)
    assert found.enter == enters


def test_the_first_of_several_contacts_counts() -> None:
    found = collisions.collision(view(objects({"x": 22.0, "y": 0.0}, {"x": 16.0, "y": 0.0}, {"x": 60.0, "y": 9.0})), P)
    assert found.object_id == 2 and found.time_to_event == pytest.approx(1.2)


def stop_sign(x: float, **changes: Any) -> TrafficControl:
    return replace(TrafficControl(7, ControlKind.STOP_SIGN, LightState.UNKNOWN, x, 0.0, 0.0, x - 2.3), **changes)


def line(
    *controls: TrafficControl, expert: FloatArray | None = None, path: FloatArray | None = None
) -> tuple[float, int] | None:
    """Which line is found to be run, s until then and its number."""
    now = replace(scene(0), controls=controls)
    stands = np.zeros((10, 3)) if expert is None else expert
    peer = driver("expert", 0.0, -8.0)
    own = view(Objects.empty())._replace(scene=now, expert=peer, path=straight() if path is None else path)
    found = collisions.collision(own, P) if expert is None else _with(own, stands)
    return (float(found.time_to_event or 0.0), int(found.text.split()[2])) if found.enter else None


def _with(own: View, stands: FloatArray) -> Finding:
    peer = own.expert
    assert peer is not None
    speed = float(np.hypot(stands[-1, 0], stands[-1, 1])) / 2.0
    return collisions.collision(own._replace(expert=driver("expert", speed)), P)


def test_a_line_is_run_once_the_front_is_beyond_it() -> None:
    assert line(stop_sign(19.9)) == (pytest.approx(1.8), 7)  # 17.6 m and 0.3 m at 10 m/s
    assert line(stop_sign(20.1)) == (pytest.approx(2.0), 7)
    assert line(stop_sign(22.1)) is None
    found = collisions.collision(
        view(Objects.empty(), expert=-8.0, controls=(stop_sign(19.9),))._replace(expert=driver("expert", 0.0, -8.0)), P
    )
    assert found.severity == pytest.approx(0.9 - 0.4 * 1.8 / 2.0) and found.object_id == 0 and found.leave is False
    assert found.text == "stop line 7 would be run in 1.8 s"


def test_a_line_that_the_expert_runs_as_well_is_none() -> None:
    assert line(stop_sign(12.0), expert=straight(10.0)) is None
    assert line(stop_sign(19.9), expert=straight(5.0)) == (pytest.approx(1.8), 7)


def test_lines_are_seen_across_their_own_direction() -> None:
    """A line to the right of a left turn counts along its own direction."""
    up = np.stack([np.zeros(10), 2.0 * np.arange(1.0, 11.0), np.full(10, math.pi / 2)], axis=1)
    turned = stop_sign(0.0, y=11.9, yaw=math.pi / 2, distance=9.6)
    assert line(turned, path=up) == (pytest.approx(1.0), 7)
    assert line(replace(turned, y=24.0), path=up) is None


def test_the_first_closed_line_counts() -> None:
    green = stop_sign(5.0, id=1, kind=ControlKind.TRAFFIC_LIGHT, state=LightState.GREEN)
    hidden, passed = stop_sign(6.0, id=2, visible=False), stop_sign(7.0, id=3, distance=-0.1)
    red = stop_sign(9.0, id=4, kind=ControlKind.TRAFFIC_LIGHT, state=LightState.RED, distance=0.0)
    assert line(green, hidden, passed, red, stop_sign(15.0)) == (pytest.approx(0.8), 4)
    assert line(green, hidden, passed) is None


def test_without_an_expert_no_line_is_judged() -> None:
    assert not collisions.collision(view(Objects.empty(), controls=(stop_sign(10.0),)), P).enter


@pytest.mark.parametrize(
    ("row", "near"),
    [({"x": 31.9, "y": 0.0}, True), ({"x": 32.0, "y": 0.0}, False), ({"x": 32.1, "y": 0.0}, False),
     ({"x": 31.9, "y": 5.0}, False), ({"x": -2.3, "y": 4.0}, False),
     ({"x": 41.9, "y": 0.0, "vx": -3.0, "vy": 4.0}, True), ({"x": 42.1, "y": 0.0, "vx": -3.0, "vy": 4.0}, False),
     ({"x": -2.2, "y": 4.0}, True), ({"x": -2.4, "y": 4.0}, False), ({"x": 10.0, "y": 0.0, "visibility": 0.0}, False),
     ({"x": 0.0, "y": -31.9}, True), ({"x": 0.0, "y": -32.1}, False)],
)  # fmt: skip
def test_what_is_in_reach(row: dict[str, float], near: bool) -> None:
    """2 s of the ego's 10 m/s and of the other's speed, and 12 m; nothing from behind the bumper, nothing hidden."""
    assert len(in_reach(scene(0, near=objects(row)), P)) == near
    turned = math.pi / 3
    cos, sin = math.cos(turned), math.sin(turned)
    vx, vy = row.get("vx", 0.0), row.get("vy", 0.0)
    moved = {**row, "x": 5.0 + cos * row["x"] - sin * row["y"], "y": -3.0 + sin * row["x"] + cos * row["y"],
             "vx": cos * vx - sin * vy, "vy": sin * vx + cos * vy}  # fmt: skip
    now = scene(0, near=objects(moved), yaw=turned)
    now = replace(now, ego=replace(now.ego, x=5.0, y=-3.0))
    assert len(in_reach(now, P)) == near


def test_a_path_is_rolled_out_from_the_age_of_its_plan() -> None:
    now = scene(100_000_000, x=1.0)
    poses = rolled(now, driver(), P)
    assert poses[:, 0] == pytest.approx(1.0 + 10.0 * ahead_s(P), abs=1e-6)
    trace = driver().trace
    assert trace is not None
    late = prediction.pursue_trace(trace, 0.1, now.ego, ahead_s(P), P)
    np.testing.assert_array_equal(poses, late)


def bending(at: float, radius: float) -> prediction.CentreLines | None:
    """A lane that comes straight towards the ego and turns away to its left at ``at`` m."""
    angle = np.linspace(0.0, 1.5, 60)[1:]
    x = np.concatenate((np.arange(60.0, at, -0.5), at - radius * np.sin(angle)))
    y = np.concatenate((np.zeros(len(x) - len(angle)), radius * (1.0 - np.cos(angle))))
    return prediction.CentreLines.of(
        (Polyline(1, LineKind.LANE_CENTER, np.stack([x, y], axis=1), False, 14.0, 3.5),), None
    )


def test_others_keep_their_velocity_for_the_first_second_only() -> None:
    """An oncoming car whose lane turns away before it comes: straight on it would be met at 1.6 s, or at 0.9 s."""
    far = view(objects({"x": 36.0, "y": 0.0, "vx": -10.0, "yaw": math.pi}))._replace(lanes=bending(32.0, 8.0))
    soon = view(objects({"x": 22.0, "y": 0.0, "vx": -10.0, "yaw": math.pi}))._replace(lanes=bending(20.0, 5.0))
    for now in (far, soon):
        assert collisions.collision(now._replace(lanes=None), P).enter
    assert not collisions.collision(far, P).enter
    assert collisions.collision(far, MonitorParameters(straight_ahead_s=2.0)).enter
    found = collisions.collision(soon, P)
    assert found.enter and found.time_to_event == pytest.approx(1.0)
    assert not collisions.collision(soon, MonitorParameters(straight_ahead_s=0.8)).enter


def test_who_is_all_in_reach_is_handed_on_as_it_is() -> None:
    near = objects({"x": 20.0, "y": 1.0}, {"x": 30.0, "y": 1.0})
    assert in_reach(scene(0, near=near), P) is near
