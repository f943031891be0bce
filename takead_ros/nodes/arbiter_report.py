"""What the arbiter's node says: commands, events, its state in ``arbiter/state``, and for a person in diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from takead_ros.domain.driving import ArbiterMode, DriveCommand, Source, TakeoverEvent
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import NodeHandle
from takead_ros.messages import convert, interfaces, types
from takead_ros.messages.convert import ArbiterReport
from takead_ros.messages.fields import header_to_msg
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.inputs import InputBox
from takead_ros.nodes.rivals import Rivals
from takead_ros.takeover.inputs import Now
from takead_ros.takeover.memory import ArbiterMemory
from takead_ros.takeover.notice import Notice, NoticeLevel, notice
from takead_ros.takeover.parameters import ArbiterParameters

REPORT_NS = SECOND  # arbiter/state and /diagnostics at least this often


class ArbiterOutput:
    """Publishes ``command`` and ``takeover/event`` at every tick, ``arbiter/state`` and ``operator/status`` on change
    and every second (a change of the latter is also a line in the log), ``/diagnostics`` every second."""

    def __init__(self, node: NodeHandle) -> None:
        self._logger = node.get_logger()
        self._operator = wiring.publisher(node, interfaces.OPERATOR_STATUS)
        self._notified: tuple[Any, ...] = ()
        self._rivals = Rivals(node)
        self._command = wiring.publisher(node, interfaces.COMMAND)
        self._report = wiring.publisher(node, interfaces.ARBITER_STATE)
        self._event = wiring.publisher(node, interfaces.EVENT)
        self._diagnostics = Diagnostics(node)
        self._reported: tuple[Any, ...] = ()
        self._reported_at = 0  # ns of the steady clock

    def publish(
        self,
        state: ArbiterMemory,
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
        news = notice(state, command, now, parameters)
        self._notify(news, now, due)
        if shown == self._reported and not due:
            return
        self._reported = shown
        unreadable = {name: box.unreadable for name, box in boxes.items()}
        self._report.publish(convert.arbiter_to_msg(arbiter_report(state, command, unreadable, parameters, now)))
        if due:
            self._reported_at = now.steady
            needed = {"scene", *({"policy", "expert"} & set(parameters.drivers))}  # a person or a request may be silent
            inputs = [box.part(name, name in needed, getattr(state.screened, name), now) for name, box in boxes.items()]
            self._diagnostics.publish(now.ros, mode_part(news), self._rivals.part(), *inputs)

    def _notify(self, news: Notice, now: Now, due: bool) -> None:
        """Tell the person in charge, on change and every second; in the terminal on change."""
        if news.key != self._notified:
            self._say(news)
        elif not due:
            return
        self._notified = news.key
        self._operator.publish(operator_status(news, now.ros))

    def _say(self, news: Notice) -> None:
        """One line in the terminal. Each severity has its own call: rclpy refuses two at one place."""
        if news.alarm is NoticeLevel.ACT:
            self._logger.error(news.line)
        elif news.alarm is NoticeLevel.ATTEND:
            self._logger.warning(news.line)
        else:
            self._logger.info(news.line)


def arbiter_report(
    state: ArbiterMemory, command: DriveCommand, unreadable: Mapping[str, int], parameters: ArbiterParameters, now: Now
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


def _hold_remaining(state: ArbiterMemory, command: DriveCommand, p: ArbiterParameters, now: Now) -> float:
    """Seconds that the present driver keeps the wheel at least."""
    if state.mode is ArbiterMode.EXPERT and state.entered is not None:
        return max(p.expert_hold_s - (now.steady - state.entered.steady) / SECOND, 0.0)
    if Source.HUMAN in (command.lateral, command.longitudinal):
        touched = max(state.wheel.touched or 0, state.pedals.touched or 0)
        return max(p.human_hold_s - (now.steady - touched) / SECOND, 0.0)
    return 0.0


def operator_status(news: Notice, stamp: int) -> Any:
    """takead_ros/OperatorStatus, as of ``stamp`` ns."""
    return types.OperatorStatus(
        header=header_to_msg(stamp, ""),
        alarm=int(news.alarm),
        asked=int(news.asked),
        mode=int(news.mode),
        lateral_source=int(news.lateral),
        longitudinal_source=int(news.longitudinal),
        who=news.who,
        why=news.why,
        asked_text=news.asked_text,
        goes_on=news.goes_on,
        line=news.line,
    )


def mode_part(news: Notice) -> Part:
    """The mode, for a person: green only while somebody drives, and with what is asked of the person else."""
    level = {NoticeLevel.CALM: Level.OK, NoticeLevel.ATTEND: Level.WARN, NoticeLevel.ACT: Level.ERROR}[news.alarm]
    return Part("mode", level, news.line, {"mode": news.mode.name, "reason": news.why, "asked": news.asked.name})
