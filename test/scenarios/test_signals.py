"""Lights and signs on the route."""

from __future__ import annotations

import numpy as np
import pytest

from takead_ros.domain.geometry import Path
from takead_ros.domain.scene import ControlKind, LightState
from takead_ros.scenarios.signals import Signals
from takead_ros.scenarios.spec import Change, Control, When

ROAD = Path(np.stack([np.arange(0.0, 200.0), np.zeros(200)], axis=1))
LIGHT = Control(
    ControlKind.TRAFFIC_LIGHT,
    100.0,
    LightState.GREEN,
    (
        Change(When.EGO_GAP, 30.0, LightState.YELLOW),
        Change(When.SINCE, 3.0, LightState.RED),
        Change(When.SINCE, 5.0, LightState.GREEN),
    ),
)


def test_a_light_follows_its_script() -> None:
    signals = Signals((LIGHT,), ROAD)
    states = {}
    for tick in range(401):  # 10 m/s from 40 m; the front is 2 m ahead of the centre
        time = tick * 0.05
        signals.advance(time, min(40.0 + 10.0 * time, 90.0), 10.0, 2.0)
        states[round(time, 2)] = signals.around(min(40.0 + 10.0 * time, 90.0), 2.0)[0].state
    assert states[2.75] is LightState.GREEN and states[2.8] is LightState.YELLOW, "30 m before the line"
    assert states[5.75] is LightState.YELLOW and states[5.85] is LightState.RED
    assert states[10.75] is LightState.RED and states[10.9] is LightState.GREEN


def test_distance_is_from_the_front_to_the_line_and_negative_beyond_it() -> None:
    signals = Signals((LIGHT, Control(ControlKind.STOP_SIGN, 60.0)), ROAD)
    ahead = signals.around(50.0, 2.0)
    assert [(control.id, control.distance) for control in ahead] == [(2, 8.0), (1, 48.0)]
    assert (ahead[0].x, ahead[0].y, ahead[0].yaw) == pytest.approx((60.0, 0.0, 0.0))
    assert signals.around(64.0, 2.0)[0].distance == pytest.approx(-6.0)
    assert [control.id for control in signals.around(75.0, 2.0)] == [1], "forgotten 10 m behind"
    assert signals.around(20.0, 2.0)[0].id == 2 and len(signals.around(20.0, 2.0)) == 1, "made out from 60 m on"


def test_a_stop_sign_is_served_once_the_ego_has_stood_in_the_last_four_metres() -> None:
    signals = Signals((LIGHT, Control(ControlKind.STOP_SIGN, 60.0)), ROAD)

    def state(ego_s: float, speed: float) -> LightState:
        signals.advance(0.0, ego_s, speed, 2.0)
        return next(control.state for control in signals.around(ego_s, 2.0) if control.id == 2)

    assert state(53.9, 0.0) is LightState.UNKNOWN, "4.1 m before it"
    assert state(56.0, 0.2) is LightState.UNKNOWN, "too fast for a stop"
    assert state(58.1, 0.0) is LightState.UNKNOWN, "beyond the line"
    assert state(56.0, 0.19) is LightState.GREEN
    assert state(58.0, 5.0) is LightState.GREEN, "and it stays served"
    assert signals.around(56.0, 2.0)[1].state is LightState.GREEN, "the light has its own script"
    assert not signals.green(with_ego=False, time=0.0), "a served sign is no light of others"
