"""Time to collision and headway: to what goes ahead or stands on the way, straight on and in a bend."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from support.collision_views import P, contact, view
from support.scenery import objects
from takead_ros.domain.driving import Trigger
from takead_ros.domain.scene import Objects
from takead_ros.takeover import collisions
from takead_ros.takeover.view import Finding


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
    return {
        "x": x - aside * sin,
        "y": y + aside * cos,
        "yaw": at + yaw,
        "vx": along * cos - across * sin,
        "vy": along * sin + across * cos,
    }


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
