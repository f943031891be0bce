"""Oncoming vehicles over the centre line, passes that have to be given up, and obstacles that stand very near."""

from __future__ import annotations

import numpy as np
import pytest

from support.expert_road import Actor, drive, make_scene, standing, steady, straight
from takead_ros.domain.scene import EgoState, ObjectKind
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan

pytestmark = pytest.mark.slow  # the expert drives

EGO_WIDTH = EgoState(0.0, 0.0, 0.0, 0.0).width


def invader(near: float, speed: float = 10.0) -> Actor:
    """Comes the other way, its near side ``near`` m left of the ego's lane centre from 2 s on."""
    over = 3.5 - (near + 0.95)

    def pose(t: float) -> tuple[float, float, float, float]:
        return 110.0 - speed * t, 3.5 - over * float(np.clip((t - 0.5) / 1.5, 0.0, 1.0)), np.pi, speed

    return Actor(4, pose)


@pytest.mark.parametrize("near", [0.5, 0.65, 0.8])
def test_the_ego_keeps_right_for_an_oncoming_car_over_the_line(near: float) -> None:
    car = invader(near)
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 9.0), 14.0, [car])
    x, y = run.values("x"), run.values("y")
    beside = np.array([abs(car.pose(0.05 * (i + 1))[0] - x[i]) < 4.6 for i in range(len(x))])
    assert not run.touched
    assert (near - y[beside] - 0.5 * EGO_WIDTH).min() > 0.2
    assert y.min() - 0.5 * EGO_WIDTH > -1.75
    assert run.values("speed").min() > 2.0
    assert abs(y[-1]) < 0.3
    assert ("oncoming", 4) in run.causes()


def test_an_oncoming_car_in_its_own_lane_changes_nothing() -> None:
    alone = drive(straight(), EgoState(0.0, 0.0, 0.0, 9.0), 8.0)
    met = drive(straight(), EgoState(0.0, 0.0, 0.0, 9.0), 8.0, [steady(4, 100.0, 3.5, np.pi, 10.0)])
    assert np.abs(met.values("y")).max() < 0.02
    assert met.values("speed").min() == pytest.approx(alone.values("speed").min(), abs=0.05)


def test_who_is_over_the_line_goes_back_before_an_oncoming_car_comes() -> None:
    car = steady(4, 75.0, 3.5, np.pi, 9.0)
    run = drive(straight(), EgoState(0.0, 2.4, 0.0, 8.0), 20.0, [standing(3, 32.0), car])
    x, y = run.values("x"), run.values("y")
    beside = np.array([abs(car.pose(0.05 * (i + 1))[0] - x[i]) < 5.0 for i in range(len(x))])
    assert not run.touched
    assert beside.any()
    assert y[beside].max() < 1.3
    assert x[-1] > 50.0


def test_who_waits_for_an_oncoming_car_stays_on_the_own_side() -> None:
    cars = [steady(4 + i, 60.0 + 25.0 * i, 3.5, np.pi, 8.0) for i in range(4)]
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 8.0), 30.0, [standing(3, 32.0), *cars])
    last = cars[-1]
    waiting = np.array([last.pose(0.05 * (i + 1))[0] > run.ego[i].x + 5.0 for i in range(len(run.ego))])
    assert not run.touched
    assert run.values("y")[waiting].max() < 1.3
    assert run.ego[-1].x > 50.0


@pytest.mark.parametrize("gap", [2.0, 2.5, 4.0])
@pytest.mark.parametrize("steering", [0.0, -0.3])
def test_an_obstacle_very_near_is_passed_with_turned_wheels(gap: float, steering: float) -> None:
    wall = standing(3, 2.26 + gap + 1.0, -0.6, kind=ObjectKind.OBSTACLE, length=2.0, width=0.3)
    run = drive(straight(), EgoState(0.0, 0.0, 0.0, 0.0, steering_angle=steering), 20.0, [wall])
    assert not run.touched
    assert run.ego[-1].x > 20.0
    assert abs(run.ego[-1].y) < 0.3


def test_a_car_beside_the_ego_is_no_place_to_stop() -> None:
    scene = make_scene(straight(), EgoState(0.0, 1.45, 0.0, 0.0), [standing(3, 2.0, -0.6, length=2.0, width=0.3)])
    output, _ = plan(scene, Memory(), ExpertParameters())
    assert output.plan.speed.max() > 1.0
