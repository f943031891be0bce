"""Whatever a message says, a tick neither fails nor gives a command that is not a number within the limits."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.arbiter_loop import in_mode
from support.scenery import TICK, human, objects, output, request, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriverStatus, Plan, Source, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import ControlKind, LightState, LineKind, Polyline, TrafficControl
from takead_ros.takeover.arbiter import step
from takead_ros.takeover.inputs import Inputs, Now, Received
from takead_ros.takeover.memory import ArbiterMemory
from takead_ros.takeover.parameters import ArbiterParameters, MonitorParameters
from takead_ros.takeover.triggers import MonitorState, evaluate_triggers

pytestmark = pytest.mark.slow

P = ArbiterParameters(auto_engage=True)
STATES = {mode: in_mode(mode).state for mode in M}
NUMBER = st.one_of(
    st.floats(-50.0, 50.0), st.sampled_from([0.0, 1.0, -1.0, 1e7, -1e9, 1e200, -1.7e308, 5e-324, math.inf, math.nan])
)
NUMBERS = st.lists(NUMBER, max_size=9).map(np.array)


def broken(draw: Any, value: Any, names: list[str], most: int = 3) -> Any:
    """``value`` with some of its numbers, or arrays of numbers, replaced."""
    chosen = draw(st.lists(st.sampled_from(names), max_size=most, unique=True))
    changes = {}
    for name in chosen:
        old = getattr(value, name)
        if isinstance(old, np.ndarray):
            index = draw(st.integers(0, max(len(old) - 1, 0)))
            changes[name] = np.array([draw(NUMBER) if i == index else float(v) for i, v in enumerate(old)])
        else:
            changes[name] = draw(NUMBER)
    return replace(value, **changes)


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data(), mode=st.sampled_from([None, *M]))
def test_no_content_of_a_message_breaks_a_tick(data: st.DataObject, mode: M | None) -> None:
    draw, state = data.draw, STATES[mode] if mode is not None else ArbiterMemory()
    start = state.tick or Now(10**12, 0)
    for i in range(1, 4):
        now = Now(start.ros + i * TICK, start.steady + i * TICK)
        near = broken(
            draw,
            objects({"x": 20.0, "y": 0.0}, {"x": 9.0, "y": 3.0, "vx": 4.0}),
            ["x", "y", "yaw", "vx", "vy", "length", "width", "visibility"],
        )
        seen = scene(now.ros, 5.0 + 0.5 * i, near=near)
        ego = broken(draw, seen.ego, [field.name for field in fields(seen.ego)])
        route = broken(draw, seen.route, ["lateral_offset", "heading_error", "remaining"])
        outputs = []
        for name in ("policy", "expert"):
            made = broken(draw, output(now.ros, name), ["steering_angle", "acceleration"])
            if draw(st.booleans()):
                plan = broken(draw, made.plan, ["x", "y", "yaw", "speed"])
                if draw(st.booleans()):
                    plan = Plan(*(draw(NUMBERS) for _ in range(4)))
                made = replace(made, plan=plan, status=draw(st.sampled_from(list(DriverStatus))))
            outputs.append(made)
        hand = broken(draw, human(now.ros, 0.1, -1.0), ["steering_angle", "acceleration"])
        hand = replace(hand, lateral=draw(st.sampled_from(list(Source))))
        word = broken(draw, request(now.ros, draw(st.sampled_from(list(Trigger)))), ["severity", "time_to_event"])
        given_ = [replace(seen, ego=ego, route=route), *outputs, hand if draw(st.booleans()) else None, word]
        received = [Received(value, now.ros, now.steady) if value is not None else None for value in given_]
        before = state
        state, command, _ = step(before, Inputs(*received), now, P)
        assert abs(command.steering_angle) <= 1.2 and -9.0 - 1e-9 <= command.acceleration <= 4.0 + 1e-9, command
        assert 0.0 <= command.lateral_age <= 3600.0 and 0.0 <= command.longitudinal_age <= 3600.0
        assert state.motion is None or all(map(math.isfinite, (state.motion.x, state.motion.y, state.motion.speed)))


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_content_of_a_message_passes_for_nothing_wrong(data: st.DataObject) -> None:
    """The monitor has a word with numbers in it, or an error that says which number of the scene is none."""
    draw, memory, p = data.draw, MonitorState(), MonitorParameters()
    for i in range(4):
        stamp = i * TICK
        near = broken(
            draw,
            objects({"x": 20.0, "y": 0.0}, {"x": 9.0, "y": 3.0, "vx": 4.0}),
            ["x", "y", "yaw", "vx", "vy", "length", "width", "visibility"],
        )
        seen = scene(stamp, 0.5 * i, near=near)
        ego = broken(draw, seen.ego, [field.name for field in fields(seen.ego)])
        route = broken(draw, seen.route, ["lateral_offset", "heading_error", "remaining", "speed_limit"])
        light = TrafficControl(1, ControlKind.TRAFFIC_LIGHT, LightState.RED, 20.0, 0.0, 0.0, 15.0)
        lane = np.column_stack((np.arange(-20.0, 60.0, 2.0), np.zeros(40)))
        if draw(st.integers(0, 3)) == 0:
            lane[draw(st.integers(0, 39)), 0] = draw(NUMBER)
        seen = replace(
            seen,
            ego=ego,
            route=route,
            controls=(broken(draw, light, ["x", "y", "yaw", "distance"], 1),),
            polylines=(Polyline(1, LineKind.LANE_CENTER, lane, True, 14.0, 3.5),),
        )
        outputs = []
        for name in ("policy", "expert"):
            made = broken(draw, output(stamp, name), ["steering_angle", "acceleration"])
            if draw(st.booleans()):
                plan = broken(draw, made.plan, ["x", "y", "yaw", "speed", "dt"])
                if draw(st.booleans()):
                    plan = Plan(*(draw(NUMBERS) for _ in range(4)))
                made = replace(made, plan=plan, status=draw(st.sampled_from(list(DriverStatus))))
            outputs.append(made)
        plain = math.isfinite(sum(map(float, (ego.x, ego.y, ego.yaw, ego.speed, route.lateral_offset))))
        try:
            word, memory = evaluate_triggers(seen, *outputs, memory, p)
        except TakeadError as error:
            assert str(error).startswith(f"scene at {stamp} ns: ") and "expected" in str(error)
            continue
        assert plain and 0.0 <= word.severity <= 1.0
        assert word.time_to_event is None or math.isfinite(word.time_to_event)
        for alarm in memory.alarms.values():
            assert alarm.finding is None or math.isfinite(alarm.finding.severity)


@pytest.mark.parametrize("x", [9e6, 1e9, 1e160, -1.7e308])
def test_an_ego_out_of_this_world_is_not_believed(x: float) -> None:
    """Finite, and yet its squares are not: as the first scene it would be the start of a path and of dead reckoning."""
    state, p = ArbiterMemory(), ArbiterParameters(auto_engage=True, supervised=False)
    for i in range(1, 30):
        now = Now(10**12 + i * TICK, i * TICK)
        driver = output(now.ros, steering=0.1) if i < 4 else output(now.ros, steering=math.nan)
        plan = replace(driver.plan, y=np.linspace(0.0, 4.0, 8))
        inputs = Inputs(
            scene=Received(scene(now.ros, x + 0.5 * i), now.ros, now.steady),
            policy=Received(replace(driver, plan=plan), now.ros, now.steady),
        )
        state, command, _ = step(state, inputs, now, p)
        assert abs(command.steering_angle) < 1.2 and abs(command.acceleration) < 10.0
    assert (state.screened.scene.accepted is None) == (abs(x) > 1e7)
