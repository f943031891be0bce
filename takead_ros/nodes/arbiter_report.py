"""What the arbiter's node says about its state: in ``arbiter/state``, and for a person in the diagnostics."""

from __future__ import annotations

from collections.abc import Mapping

from takead_ros.domain.driving import ArbiterMode, DriveCommand, Source
from takead_ros.messages.convert import ArbiterReport
from takead_ros.nodes.diagnostics import Level, Part
from takead_ros.takeover.engagement import ARRIVED, asked_of_person
from takead_ros.takeover.inputs import SECOND, Now
from takead_ros.takeover.memory import State
from takead_ros.takeover.parameters import ArbiterParameters


def arbiter_report(
    state: State, command: DriveCommand, unreadable: Mapping[str, int], parameters: ArbiterParameters, now: Now
) -> ArbiterReport:
    """The state after ``command``; unreadable: messages dropped by each input, beside those that were rejected."""
    entered, screened = state.entered or now, state.screened
    return ArbiterReport(
        stamp=now.ros,
        mode=state.mode,
        lateral=command.lateral,
        longitudinal=command.longitudinal,
        since=entered.ros / SECOND,
        hold_remaining=_hold_remaining(state, command, parameters, now),
        reason=state.reason,
        rejected_policy=screened.policy.rejected + unreadable["policy"],
        rejected_expert=screened.expert.rejected + unreadable["expert"],
        rejected_human=screened.human.rejected + unreadable["human"],
        rejected_scene=screened.scene.rejected + unreadable["scene"],
    )


def _hold_remaining(state: State, command: DriveCommand, p: ArbiterParameters, now: Now) -> float:
    """Seconds that the present driver keeps the wheel at least."""
    if state.mode is ArbiterMode.EXPERT and state.entered is not None:
        return max(p.expert_hold_s - (now.steady - state.entered.steady) / SECOND, 0.0)
    if Source.HUMAN in (command.lateral, command.longitudinal):
        touched = max(state.wheel.touched or 0, state.pedals.touched or 0)
        return max(p.human_hold_s - (now.steady - touched) / SECOND, 0.0)
    return 0.0


def mode_part(state: State, parameters: ArbiterParameters) -> Part:
    """The mode, for a person: green only while somebody drives, and with what is asked of the person else."""
    mode, reason, asked = state.mode, state.reason, asked_of_person(state, parameters)
    stopped = mode in (ArbiterMode.MRM, ArbiterMode.STOPPED) and reason != ARRIVED
    level = Level.ERROR if stopped else Level.WARN if asked else Level.OK
    words = f"{mode.name}: {reason}{'; ' if asked else ''}{asked}"
    return Part("mode", level, words, {"mode": mode.name, "reason": reason})
