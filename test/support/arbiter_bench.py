"""The arbiter as a node in a lockstep host, with a world that drives straight on around it."""

from __future__ import annotations

from typing import Any

from support.scenery import TICK, output, request, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import Trigger
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.monitor_node import MonitorNode


class Bench:
    """The arbiter (and what else a test asks for) in a lockstep host, with a world that drives straight on."""

    def __init__(self, *others: Any, **parameters: Any) -> None:
        self.host = LockstepHost(start_ns=10 * SECOND)
        self.world = self.host.create_node("world")
        self.scenes = wiring.publisher(self.world, interfaces.SCENE)
        self.policy = wiring.publisher(self.world, interfaces.POLICY_OUTPUT)
        self.expert = wiring.publisher(self.world, interfaces.EXPERT_OUTPUT)
        self.requests = wiring.publisher(self.world, interfaces.REQUEST)
        self.joy = wiring.publisher(self.world, interfaces.JOY)
        self.sends = {"scene", "policy", "expert", "monitor"} - ({"monitor"} if MonitorNode in others else set())
        self.near: Any = None
        self.trigger = Trigger.NONE
        self.world.create_timer(0.05, self._on_world, clock=self.host.steady)
        self.others = [kind(self.host.create_node(kind.NAME), self.host.steady) for kind in others]
        self.handle = self.host.create_node("arbiter_node", parameter_overrides=parameters)
        self.arbiter = ArbiterNode(self.handle, self.host.steady)
        self.commands: list[Any] = []
        self.states: list[Any] = []
        self.events: list[Any] = []
        self.asked: list[Any] = []
        self.health: list[Any] = []
        self.told: list[Any] = []
        for interface, kept in (
            (interfaces.COMMAND, self.commands),
            (interfaces.ARBITER_STATE, self.states),
            (interfaces.EVENT, self.events),
            (interfaces.REQUEST, self.asked),
            (interfaces.DIAGNOSTICS, self.health),
            (interfaces.OPERATOR_STATUS, self.told),
        ):
            wiring.subscription(self.world, interface, kept.append)

    def _on_world(self) -> None:
        now = self.host.clock.nanoseconds
        x = 10.0 * self.host.steady.nanoseconds / SECOND
        if "scene" in self.sends:
            self.scenes.publish(convert.scene_to_msg(scene(now, x, near=self.near)))
        for name, publisher in (("policy", self.policy), ("expert", self.expert)):
            if name in self.sends:
                publisher.publish(convert.driver_to_msg(output(now, name)))
        if "monitor" in self.sends:
            self.requests.publish(convert.request_to_msg(request(now, self.trigger)))

    def ticks(self, number: int = 1) -> None:
        self.host.advance(number * TICK)

    def call(self, kind: Any, name: str) -> Any:
        future = self.world.create_client(kind, name).call_async(kind.Request())
        self.host.advance(0)
        assert future.done()
        return future.result()

    @property
    def mode(self) -> M:
        return M(self.states[-1].state)
