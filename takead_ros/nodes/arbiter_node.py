"""The arbiter as a node: a command at every tick of the steady clock, whatever the inputs and ``/clock`` do."""

from __future__ import annotations

from functools import partial
from typing import Any

from takead_ros.domain.driving import DriveCommand, Source
from takead_ros.domain.scene import Scene
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.arbiter_report import ArbiterOutput
from takead_ros.nodes.inputs import InputBox
from takead_ros.nodes.parameters import Declared
from takead_ros.takeover.arbiter import step
from takead_ros.takeover.inputs import Ask, Inputs, Now
from takead_ros.takeover.memory import ArbiterMemory, Response
from takead_ros.takeover.parameters import ArbiterParameters


class ArbiterNode:
    """Subscribes ``scene``, ``policy/output``, ``expert/output``, ``human/command``, ``takeover/request``; publishes
    ``command`` (at every tick of the timer, and at once when a person takes an axis), ``arbiter/state`` and
    ``operator/status`` (on change and every second), ``takeover/event``, ``/diagnostics``; serves
    ``engage`` and ``disengage``.

    Parameters: the fields of ``ArbiterParameters``. Raises TakeadError for a value that does not fit.
    """

    NAME = "arbiter_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
        self._parameters = Declared(node, self.NAME, ArbiterParameters)
        self._state = ArbiterMemory()
        self._boxes: dict[str, InputBox] = {}
        self._drove = (Source.NONE, Source.NONE)  # lateral and longitudinal, in the last command
        self._extra = False  # whether there was a tick between two of the timer's
        self._output = ArbiterOutput(node)
        for name, interface, read in (
            ("scene", interfaces.SCENE, _scene_from_msg),
            ("policy", interfaces.POLICY_OUTPUT, convert.driver_from_msg),
            ("expert", interfaces.EXPERT_OUTPUT, convert.driver_from_msg),
            ("human", interfaces.HUMAN_COMMAND, convert.command_from_msg),
            ("request", interfaces.REQUEST, convert.request_from_msg),
        ):
            self._boxes[name] = InputBox(read)
            wiring.subscription(node, interface, partial(self._on_input, name))
        wiring.server(node, interfaces.ENGAGE, partial(self._on_asked, Ask.ENGAGE))
        wiring.server(node, interfaces.DISENGAGE, partial(self._on_asked, Ask.DISENGAGE))
        node.create_timer(self._parameters.value.period_s, self._on_timer, clock=steady)

    def _on_input(self, name: str, msg: Any) -> None:
        box = self._boxes[name]
        if not box.take(msg, self._steady.now().nanoseconds) or box.newest is None:
            return
        if name == "human" and not self._extra and self._takes(box.newest.value):
            self._extra = True
            self._tick(Ask.NOTHING)

    def _takes(self, human: DriveCommand) -> bool:
        """Whether a person touches an axis that somebody else drives: that is answered at once, in a tick of its own,
        at most one between two of the timer's."""
        asked = zip((human.lateral, human.longitudinal), self._drove, strict=True)
        taken = any(wants is Source.HUMAN and drives is not Source.HUMAN for wants, drives in asked)
        return taken and "human" in self._parameters.value.drivers

    def _on_timer(self) -> None:
        self._extra = False
        self._tick(Ask.NOTHING)

    def _on_asked(self, ask: Ask, _request: Any, response: Any) -> Any:
        """Ask the core at once, in a tick of its own."""
        answer = self._tick(ask) or Response(False, "internal", "the arbiter gave no answer")
        response.accepted, response.code, response.message = answer.accepted, answer.code, answer.message
        return response

    def _tick(self, ask: Ask) -> Response | None:
        now = Now(self._clock.now().nanoseconds, self._steady.now().nanoseconds)
        newest: dict[str, Any] = {name: box.newest for name, box in self._boxes.items()}
        self._state, command, events = step(self._state, Inputs(**newest, ask=ask), now, self._parameters.value)
        self._drove = (command.lateral, command.longitudinal)
        for event in events:
            self._logger.info(f"takeover {event.takeover}: {event.kind.name} {event.who.name} ({event.why})")
        self._output.publish(self._state, command, events, self._boxes, self._parameters.value, now)
        return self._state.response


def _scene_from_msg(msg: Any) -> Scene:
    """The parts of a takead_ros/Scene that the arbiter uses: ego, objects, route. No polylines, no controls."""
    return Scene(
        convert.stamp_from_msg(msg),
        convert.ego_from_msg(msg.ego),
        convert.objects_from_msg(msg.objects),
        (),
        convert.route_from_msg(msg.route),
    )
