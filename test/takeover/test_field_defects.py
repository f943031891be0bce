"""Defects that the field's takeover software has or had, each of them absent here.

Those of recorders, engines and bridges are tested where they belong: test/recording, test/policy, test/vehicles.
"""

from __future__ import annotations

import ast
import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import takead_ros.takeover
from support.arbiter_loop import engaged, in_mode
from support.scenery import TICK
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Plan, Source
from takead_ros.domain.parameters import Parameters
from takead_ros.domain.units import SECOND
from takead_ros.host import qos, wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import interfaces, types
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.takeover.parameters import ArbiterParameters, MonitorParameters


def test_no_instant_handback_when_the_override_ends() -> None:
    """A person lets go while the policy would steer elsewhere: the wheel gets there slowly, by way of HANDBACK."""
    loop = in_mode(M.HUMAN)
    elsewhere = {"policy": 0.1, "expert": 0.1}
    angles, modes = [], []
    for _ in range(60):
        outs = {name: loop.out(name, steering=angle) for name, angle in elsewhere.items()}
        loop.tick(human=loop.hand() if len(modes) > 4 else loop.hand(0.0, -1.0), **outs)
        angles.append(loop.command.steering_angle)
        modes.append(loop.mode)
    assert [mode for mode, _ in itertools.groupby(modes)] == [M.HUMAN, M.HANDBACK, M.POLICY]
    rate = max(abs(b - a) for a, b in itertools.pairwise(angles)) / 0.05
    assert rate <= loop.p.handback_steering_rate_radps + 1e-9 and angles[-1] == pytest.approx(0.1, abs=0.01)
    assert modes.count(M.HANDBACK) >= 0.9 * (0.1 / loop.p.handback_steering_rate_radps) / 0.05 - 1


@pytest.mark.parametrize("kind", [ArbiterParameters, MonitorParameters])
def test_no_number_means_off(kind: type[Parameters]) -> None:
    """Zero, or less, is refused for every number: nothing can be disabled by a timeout of zero."""
    numbers = [name for name, field in kind.model_fields.items() if field.annotation is float]
    assert len(numbers) > 20
    for name in numbers:
        for value in (0.0, -1.0, math.nan, math.inf):
            with pytest.raises(ValueError, match=name):
                kind(**{name: value})


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("axis", "apart"), [("steering", 0.08), ("acceleration", 2.1)])
def test_no_one_sided_comparison(sign: float, axis: str, apart: float) -> None:
    """Disagreement keeps the expert at the wheel whichever of the two steers or brakes more."""
    loop = in_mode(M.EXPERT)
    for _ in range(80):
        loop.tick(policy=loop.out(**{axis: sign * apart}))
    assert loop.mode is M.EXPERT


def test_no_muted_multiplexer() -> None:
    """When every source has timed out there is still a command at every tick, and it is a stop."""
    loop = engaged()
    commands = []
    while loop.mode is not M.STOPPED:
        loop.dead(1)
        commands.append(loop.command)
    assert all(command is not None and command.lateral is Source.MRM for command in commands[8:])
    assert all(command.acceleration < 0.0 for command in commands[20:])


def test_no_last_command_again() -> None:
    """A source that repeats its last message for ever is a source that is gone."""
    loop = engaged()
    last = loop.inputs.policy
    assert last is not None
    for _ in range(8):
        again = replace(last, steady=loop.now.steady + TICK)
        loop.tick(policy=again, expert=None)
    assert loop.mode is M.MRM


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("gone", ["policy", "everything"])
def test_no_takeover_that_straightens_the_wheel_in_a_bend(gone: str, side: float) -> None:
    loop = engaged()
    loop.speed, radius = 8.0, 30.0
    angle = side * math.atan(2.0 * math.tan(math.asin(0.5 * 2.7 / radius)))
    s = 4.0 * np.arange(1, 9)
    bend = Plan(
        radius * np.sin(s / radius), side * radius * (1 - np.cos(s / radius)), side * s / radius, np.full(8, 8.0)
    )
    for _ in range(20):
        loop.tick(**{name: replace(loop.out(name, steering=angle), plan=bend) for name in ("policy", "expert")})
    for _ in range(40):
        if gone == "policy":
            loop.tick(policy=None, expert=replace(loop.out("expert", steering=angle), plan=bend))
        else:
            loop.dead(1)
        assert side * loop.command.steering_angle > 0.5 * abs(angle), loop.mode
    assert loop.mode in (M.EXPERT, M.MRM, M.STOPPED)


def test_no_joystick_whose_unplugging_is_only_silence() -> None:
    """The arbiter takes the axis away within 0.2 s, and the node tells of the loss in /diagnostics."""
    host = LockstepHost()
    world = host.create_node("world")
    joy = wiring.publisher(world, interfaces.JOY)
    health: list[Any] = []
    wiring.subscription(world, interfaces.DIAGNOSTICS, health.append)
    JoystickNode(host.create_node("joystick_node"), host.steady)
    for _ in range(5):
        joy.publish(types.Joy(axes=[0.5, 0.0, 1.0, 0.0, 0.0, 1.0], buttons=[0] * 11))
        host.advance(TICK)
    host.advance(1200_000_000)
    entry = health[-1].status[0]
    assert entry.level == types.DiagnosticStatus.ERROR and entry.message == "no joystick"
    loop = in_mode(M.HUMAN)
    ticks = 0
    while Source.HUMAN in (loop.command.lateral, loop.command.longitudinal):
        loop.tick()
        ticks += 1
    assert ticks * TICK <= SECOND // 5 + TICK


def test_no_volatile_reading_of_what_is_latched() -> None:
    """Who joins late learns the arbiter's state at once; the state's profile matches on both sides."""
    host = LockstepHost()
    ArbiterNode(host.create_node("arbiter_node"), host.steady)
    host.advance(2 * TICK)
    late = host.create_node("late")
    states: list[Any] = []
    wiring.subscription(late, interfaces.ARBITER_STATE, states.append)
    host.advance(0)
    assert [state.state for state in states] == [M.DISENGAGED]
    latched, volatile = qos.profile(interfaces.ARBITER_STATE.qos), qos.profile(interfaces.POLICY_OUTPUT.qos)
    assert qos.incompatibility(volatile, latched) and qos.latched(latched)


def test_the_policy_is_never_paused_while_another_drives() -> None:
    """Its newest choice is known at every tick of a takeover, and named in the command: both sides of a pair exist."""
    loop = in_mode(M.EXPERT)
    loop.run(10)
    assert loop.command.lateral is Source.EXPERT and loop.command.model_sha256 == "ab" * 32
    seen = loop.state.screened.policy.accepted
    assert seen is not None and loop.now.ros - seen.stamp == 0


def test_the_core_neither_reads_a_clock_nor_knows_the_outside() -> None:
    """Pure logic: no time, I/O, ROS, simulator or host among what the takeover package imports."""
    allowed = {"__future__", "bisect", "collections", "dataclasses", "enum", "functools", "itertools", "math",
               "textwrap", "typing", "numpy", "pydantic"}  # fmt: skip
    for file in Path(takead_ros.takeover.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                inner = name.startswith(("takead_ros.domain", "takead_ros.takeover", "takead_ros.compiled"))
                assert inner or name.split(".")[0] in allowed, f"{file.name} imports {name}"
