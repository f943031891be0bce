"""The way back from the expert to the policy: what it takes, what rolls it back, and how long it may last."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.arbiter_loop import Loop, engaged, in_mode, told
from support.scenery import TICK, output
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Trigger
from takead_ros.domain.units import SECOND
from takead_ros.takeover import machine


@pytest.mark.parametrize(
    ("steering", "acceleration", "leaves"),
    [(0.07, 0.0, True), (-0.07, 0.0, True), (0.0701, 0.0, False), (-0.0701, 0.0, False), (0.0, 2.0, True),
     (0.0, -2.0, True), (0.0, 2.01, False), (0.0, -2.01, False)],
)  # fmt: skip
def test_the_expert_hands_back_only_to_a_policy_that_agrees(steering: float, acceleration: float, leaves: bool) -> None:
    loop = engaged()
    loop.tick(request=loop.ask())
    for _ in range(60):
        loop.tick(policy=loop.out(steering=steering, acceleration=acceleration))
    assert (loop.mode is not M.EXPERT) == leaves


def test_agreement_must_last() -> None:
    loop = engaged()
    loop.tick(request=loop.ask())
    for i in range(100):
        loop.tick(policy=loop.out(steering=0.2 if i % 5 == 0 else 0.0))
        assert loop.mode is M.EXPERT
    agreed = loop.now.steady
    while loop.mode is M.EXPERT:
        loop.tick()
    assert loop.now.steady - agreed == SECOND * 3 // 10 - 3 * TICK


def test_handback_converges() -> None:
    loop = in_mode(M.HANDBACK)
    began = loop.now.steady
    rates = []
    while loop.mode is M.HANDBACK:
        before = loop.command
        loop.tick()
        rates.append(abs(loop.command.steering_angle - before.steering_angle) / 0.05)
        assert loop.command.acceleration - before.acceleration <= loop.p.handback_jerk_mps3 * 0.05 + 1e-9
    assert max(rates) == pytest.approx(loop.p.handback_steering_rate_radps)
    assert loop.mode is M.POLICY and loop.state.reason == "converged"
    assert told(loop) == [("END", 1, "HUMAN", "HUMAN_OVERRIDE")]
    assert loop.now.steady - began < SECOND


def _restless(loop: Loop, i: int) -> Any:
    """A policy that asks for something else at every tick, faster than the limits follow: no convergence."""
    return loop.out(acceleration=3.9 if i % 2 else -5.0)


@pytest.mark.parametrize("wrong", ["request", "disagreement", "disagreement_right", "policy", "timeout"])
def test_handback_rolls_back(wrong: str) -> None:
    loop = in_mode(M.HANDBACK, handback_jerk_mps3=20.0)
    began = loop.now.steady
    why = {"request": "stuck", "policy": "policy_stale", "disagreement_right": "disagreement"}.get(wrong, wrong)
    for i in range(100):
        if loop.mode is not M.HANDBACK:
            break
        messages = {"policy": _restless(loop, i)}
        if wrong == "request":
            messages["request"] = loop.ask(Trigger.STUCK)
        elif wrong.startswith("disagreement"):
            messages["policy"] = loop.out(steering=0.1401 if wrong == "disagreement" else -0.1401)
        elif wrong == "policy":
            messages = {"policy": None}
        loop.tick(**messages)
    assert loop.mode is M.EXPERT and loop.state.reason == f"rollback:{why}"
    assert [t[:3] for t in told(loop)] == [("END", 1, "HUMAN"), ("START", 2, "EXPERT")]
    if wrong == "timeout":
        assert loop.now.steady - began == 3 * SECOND + TICK


def test_a_rollback_to_the_expert_who_handed_back_is_the_same_takeover() -> None:
    loop = engaged()
    loop.tick(request=loop.ask(Trigger.STUCK))
    while loop.mode is M.EXPERT:
        loop.tick(policy=loop.out(steering=0.05))
    assert loop.mode is M.HANDBACK
    loop.tick(request=loop.ask(Trigger.OFF_ROUTE))
    assert told(loop) == [("START", 1, "EXPERT", "OFF_ROUTE")] and loop.state.reason == "rollback:off_route"
    while loop.mode is not M.POLICY:
        loop.tick()
    assert told(loop) == [("END", 1, "EXPERT", "OFF_ROUTE")]


@pytest.mark.parametrize("wrong", ["policy", "timeout", "collision", "stuck"])
def test_handback_without_an_expert(wrong: str) -> None:
    loop = engaged(drivers=("policy", "human"), handback_jerk_mps3=20.0)
    loop.tick(human=loop.hand(0.2, -1.0))
    while loop.mode is M.HUMAN:
        loop.tick(human=loop.hand())
    for i in range(70):
        if loop.mode is not M.HANDBACK:
            break
        messages = {"policy": _restless(loop, i)}
        if wrong == "policy":
            messages = {"policy": None}
        elif wrong != "timeout":
            trigger = Trigger.COLLISION_PREDICTED if wrong == "collision" else Trigger.STUCK
            messages["request"] = loop.ask(trigger)
        loop.tick(**messages)
    assert loop.mode is M.MRM
    assert told(loop)[0] == ("END", 1, "HUMAN", "HUMAN_OVERRIDE") and told(loop)[1][:3] == ("START", 2, "MRM")


@pytest.mark.parametrize("trigger", list(Trigger), ids=lambda trigger: trigger.name)
def test_handback_without_an_expert_ends_in_time_whatever_is_asked(trigger: Trigger) -> None:
    """A standing request must not switch the time-out off: the policy would drive on without end."""
    loop = in_mode(M.EXPERT, handback_jerk_mps3=20.0)
    while loop.mode is M.EXPERT:
        loop.tick(expert=None, policy=_restless(loop, loop.ticks))
    assert loop.mode is M.HANDBACK
    began = loop.now.steady
    while loop.mode is M.HANDBACK and loop.now.steady - began < 10 * SECOND:
        loop.tick(expert=None, policy=_restless(loop, loop.ticks), request=loop.ask(trigger))
    assert loop.mode is M.MRM
    assert loop.now.steady - began <= 3 * SECOND + TICK


def test_a_monitor_that_is_back_lets_the_expert_hand_back() -> None:
    loop = engaged()
    loop.run(7, request=None)
    assert loop.mode is M.EXPERT
    loop.run(100, request=None)
    assert loop.mode is M.EXPERT
    loop.run(7)
    assert loop.mode is M.HANDBACK
    loop.tick()
    assert loop.mode is M.POLICY


def test_a_handback_is_rolled_back_when_the_monitor_dies() -> None:
    loop = in_mode(M.HANDBACK)
    while loop.mode is M.HANDBACK:
        loop.tick(request=None, policy=loop.out(steering=0.05 * (-1) ** loop.ticks))
    assert loop.mode is M.EXPERT and loop.state.reason == "rollback:policy_unwatched_stale"


def test_agreement_is_about_the_difference() -> None:
    """Both steer and push alike, far from zero: they agree."""
    loop = in_mode(M.EXPERT)
    wish = {"steering": 0.06, "acceleration": 1.5}
    for _ in range(60):
        loop.tick(policy=loop.out(**wish), expert=loop.out("expert", **wish))
    assert loop.mode is M.POLICY


def test_a_policy_that_is_no_driver_is_never_handed_back_to() -> None:
    loop = engaged(drivers=("expert",))
    loop.run(10, expert=None)
    assert loop.mode is M.MRM and loop.state.reason == "no_driver:policy_no_driver,expert_stale"


@pytest.mark.parametrize(
    ("steering", "acceleration", "converged"),
    [(0.01, 0.0, True), (0.0101, 0.0, False), (-0.0101, 0.0, False), (0.0, 0.3, True), (0.0, -0.31, False)],
)
def test_converged_is_within_both_limits(steering: float, acceleration: float, converged: bool) -> None:
    loop = in_mode(M.HANDBACK)
    s = loop.assess()
    facts = replace(s.facts, policy=output(0, steering=steering, acceleration=acceleration))
    state = s.state._replace(last=(0.0, 0.0))
    assert machine.converged.holds(s._replace(state=state, facts=facts)) == converged
    assert not machine.converged.holds(s._replace(state=state._replace(last=None), facts=facts))
