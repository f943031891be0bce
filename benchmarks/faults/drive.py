"""One drive with all its nodes and a person at the joystick, and what becomes of it with a fault."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.faults.wires import CONTROL, FAULTS, HANDS, Handle, Wire
from takead_ros import scenarios
from takead_ros.domain.driving import ArbiterMode, DriveCommand, Source, Trigger
from takead_ros.domain.driving import TakeoverRequest as Request
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.measures.infractions import find_infractions
from takead_ros.messages import convert, interfaces, types
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.expert_node import ExpertNode
from takead_ros.nodes.joystick_mapping import load_mapping
from takead_ros.nodes.joystick_node import JoystickNode
from takead_ros.nodes.monitor_node import MonitorNode
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.simulators import Simulator

TICK = 50_000_000
AFTER_S = 6.0  # a run ends this long after its fault
STEERS_S = 1.5  # the person steers this long before the joystick is unplugged
REST = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]


@dataclass(frozen=True)
class Run:
    """One run: ``collisions`` after the fault (their kinds), ``stop_m``: way from the fault to the stop (None: it was
    none), ``undefined``: ticks without a command or with one that is not finite, ``lost_s``: until the lost source
    drove no axis any more (None: it did not drive)."""

    family: str
    seed: int
    moment: float
    fault: str
    end: str
    collisions: tuple[str, ...]
    stop_m: float | None
    undefined: int
    lost_s: float | None


class Drive:
    """All nodes of one episode. The person at the joystick keeps hands off unless a fault wants them on."""

    def __init__(self, simulator: Simulator, policy: Any, family: str, seed: int) -> None:
        self.episode = simulator.reset(scenarios.build(family, seed))
        self.host, self.wires = LockstepHost(), dict[str, Wire]()
        self.family, self.seed = family, seed
        rng = np.random.default_rng((seed, 20260))
        self.joystick = "rest"
        self.person = self.host.create_node("person")
        self._joy = wiring.publisher(self.person, interfaces.JOY)
        self._ask = wiring.publisher(self.person, interfaces.REQUEST)
        self._pressed: Any = None
        self.steering = 0.0
        self.asks = False
        self.commands: list[tuple[int, DriveCommand]] = []  # steady time (ns) and command
        self.mode = ArbiterMode.DISENGAGED
        wiring.subscription(self.person, interfaces.EXPERT_OUTPUT, self._on_expert)
        wiring.subscription(self.person, interfaces.COMMAND, self._on_command)
        wiring.subscription(self.person, interfaces.ARBITER_STATE, self._on_state)

        def add(kind: Any, overrides: dict[str, Any], *rest: Any) -> Any:
            node = self.host.create_node(kind.NAME, parameter_overrides=overrides)
            return kind(Handle(node, self.host, self.wires, rng), self.host.steady, *rest)

        add(SimulatorNode, {}, self.episode)
        add(PolicyNode, {}, policy)
        add(ExpertNode, {})
        add(MonitorNode, {})
        add(JoystickNode, {"mapping": "xbox"})
        self.person.create_timer(0.05, self._on_person, clock=self.host.steady)
        add(ArbiterNode, {"auto_engage": True, "goal_stop": False})

    @property
    def seconds(self) -> float:
        return self.host.steady.nanoseconds / 1e9

    def _on_expert(self, msg: Any) -> None:
        self.steering = float(msg.steering_angle)

    def _on_command(self, msg: Any) -> None:
        self.commands.append((self.host.steady.nanoseconds, convert.command_from_msg(msg)))

    def _on_state(self, msg: Any) -> None:
        self.mode = ArbiterMode(msg.state)

    def _on_person(self) -> None:
        if self.asks:
            asked = Request(self.host.clock.nanoseconds, Trigger.STUCK, 0.5)
            self._ask.publish(convert.request_to_msg(asked))
        if self.joystick == "unplugged":
            return
        if self.joystick != "hangs":
            axes = list(REST)
            if self.joystick == "steers":  # as the expert does, firmly enough to count as a touch
                stick = load_mapping("xbox").steering
                share = (min(abs(self.steering), stick.lock_rad) / stick.lock_rad) ** (1.0 / stick.exponent)
                axes[stick.axis] = math.copysign(
                    min(share * (1.0 - stick.deadband) + stick.deadband + 1e-3, 1.0), self.steering
                )
            header = convert.header_to_msg(self.host.clock.nanoseconds, "")
            self._pressed = types.Joy(header=header, axes=axes, buttons=[0] * 11)
        self._joy.publish(self._pressed)

    def run_until(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> int:
        """Ticks on to ``seconds``; the number of ticks without a command, or with one that is not finite."""
        undefined = 0
        while not self.episode.done and self.host.steady.nanoseconds < round(seconds * 1e9) and not stop():
            before = len(self.commands)
            self.host.advance(TICK)
            new = [command for _, command in self.commands[before:]]
            good = new and all(math.isfinite(c.steering_angle) and math.isfinite(c.acceleration) for c in new)
            undefined += not good
        return undefined

    def branch(self, fault: str) -> Run:
        """From here on with ``fault`` (or CONTROL), to the end of the run."""
        topics, kind, lost = FAULTS.get(fault, ((), "", Source.NONE))
        undefined = 0
        if kind in HANDS:
            self.joystick = "steers"
            undefined += self.run_until(self.seconds + STEERS_S)
            self.joystick = kind
        begun, at, start = self.episode.time_s, len(self.episode.outcome().x) - 1, self.host.steady.nanoseconds
        for topic in topics:
            self.wires[topic].kind = kind
        if kind == "pause":
            self.host.pause_ros_time()
        elif kind in ("back", "ahead"):
            self.host.jump_ros_time({"back": -5, "ahead": 10}[kind] * 1_000_000_000)
        self.asks = fault == CONTROL
        drove = bool(self.commands) and lost in (self.commands[-1][1].lateral, self.commands[-1][1].longitudinal)
        undefined += self.run_until(self.seconds + AFTER_S, lambda: self.mode is ArbiterMode.STOPPED)
        log = self.episode.outcome()
        collisions = tuple(
            i.kind for i in find_infractions(log) if i.kind.startswith("collision") and i.time >= begun - 1e-9
        )
        stop = None
        if self.mode is ArbiterMode.STOPPED:
            stop = float(np.hypot(np.diff(log.x[at:]), np.diff(log.y[at:])).sum())
        used = [when for when, c in self.commands if when > start and lost in (c.lateral, c.longitudinal)]
        lost_s = (max(used, default=start) - start) / 1e9 if drove and lost is not Source.NONE else None
        arrived = self.episode.done and log.end.name == "GOAL"
        end = "arrived" if arrived else self.mode.name
        return Run(self.family, self.seed, round(start / 1e9, 2), fault, end, collisions, stop, undefined, lost_s)
