"""Nodes that answer the supervisor as no managed node should: any state, any verdict, nothing at all, gone and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from rosbags.typesys import get_types_from_msg

from support.fuzz import Random, odd_message
from takead_ros.domain.bring_up import ManagedState, Transition
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import interfaces, store, types
from takead_ros.nodes.settings import SupervisorParameters
from takead_ros.nodes.supervisor_node import STATES, TRANSITIONS, SupervisorNode

# lifecycle_msgs/srv of ROS 2, which rosbags does not know; their messages it does.
DEFINITIONS = {
    "GetState_Request": "",
    "GetState_Response": "lifecycle_msgs/State current_state",
    "ChangeState_Request": "lifecycle_msgs/Transition transition",
    "ChangeState_Response": "bool success",
}
IDS = {state: number for number, state in STATES.items()}
AFTER = {
    TRANSITIONS[Transition.CONFIGURE]: (ManagedState.UNCONFIGURED, ManagedState.INACTIVE),
    TRANSITIONS[Transition.ACTIVATE]: (ManagedState.INACTIVE, ManagedState.ACTIVE),
}

WAITS, SHARES = (0, 7_000_000, 200_000_000, 1_300_000_000, 25 * SECOND), (0.05, 0.15, 0.6, 0.18, 0.02)


def know_lifecycle_services() -> None:
    """Let the lockstep host know these services."""
    if "lifecycle_msgs/srv/GetState_Request" in store.typestore().fielddefs:
        return
    made = {}
    for name, text in DEFINITIONS.items():
        (definition,) = get_types_from_msg(text, f"lifecycle_msgs/msg/{name}").values()
        made[f"lifecycle_msgs/srv/{name}"] = definition
    store.typestore().register(made)


class OddNode:
    """A managed node's two services. ``odd``: as it likes; else as ROS 2's managed nodes do."""

    def __init__(self, node: Any, name: str, random: Random) -> None:
        self._node, self._name, self._random = node, name, random
        self.odd, self.answers, self.state = True, 0, ManagedState.UNCONFIGURED
        self.others: list[OddNode] = []  # may end while this one answers
        self._offered: list[Any] = []
        self.come()

    def come(self) -> None:
        """Offer what is not offered: both services, or only one where it is odd."""
        if not self._offered:
            kinds = [("GetState", "get_state", self._tell), ("ChangeState", "change_state", self._change)]
            if self.odd and not self._random.integers(4):
                del kinds[self._random.integers(2)]
            for kind, word, answer in kinds:
                service = types.service(f"lifecycle_msgs/srv/{kind}")
                self._offered.append(self._node.create_service(service, f"{self._name}/{word}", answer))

    def go(self) -> None:
        """The process ended: what is under way is never answered."""
        for service in self._offered:
            self._node.destroy_service(service)
        self._offered, self.state = [], ManagedState.UNCONFIGURED

    def _count(self) -> None:
        self.answers += 1
        if self.odd and not self._random.integers(10):
            self.others[self._random.integers(len(self.others))].go()  # its requests that are out stay without answer

    def _tell(self, request: Any, response: Any) -> Any:
        self._count()
        if self.odd and self._random.integers(2):
            return odd_message("lifecycle_msgs/srv/GetState_Response", self._random)
        state = list(STATES)[self._random.integers(len(STATES))] if self.odd else IDS[self.state]
        response.current_state.id = state
        return response

    def _change(self, request: Any, response: Any) -> Any:
        self._count()
        assert request.transition.id in TRANSITIONS.values()
        if self.odd:
            response.success = bool(self._random.integers(2))
            return response
        needed, after = AFTER[request.transition.id]
        response.success = self.state is needed
        self.state = after if response.success else self.state
        return response


def fuzz_answers(count: int, seed: int) -> dict[str, int]:
    """Give a fresh supervisor ``count`` answers, then sense: every node becomes active within a minute.

    Raises AssertionError where it asks for what does not exist, is silent or does not get there; and what it raises.
    """
    know_lifecycle_services()
    random, host = np.random.default_rng(seed), LockstepHost(SECOND)
    SupervisorNode(host.create_node(SupervisorNode.NAME), host.steady)
    other = host.create_node("fuzz")
    nodes = [OddNode(other, name, random) for name in SupervisorParameters().managed]
    for one in nodes:
        one.others = [other for other in nodes if other is not one]
    heard: list[Any] = []
    wiring.subscription(other, interfaces.DIAGNOSTICS, heard.append)
    while sum(one.answers for one in nodes) < count:
        one = nodes[random.integers(len(nodes))]
        if not random.integers(30):
            one.go()
        elif not random.integers(3):
            one.come()
        host.advance(int(random.choice(WAITS, p=SHARES)))
    for one in nodes:
        one.odd = False
        one.go()
    host.advance(30 * SECOND)  # all are gone for longer than anything is waited for
    for one in nodes:
        one.come()
    said = len(heard)
    host.advance(60 * SECOND)
    assert all(one.state is ManagedState.ACTIVE for one in nodes), f"{[one.state for one in nodes]} (seed {seed})"
    assert [part.level for part in heard[-1].status] == [types.DiagnosticStatus.OK] * len(nodes)
    assert said > 0 or count < 100
    return {"/diagnostics": len(heard), "answers": sum(one.answers for one in nodes)}
