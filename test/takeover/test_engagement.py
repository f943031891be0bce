"""Who may be engaged, when, and what a refusal says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.arbiter_loop import Loop, in_mode
from support.scenery import TICK, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriverOutput, DriverStatus, Source, Trigger
from takead_ros.domain.scene import Scene
from takead_ros.takeover.inputs import Ask
from takead_ros.takeover.memory import Response


def ask_with(loop: Loop, **messages: Any) -> Any:
    loop.tick(ask=Ask.ENGAGE, **messages)
    assert loop.state.response is not None
    return loop.state.response


def moved(loop: Loop, speed: float = 10.0, **route: float) -> Scene:
    now = scene(loop.now.ros + TICK, loop.x + 0.5, speed)
    return replace(now, route=replace(now.route, **route))


@pytest.mark.parametrize(
    ("route", "code"),
    [
        ({}, "ok"), ({"lateral_offset": 3.0}, "ok"), ({"lateral_offset": -3.01}, "lateral_offset"),
        ({"heading_error": 0.6}, "ok"), ({"heading_error": -0.61}, "heading_error"), ({"speed": 35.0}, "ok"),
        ({"speed": 35.1}, "speed"),
    ],
)  # fmt: skip
def test_engage_envelope(route: dict[str, float], code: str) -> None:
    loop = Loop()
    loop.run(2)
    answer = ask_with(loop, scene=moved(loop, **route))
    assert answer.code == code and answer.accepted == (code == "ok")
    assert (loop.mode is M.POLICY) == answer.accepted
    assert answer.message == "engaged" if answer.accepted else "is allowed" in answer.message


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ({"lateral_offset": -3.256}, "lateral_offset is -3.26 m, at most 3.00 is allowed"),
        ({"heading_error": 0.7}, "heading_error is 0.70 rad, at most 0.60 is allowed"),
        ({"speed": 36.0}, "speed is 36.00 m/s, at most 35.00 is allowed"),
    ],
)
def test_a_refusal_by_the_envelope_says_what_is_and_what_may_be(route: dict[str, float], message: str) -> None:
    loop = Loop()
    loop.run(2)
    answer = ask_with(loop, scene=moved(loop, **route))
    assert (answer.accepted, answer.message) == (False, message)


def test_refusals_name_the_first_reason() -> None:
    silent = "the policy node is silent or has no model loaded"
    loop = Loop()
    assert ask_with(loop, scene=None) == Response(False, "scene_stale", "no fresh scene: stale or missing")
    broken = ask_with(loop, scene=moved(loop, speed=float("nan")))
    assert broken == Response(False, "scene_stale", "no fresh scene: not_finite")
    loop.tick()
    loop.run(5, scene=None)
    assert ask_with(loop, scene=None) == Response(False, "scene_stale", "no fresh scene: stale or missing")
    loop = Loop()
    assert ask_with(loop, policy=None) == Response(False, "no_model", silent)
    failed = DriverOutput.failed(loop.now.ros + TICK, "policy", DriverStatus.NO_MODEL, "none")
    assert ask_with(loop, policy=failed) == Response(False, "no_model", silent)
    failed = DriverOutput.failed(loop.now.ros + TICK, "policy", DriverStatus.ERROR, "broken")
    sick = ask_with(loop, policy=failed)
    assert sick == Response(False, "policy_unhealthy", "the policy may not drive: status")
    loop.tick()
    loop.run(10, policy=None)
    sick = ask_with(loop, policy=None)
    assert sick == Response(False, "policy_unhealthy", "the policy may not drive: stale")
    unwatched = ask_with(Loop(), request=None)
    assert unwatched == Response(False, "monitor_lost", "the policy may not drive unwatched: unwatched_missing")
    sick = ask_with(Loop(drivers=("expert",)), expert=None)
    assert sick == Response(False, "expert_unhealthy", "the expert may not drive: missing")
    assert ask_with(Loop(drivers=("expert",)), policy=None, request=None) == Response(True, "ok", "engaged")


def test_disengage_says_what_follows() -> None:
    loop = in_mode(M.POLICY)
    loop.tick(ask=Ask.DISENGAGE)
    words = "disengaged; the vehicle brakes to a standstill unless a human drives"
    assert loop.state.response == Response(True, "ok", words)


@pytest.mark.parametrize("mode", [M.POLICY, M.EXPERT, M.HUMAN, M.HANDBACK], ids=lambda mode: mode.name)
def test_engage_twice(mode: M) -> None:
    loop = in_mode(mode)
    answer = ask_with(loop)
    assert answer == Response(False, "already_engaged", f"already engaged: {mode.name}")
    assert loop.mode is not M.DISENGAGED


def test_a_refused_engage_changes_nothing() -> None:
    loop = Loop()
    loop.run(2)
    ask_with(loop, scene=moved(loop, lateral_offset=4.0))
    assert loop.mode is M.DISENGAGED and not loop.state.was_engaged and loop.command.lateral is Source.NONE


def test_auto_engage_waits_for_the_envelope() -> None:
    loop = Loop(auto_engage=True)
    loop.tick(scene=moved(loop, lateral_offset=4.0))
    assert loop.mode is M.DISENGAGED and loop.state.response is None
    loop.tick()
    assert loop.mode is M.POLICY


def test_nobody_engages_into_a_takeover_by_what_the_monitor_still_says() -> None:
    """At the start it may hold an answer of the policy's from before the first scene."""
    loop = Loop(auto_engage=True)
    for _ in range(10):
        loop.tick(request=loop.ask(Trigger.POLICY_UNHEALTHY))
        assert loop.mode is M.DISENGAGED
    refused = ask_with(loop, request=loop.ask(Trigger.POLICY_UNHEALTHY))
    assert refused.accepted is False and refused.code == "policy_unhealthy" and "the monitor says" in refused.message
    for _ in range(20):
        loop.tick()
        assert not loop.events
    assert loop.mode is M.POLICY
    other = Loop(auto_engage=True)
    other.tick(request=other.ask(Trigger.COLLISION_PREDICTED))
    assert other.mode is not M.DISENGAGED, "what the expert can do something about is no reason to wait"
