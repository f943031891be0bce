"""Brings the managed nodes up in their order, and again when one was gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from takead_ros.domain.bring_up import (
    Managed,
    ManagedState,
    Patience,
    Transition,
    after_request,
    after_state,
    answered,
    next_asks,
)
from takead_ros.domain.units import SECOND
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import types
from takead_ros.nodes.diagnostics import PERIOD_S, Diagnostics, Level, Part
from takead_ros.nodes.parameters import Declared
from takead_ros.nodes.settings import SupervisorParameters

LOOK_S = 0.2
SILENT_NS = SECOND  # a node that does not say its state for so long is not there
# lifecycle_msgs/msg/State and Transition
STATES = {1: ManagedState.UNCONFIGURED, 2: ManagedState.INACTIVE, 3: ManagedState.ACTIVE, 4: ManagedState.FINALIZED}
TRANSITIONS = {Transition.CONFIGURE: 1, Transition.ACTIVATE: 3}


class SupervisorNode:
    """Asks each of ``managed`` for its state five times a second, and for what ``domain.bring_up`` says is next.

    A node that ended is started again by the launch; here it is configured and activated. One that somebody else
    deactivates is left alone until it is activated or gone. ``/diagnostics`` has a part for each. It needs ROS 2's
    lifecycle services, so it runs under that host only. Parameters: ``SupervisorParameters``.
    """

    NAME = "supervisor_node"

    def __init__(self, node: NodeHandle, steady: Clock) -> None:
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
        p = Declared(node, self.NAME, SupervisorParameters).value
        self._patience = Patience(round(p.answer_s * SECOND), round(p.retry_s * SECOND), round(p.absent_s * SECOND))
        states = types.service("lifecycle_msgs/srv/GetState")
        self._change = types.service("lifecycle_msgs/srv/ChangeState")
        self._get = states.Request
        self._state = {name: node.create_client(states, f"{name}/get_state") for name in p.managed}
        self._changes = {name: node.create_client(self._change, f"{name}/change_state") for name in p.managed}
        now = self._now()
        self._nodes = {name: Managed(name, since=now) for name in p.managed}
        self._looking: dict[str, tuple[Any, int]] = {}  # the question that is out, and since when
        self._diagnostics = Diagnostics(node)
        node.create_timer(LOOK_S, self._on_look, clock=steady)
        node.create_timer(PERIOD_S, self._on_report, clock=steady)

    def _on_look(self) -> None:
        now = self._now()
        for name in self._nodes:
            self._look(name, now)
        for node, what in next_asks(tuple(self._nodes.values()), now, self._patience):
            self._ask(node, what, now)

    def _look(self, name: str, now: int) -> None:
        client, out = self._state[name], self._looking.get(name)
        if out is not None and now - out[1] < SILENT_NS:
            return
        if out is not None:
            client.remove_pending_request(out[0])
            self._on_phase(name, ManagedState.ABSENT)
        if not client.service_is_ready():
            self._looking.pop(name, None)
            self._on_phase(name, ManagedState.ABSENT)
            return
        future = client.call_async(self._get())
        self._looking[name] = future, now
        future.add_done_callback(lambda done: self._on_state(name, done))

    def _on_state(self, name: str, done: Any) -> None:
        if self._looking.get(name, (None, 0))[0] is not done:
            return
        del self._looking[name]
        self._on_phase(name, STATES.get(done.result().current_state.id, ManagedState.CHANGING))

    def _on_phase(self, name: str, phase: ManagedState) -> None:
        self._keep(after_state(self._nodes[name], phase, self._now(), self._patience))

    def _keep(self, after: Managed) -> None:
        name, before = after.name, self._nodes[after.name]
        self._nodes[name] = after
        if after.losses > before.losses:
            self._logger.error(f"{name}: was active and is {after.phase.value} now; it is brought up again")
        elif after.phase is ManagedState.ACTIVE and before.phase is not ManagedState.ACTIVE:
            self._logger.info(f"{name}: active")
        elif after.left and not before.left:
            self._logger.warning(f"{name}: deactivated by somebody; it is left so until it is activated")

    def _ask(self, node: Managed, what: Transition, now: int) -> None:
        request = self._change.Request()
        request.transition.id = TRANSITIONS[what]
        self._nodes[node.name] = after_request(node, what, now)
        future = self._changes[node.name].call_async(request)
        future.add_done_callback(lambda done: self._on_answer(node.name, what, done))

    def _on_answer(self, name: str, what: Transition, done: Any) -> None:
        node = self._nodes[name]
        if node.request is not what:
            return  # a late answer
        success = bool(done.result().success)
        if not success and node.refused is not what:
            self._logger.error(f"{name}: refuses to {what.value}, its own log says why; asked again from time to time")
        out = self._looking.pop(name, None)  # it may say what was before this
        if out is not None:
            self._state[name].remove_pending_request(out[0])
        self._keep(answered(node, success, self._now(), self._patience))

    def _on_report(self) -> None:
        now = self._now()
        parts = [replace(_part(node), values=_figures(node, now)) for node in self._nodes.values()]
        self._diagnostics.publish(int(self._clock.now().nanoseconds), *parts)

    def _now(self) -> int:
        return int(self._steady.now().nanoseconds)


def _figures(node: Managed, now: int) -> dict[str, object]:
    return {"phase": node.phase.value, "losses": node.losses, "since_s": f"{(now - node.since) / SECOND:.1f}"}


def _part(node: Managed) -> Part:
    if node.phase is ManagedState.ACTIVE:
        return Part(node.name, Level.OK, "active")
    if node.left:
        return Part(node.name, Level.WARN, f"{node.phase.value}: deactivated by somebody, activate it to go on")
    if node.refused is not None:
        return Part(node.name, Level.ERROR, f"refuses to {node.refused.value}: its own log says why")
    if node.phase is ManagedState.ABSENT:
        return Part(node.name, Level.ERROR, "does not answer: not started, or being started again")
    return Part(node.name, Level.WARN, f"{node.phase.value}: being brought up")
