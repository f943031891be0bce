"""Every state x ask x staleness of every input x human x request x clock: generated, not sampled.

Each combination is one tick, 0.4 s after the last one, so that every input which is not renewed is over its limit.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.arbiter_loop import in_mode
from support.scenery import human, output, request, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriverStatus, Source, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.takeover import limits
from takead_ros.takeover.arbiter import step
from takead_ros.takeover.inputs import Ask, Inputs, Now, Received
from takead_ros.takeover.memory import ENGAGED
from takead_ros.takeover.table import edges

pytestmark = pytest.mark.slow

LATE = 4 * SECOND // 10
STALENESS = ("fresh", "stale", "silent", "broken")
SCENES = (*STALENESS, "missing")
HUMANS: dict[str, tuple[str, float | None, float | None]] = {
    "absent": ("missing", None, None),
    "hands_off": ("fresh", None, None),
    "wheel": ("fresh", 0.1, None),
    "pedals": ("fresh", None, -2.0),
    "both": ("fresh", -0.1, 1.0),
    "stale": ("stale", 0.1, 1.0),
    "silent": ("silent", 0.1, 1.0),
    "broken": ("broken", math.nan, math.nan),
}
REQUESTS: dict[str, tuple[str, Trigger]] = {  # the monitor: healthy, asking, or lost
    "missing": ("missing", Trigger.NONE),
    "nothing": ("fresh", Trigger.NONE),
    "collision": ("fresh", Trigger.COLLISION_PREDICTED),
    "stuck": ("fresh", Trigger.STUCK),
    "stale": ("stale", Trigger.COLLISION_PREDICTED),
    "silent": ("silent", Trigger.NONE),
    "broken": ("broken", Trigger.NONE),
}
CLOCKS = {"running": LATE, "paused": 0, "backward": -30 * SECOND, "forward": 3600 * SECOND}
EDGES = set(edges())


def _received(value: Any, kind: str, now: Now) -> Received[Any] | None:
    if kind == "missing":
        return None
    stamp = now.ros - LATE if kind == "stale" else now.ros
    return Received(replace(value, stamp=stamp), stamp, now.steady - (LATE if kind == "silent" else 0))


def _scene(kind: str, now: Now) -> Received[Any] | None:
    broken = {"speed": math.nan} if kind == "broken" else {}
    return _received(scene(now.ros, x=9.0, **broken), kind, now)


def _driver(name: str, kind: str, now: Now) -> Received[Any] | None:
    value = output(now.ros, name, 0.02 if name == "policy" else -0.02, 0.5 if name == "policy" else -0.5)
    if kind == "broken":
        value = (
            replace(value, steering_angle=math.nan) if name == "policy" else replace(value, status=DriverStatus.ERROR)
        )
    return _received(value, kind, now)


def _request(name: str, now: Now) -> Received[Any] | None:
    kind, trigger = REQUESTS[name]
    return _received(request(0, trigger, math.nan if kind == "broken" else 0.8), kind, now)


def _cases() -> list[tuple[str, ...]]:
    """(ask, clock, scene, policy, expert, human, request); asks and broken clocks are each tried with all the rest."""
    outer = [(Ask.NOTHING.value, clock) for clock in CLOCKS] + [
        (a.value, "running") for a in (Ask.ENGAGE, Ask.DISENGAGE)
    ]
    inner = itertools.product(SCENES, STALENESS, STALENESS, HUMANS, REQUESTS)
    return [(*o, *i) for o, i in itertools.product(outer, inner)]


@pytest.mark.parametrize("mode", list(M), ids=lambda mode: mode.name)
def test_every_combination(mode: M) -> None:
    loop = in_mode(mode)
    before, p = loop.state, loop.p
    old = before.tick
    assert old is not None and before.last is not None
    made: dict[Any, Any] = {}

    def once(key: Any, build: Any) -> Any:
        if key not in made:
            made[key] = build()
        return made[key]

    for ask, clock, s, po, ex, hu, rq in _cases():
        now = Now(old.ros + CLOCKS[clock], old.steady + LATE)
        inputs = Inputs(
            once(("s", s, clock), lambda s=s, now=now: _scene(s, now)),
            once(("p", po, clock), lambda po=po, now=now: _driver("policy", po, now)),
            once(("e", ex, clock), lambda ex=ex, now=now: _driver("expert", ex, now)),
            once(("h", hu, clock), lambda hu=hu, now=now: _received(human(0, *HUMANS[hu][1:]), HUMANS[hu][0], now)),
            once(("r", rq, clock), lambda rq=rq, now=now: _request(rq, now)),
            Ask(ask),
        )
        state, command, events = step(before, inputs, now, p)
        case = (mode.name, ask, clock, s, po, ex, hu, rq, state.mode.name, command)

        # one defined command, finite and within every limit
        assert np.isfinite((command.steering_angle, command.acceleration, command.lateral_age)).all(), case
        assert (command.lateral is Source.NONE) <= (state.mode is M.DISENGAGED), case
        assert (command.longitudinal is Source.NONE) <= (state.mode is M.DISENGAGED), case
        motion = state.motion
        assert motion is not None
        allowed, dt = limits.rates(motion.speed, motion.wheelbase, p), 2.0 * p.period_s
        assert abs(command.steering_angle - before.last[0]) <= allowed.steering * dt + 1e-9, case
        assert -allowed.jerk_down * dt - 1e-9 <= command.acceleration - before.last[1], case
        assert command.acceleration - before.last[1] <= allowed.jerk_up * dt + 1e-9, case

        # nobody drives on an input that is not fresh by both clocks, and nobody without a scene
        used = {command.lateral, command.longitudinal}
        assert Source.POLICY not in used or (po == "fresh" and s == "fresh"), case
        assert Source.EXPERT not in used or (ex == "fresh" and s == "fresh"), case
        assert Source.HUMAN not in used or HUMANS[hu][0] == "fresh", case
        if Source.MRM not in used and Source.NONE not in used:
            assert max(command.lateral_age, command.longitudinal_age) <= 0.3, case

        # nobody's policy drives unwatched
        assert Source.POLICY not in used or REQUESTS[rq][0] == "fresh", case

        # a human wins at once, in every state, on the axis that he touches
        if HUMANS[hu][0] == "fresh":
            assert HUMANS[hu][1] is None or command.lateral is Source.HUMAN, case
            assert HUMANS[hu][2] is None or command.longitudinal is Source.HUMAN, case

        # the automation begins to drive only where it was asked to, and every change is a row of the table
        answer = state.response
        assert (answer is not None) == (ask != "nothing"), case
        if mode not in ENGAGED and state.mode in ENGAGED:
            assert ask == "engage" and answer is not None and answer.accepted, case
        if mode not in ENGAGED and not (answer is not None and answer.accepted):
            assert not {Source.POLICY, Source.EXPERT} & used, case
        if state.mode is not mode and ask != "disengage":
            assert (mode, state.mode) in EDGES, case
        assert (state.mode is M.DISENGAGED) == (ask == "disengage" or (mode is M.DISENGAGED and state.mode is mode)), (
            case
        )

        # events tell of every change of who drives
        assert len({event.takeover for event in events}) <= 2 and len(events) <= 2, case
        if state.mode in (M.EXPERT, M.MRM) and mode in (M.POLICY, M.HANDBACK):
            assert events and events[-1].kind.name == "START", case
        if state.mode is M.HUMAN and mode in (M.POLICY, M.EXPERT, M.HANDBACK):
            assert events and events[-1].who is Source.HUMAN, case


@pytest.mark.parametrize("mode", list(M), ids=lambda mode: mode.name)
@pytest.mark.parametrize("clock", ["running", "paused", "backward"])
def test_from_every_state_a_held_stop_is_reached_when_all_inputs_die(mode: M, clock: str) -> None:
    loop = in_mode(mode)
    steering = []
    for i in range(160):
        ros_dt = {"running": None, "paused": 0, "backward": -SECOND if i == 3 else None}[clock]
        loop.tick(scene=None, policy=None, expert=None, request=None, ros_dt=ros_dt)
        steering.append(loop.command.steering_angle)
    assert loop.mode is M.STOPPED
    assert loop.command.acceleration < 0.0
    assert loop.state.motion is not None and loop.state.motion.speed == 0.0


def test_number_of_combinations() -> None:
    assert len(_cases()) * len(M) == 8 * 6 * (5 * 4 * 4) * 8 * 7
