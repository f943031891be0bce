"""Engage and disengage: the conditions, and the answer with a code for machines and words for people."""

from __future__ import annotations

from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriverStatus, Trigger
from takead_ros.takeover.facts import UNWATCHED, Facts
from takead_ros.takeover.inputs import Ask
from takead_ros.takeover.memory import ENGAGED, ArbiterMemory, Response
from takead_ros.takeover.parameters import ArbiterParameters

ARRIVED = "arrived"  # reason of a stop at the end of the route, and code of an engage refused there


def answered(state: ArbiterMemory, facts: Facts, ask: Ask, p: ArbiterParameters) -> tuple[ArbiterMemory, bool]:
    """``state`` with the answer to ``ask``, and whether the automation may start to drive now: engage was asked for, or
    is due by itself, and its conditions hold."""
    if ask is Ask.DISENGAGE:
        answer = Response(True, "ok", "disengaged; the vehicle brakes to a standstill unless a human drives")
        return state._replace(response=answer), False
    automatic = p.auto_engage and not state.was_engaged and state.mode is M.DISENGAGED
    if ask is not Ask.ENGAGE and not automatic:
        return state, False
    answer = engagement(state, facts, p)
    state = state._replace(response=answer if ask is Ask.ENGAGE else None)
    return state._replace(was_engaged=state.was_engaged or answer.accepted), answer.accepted


def already_engaged(state: ArbiterMemory) -> Response | None:
    """The refusal where the automation drives already: no fact has to be looked at for that."""
    if state.mode not in ENGAGED:
        return None
    return Response(False, "already_engaged", f"already engaged: {state.mode.name}")


def engagement(state: ArbiterMemory, facts: Facts, p: ArbiterParameters) -> Response:
    """Whether the automation may start to drive now; a refusal names the first condition that does not hold."""
    scene, policy = state.screened.scene.accepted, state.screened.policy.seen
    engaged = already_engaged(state)
    if engaged is not None:
        return engaged
    if not facts.scene or scene is None:
        return Response(False, "scene_stale", f"no fresh scene: {state.screened.scene.fault or 'stale or missing'}")
    if "policy" in p.drivers and facts.policy is None:
        if policy is None or policy.value.status is DriverStatus.NO_MODEL:
            return Response(False, "no_model", "the policy node is silent or has no model loaded")
        if facts.policy_fault.startswith(UNWATCHED):
            return Response(False, "monitor_lost", f"the policy may not drive unwatched: {facts.policy_fault}")
        return Response(False, "policy_unhealthy", f"the policy may not drive: {facts.policy_fault}")
    asked = facts.request
    if "policy" in p.drivers and asked is not None and asked.trigger is Trigger.POLICY_UNHEALTHY:
        # by an answer from before the first scene, say: who engages now is taken over in the next tick
        return Response(False, "policy_unhealthy", f"the policy may not drive: the monitor says {asked.text}")
    if "policy" not in p.drivers and facts.expert is None:
        return Response(False, "expert_unhealthy", f"the expert may not drive: {facts.expert_fault}")
    if facts.arrived:
        return Response(False, ARRIVED, f"the route ends in {state.goal_m:.1f} m: set a new goal")
    ego, route = scene.value.ego, scene.value.route
    for code, value, most, unit in (
        ("lateral_offset", route.lateral_offset, p.engage_max_offset_m, "m"),
        ("heading_error", route.heading_error, p.engage_max_yaw_error_rad, "rad"),
        ("speed", ego.speed, p.engage_max_speed_mps, "m/s"),
    ):
        if abs(value) > most:
            return Response(False, code, f"{code} is {value:.2f} {unit}, at most {most:.2f} is allowed")
    return Response(True, "ok", "engaged")
