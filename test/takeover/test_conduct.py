"""The triggers about how the policy drives, at the edge of every threshold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.scenery import scene
from support.views import driver, view
from takead_ros.domain.driving import Trigger
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.takeover import conduct
from takead_ros.takeover.parameters import MonitorParameters
from takead_ros.takeover.view import Finding, brakes_less

P = MonitorParameters()


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
