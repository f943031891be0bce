"""The arbiter as a node: a command at every tick of the steady clock, whatever the inputs and ``/clock`` do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from takead_ros.domain.driving import ArbiterMode, DriveCommand, Source
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.input_health import InputHealth
from takead_ros.nodes.parameters import Declared
from takead_ros.takeover.arbiter import step
from takead_ros.takeover.engagement import ARRIVED, asked_of_person
from takead_ros.takeover.inputs import SECOND, Ask, Inputs, Now, Received, ScreenedInput
from takead_ros.takeover.memory import Response, State
from takead_ros.takeover.parameters import ArbiterParameters

INPUTS = ("scene", "policy", "expert", "human", "request")
REPORT_NS = SECOND  # arbiter/state and /diagnostics at least this often


class ArbiterNode:
    """Subscribes ``scene``, ``policy/output``, ``expert/output``, ``human/command``, ``takeover/request``; publishes
    ``command`` (at every tick of the timer, and at once when a person takes an axis), ``arbiter/state`` (on change and
    every second), ``takeover/event``, ``/diagnostics``; serves ``engage`` and ``disengage``.

    Parameters: the fields of ``ArbiterParameters``. Raises TakeadError for a value that does not fit.
    """

    NAME = "arbiter_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
        self._parameters = Declared(node, self.NAME, ArbiterParameters)
        self._state = State()
        self._inputs: dict[str, Any] = dict.fromkeys(INPUTS)
        self._health = {name: InputHealth() for name in INPUTS}
        self._drove = (Source.NONE, Source.NONE)  # lateral and longitudinal, in the last command
        self._extra = False  # whether there was a tick between two of the timer's
        self._reported: tuple[Any, ...] = ()
        self._reported_at = 0

        self._command = wiring.publisher(node, interfaces.COMMAND)
        self._report = wiring.publisher(node, interfaces.ARBITER_STATE)
        self._event = wiring.publisher(node, interfaces.EVENT)
        self._diagnostics = Diagnostics(node)
        for name, interface, read in (
            ("scene", interfaces.SCENE, _scene_from_msg),
            ("policy", interfaces.POLICY_OUTPUT, convert.driver_from_msg),
            ("expert", interfaces.EXPERT_OUTPUT, convert.driver_from_msg),
            ("human", interfaces.HUMAN_COMMAND, convert.command_from_msg),
            ("request", interfaces.REQUEST, convert.request_from_msg),
        ):
            wiring.subscription(node, interface, self._receiver(name, read))
        wiring.server(node, interfaces.ENGAGE, self._on_engage)
        wiring.server(node, interfaces.DISENGAGE, self._on_disengage)
        node.create_timer(self._parameters.value.period_s, self._on_timer, clock=steady)

    def _receiver(self, name: str, read: Callable[[Any], Any]) -> Callable[[Any], None]:
        """A callback that keeps the newest message of an input; one that cannot be read is counted and dropped."""

        def receive(msg: Any) -> None:
            health, steady = self._health[name], self._steady.now().nanoseconds
            health.received(steady)
            try:
                self._inputs[name] = Received(read(msg), convert.stamp_from_msg(msg), steady)
            except TakeadError as error:
                health.malformed(str(error))
                return
            if name == "human" and not self._extra and self._takes(self._inputs[name].value):
                self._extra = True
                self._tick(Ask.NOTHING)

        return receive

    def _takes(self, human: DriveCommand) -> bool:
        """Whether a person touches an axis that somebody else drives: that is answered at once, in a tick of its own,
        at most one between two of the timer's."""
        asked = zip((human.lateral, human.longitudinal), self._drove, strict=True)
        taken = any(wants is Source.HUMAN and drives is not Source.HUMAN for wants, drives in asked)
        return taken and "human" in self._parameters.value.drivers

    def _on_timer(self) -> None:
        self._extra = False
        self._tick(Ask.NOTHING)

    def _tick(self, ask: Ask) -> Response | None:
        now, before = Now(self._clock.now().nanoseconds, self._steady.now().nanoseconds), self._state.mode
        self._state, command, events = step(self._state, Inputs(**self._inputs, ask=ask), now, self._parameters.value)
        self._drove = (command.lateral, command.longitudinal)
        self._command.publish(convert.command_to_msg(command))
        asked = asked_of_person(self._state, self._parameters.value)
        if asked and self._state.mode is not before:
            self._logger.info(f"{self._state.mode.name}: {asked}")
        for event in events:
            self._logger.info(f"takeover {event.takeover}: {event.kind.name} {event.who.name} ({event.why})")
            self._event.publish(convert.event_to_msg(event))
        self._publish_report(command, now)
        return self._state.response

    def _publish_report(self, command: DriveCommand, now: Now) -> None:
        shown = (self._state.mode, self._state.reason, command.lateral, command.longitudinal)
        due = now.steady - self._reported_at >= REPORT_NS
        if shown == self._reported and not due:
            return
        self._reported = shown
        entered, screened = self._state.entered or now, self._state.screened
        self._report.publish(
            convert.arbiter_to_msg(
                convert.ArbiterReport(
                    stamp=now.ros,
                    mode=self._state.mode,
                    lateral=command.lateral,
                    longitudinal=command.longitudinal,
                    since=entered.ros / SECOND,
                    hold_remaining=self._hold_remaining(command, now),
                    reason=self._state.reason,
                    rejected_policy=self._rejected("policy", screened.policy),
                    rejected_expert=self._rejected("expert", screened.expert),
                    rejected_human=self._rejected("human", screened.human),
                    rejected_scene=self._rejected("scene", screened.scene),
                )
            )
        )
        if due:
            self._reported_at = now.steady
            self._publish_diagnostics(now)

    def _rejected(self, name: str, source: ScreenedInput[Any]) -> int:
        return source.rejected + self._health[name].unreadable

    def _hold_remaining(self, command: DriveCommand, now: Now) -> float:
        """Seconds that the present driver keeps the wheel at least."""
        p, entered = self._parameters.value, self._state.entered
        if self._state.mode is ArbiterMode.EXPERT and entered is not None:
            return max(p.expert_hold_s - (now.steady - entered.steady) / SECOND, 0.0)
        if Source.HUMAN in (command.lateral, command.longitudinal):
            touched = max(self._state.wheel.touched or 0, self._state.pedals.touched or 0)
            return max(p.human_hold_s - (now.steady - touched) / SECOND, 0.0)
        return 0.0

    def _publish_diagnostics(self, now: Now) -> None:
        inputs = [
            self._health[name].part(name, self._used(name), getattr(self._state.screened, name), now) for name in INPUTS
        ]
        self._diagnostics.publish(now.ros, self._mode(), *inputs)

    def _mode(self) -> Part:
        """The mode, for a person: green only while somebody drives, and with what is asked of the person else."""
        mode, reason = self._state.mode, self._state.reason
        asked = asked_of_person(self._state, self._parameters.value)
        stopped = mode in (ArbiterMode.MRM, ArbiterMode.STOPPED) and reason != ARRIVED
        level = Level.ERROR if stopped else Level.WARN if asked else Level.OK
        words = f"{mode.name}: {reason}{'; ' if asked else ''}{asked}"
        return Part("mode", level, words, {"mode": mode.name, "reason": reason})

    def _used(self, name: str) -> bool:
        """Whether the vehicle depends on this input now: a person or a request may be silent."""
        return name == "scene" or name in {"policy", "expert"} & set(self._parameters.value.drivers)

    def _on_engage(self, _request: Any, response: Any) -> Any:
        return self._answer(Ask.ENGAGE, response)

    def _on_disengage(self, _request: Any, response: Any) -> Any:
        return self._answer(Ask.DISENGAGE, response)

    def _answer(self, ask: Ask, response: Any) -> Any:
        """Ask the core at once, in a tick of its own."""
        answer = self._tick(ask) or Response(False, "internal", "the arbiter gave no answer")
        response.accepted, response.code, response.message = answer.accepted, answer.code, answer.message
        return response


def _scene_from_msg(msg: Any) -> Scene:
    """The parts of a takead_ros/Scene that the arbiter uses: ego, objects, route. No polylines, no controls."""
    return Scene(
        convert.stamp_from_msg(msg),
        convert.ego_from_msg(msg.ego),
        convert.objects_from_msg(msg.objects),
        (),
        convert.route_from_msg(msg.route),
    )
