"""What the arbiter's node says: commands, events, its state in ``arbiter/state``, and for a person in diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from takead_ros.domain.driving import ArbiterMode, DriveCommand, Source, TakeoverEvent
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import NodeHandle
from takead_ros.messages import convert, interfaces
from takead_ros.messages.convert import ArbiterReport
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.inputs import InputBox
from takead_ros.takeover.engagement import ARRIVED, asked_of_person
from takead_ros.takeover.inputs import Now
from takead_ros.takeover.memory import State
from takead_ros.takeover.parameters import ArbiterParameters

REPORT_NS = SECOND  # arbiter/state and /diagnostics at least this often


class ArbiterOutput:
    """Publishes ``command`` and ``takeover/event`` at every tick, ``arbiter/state`` on change and every second,
    ``/diagnostics`` every second."""

    def __init__(self, node: NodeHandle) -> None:
        self._command = wiring.publisher(node, interfaces.COMMAND)
        self._report = wiring.publisher(node, interfaces.ARBITER_STATE)
        self._event = wiring.publisher(node, interfaces.EVENT)
        self._diagnostics = Diagnostics(node)
        self._reported: tuple[Any, ...] = ()
        self._reported_at = 0  # ns of the steady clock

    def publish(
        self,
        state: State,
        command: DriveCommand,
        events: Iterable[TakeoverEvent],
        boxes: Mapping[str, InputBox],
        parameters: ArbiterParameters,
        now: Now,
    ) -> None:
        """Say what a tick led to. boxes: the inputs by name."""
        self._command.publish(convert.command_to_msg(command))
        for event in events:
            self._event.publish(convert.event_to_msg(event))
        shown = (state.mode, state.reason, command.lateral, command.longitudinal)
        due = now.steady - self._reported_at >= REPORT_NS
        if shown == self._reported and not due:
            return
        self._reported = shown
        unreadable = {name: box.unreadable for name, box in boxes.items()}
        self._report.publish(convert.arbiter_to_msg(arbiter_report(state, command, unreadable, parameters, now)))
        if due:
            self._reported_at = now.steady
            needed = {"scene", *({"policy", "expert"} & set(parameters.drivers))}  # a person or a request may be silent
            inputs = [box.part(name, name in needed, getattr(state.screened, name), now) for name, box in boxes.items()]
            self._diagnostics.publish(now.ros, mode_part(state, parameters), *inputs)


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
