"""Faults in closed loop: what becomes of the drive when a source dies, hangs, lies or comes late.

    python benchmarks/faults.py [--families A,B,..] [--seed S] [--moments 20] [--workers 2] [--model M] [--json FILE]

For each family one scenario is driven with the policy, the expert's takeovers and a joystick; at each of the moments,
spread over the healthy drive, every fault happens once and stays. The control is the healthy expert taking over at the
same moment: a collision counts as ``avoidable`` where the control has none. The table has, for each fault, the runs,
the states that they ended in, collisions, avoidable ones, runs with a tick without a defined command, and the distance
to the stop (median and most) of those that the minimum-risk manoeuvre stopped.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import copy
import json
import math
import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from takead_ros.domain.driving import ArbiterMode, DriveCommand, Trigger
from takead_ros.domain.driving import TakeoverRequest as Request
from takead_ros.host import qos
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, types
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.expert_node import ExpertNode
from takead_ros.nodes.joystick_node import JoystickNode, load_mapping
from takead_ros.nodes.monitor_node import MonitorNode
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.policy.model import load_model
from takead_ros.sim import scenarios
from takead_ros.sim.infractions import find_infractions
from takead_ros.sim.world import World

FAMILIES = "lead_hard_brake,cut_in,broken_down_car,pedestrian_from_van,intersection_left"
TICK = 50_000_000
AFTER_S = 12.0  # a run ends this long after its fault
STEERS_S = 1.5  # the person steers this long before the joystick is unplugged
REST = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]

# fault -> the topics that it is about and what happens to their messages (see Wire.change)
FAULTS: dict[str, tuple[tuple[str, ...], str]] = {
    "policy killed": (("policy/output",), "silent"),
    "policy hangs": (("policy/output",), "repeat"),
    "policy says NaN": (("policy/output",), "nan"),
    "policy late by 0.5 s": (("policy/output",), "late"),
    "expert killed": (("expert/output",), "silent"),
    "policy and expert killed": (("policy/output", "expert/output"), "silent"),
    "scene killed": (("scene",), "silent"),
    "scene frozen": (("scene",), "frozen"),
    "scene says NaN": (("scene",), "nan"),
    "scene late by 0.3 s": (("scene",), "late"),
    "half of all messages lost": (("scene", "policy/output", "expert/output"), "lossy"),
    "everything killed": (("scene", "policy/output", "expert/output", "takeover/request"), "silent"),
    "clock paused": ((), "pause"),
    "clock 5 s back": ((), "back"),
    "clock 10 s ahead": ((), "ahead"),
    "joystick unplugged in mid-turn": ((), "unplug"),
}
CONTROL = "healthy expert"


@dataclass(frozen=True)
class Run:
    """One run: ``collisions`` after the fault, ``stop_m``: way from the fault to the stop of the manoeuvre (None:
    it was none), ``undefined``: ticks without exactly one finite command."""

    family: str
    moment: float
    fault: str
    end: str
    collisions: int
    stop_m: float | None
    undefined: int


class Wire:
    """Stands between one node and its publisher, and breaks what passes once ``kind`` is set."""

    def __init__(self, publisher: Any, host: LockstepHost, rng: np.random.Generator) -> None:
        self._publisher, self._host, self._rng = publisher, host, rng
        self.kind = ""
        self._last: Any = None
        self._waiting: list[tuple[int, Any]] = []

    def publish(self, msg: Any) -> None:
        passed = self.change(msg)
        if not self.kind:
            self._last = msg
        if passed is not None:
            self._publisher.publish(passed)

    def change(self, msg: Any) -> Any:
        """What comes out instead of ``msg``; None: nothing."""
        now = self._host.steady.nanoseconds
        if self.kind == "silent" or (self.kind == "lossy" and self._rng.random() < 0.5):
            return None
        if self.kind == "repeat":
            return self._last
        if self.kind == "frozen":
            return changed(self._last, header=msg.header)
        if self.kind == "nan":
            if hasattr(msg, "ego"):
                return changed(msg, ego=changed(msg.ego, speed=math.nan))
            return changed(msg, steering_angle=math.nan)
        if self.kind == "late":
            self._waiting.append((now + (300 if hasattr(msg, "ego") else 500) * 1_000_000, msg))
            return self._waiting.pop(0)[1] if self._waiting[0][0] <= now else None
        return msg


def changed(msg: Any, **fields: Any) -> Any:
    """A copy of a message with other values; the original is shared with other nodes."""
    other = copy.copy(msg)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


class Handle:
    """A node handle whose publishers go through wires."""

    def __init__(self, node: Any, host: LockstepHost, wires: dict[str, Wire], rng: np.random.Generator) -> None:
        self._node, self._host, self._wires, self._rng = node, host, wires, rng

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def create_publisher(self, msg_type: Any, topic: str, profile: Any) -> Any:
        publisher = self._node.create_publisher(msg_type, topic, profile)
        if topic not in ("scene", "policy/output", "expert/output", "takeover/request"):
            return publisher
        return self._wires.setdefault(topic, Wire(publisher, self._host, self._rng))


class Drive:
    """All nodes of one run. The person at the joystick keeps hands off unless a fault wants them on."""

    def __init__(self, world: World, policy: Any, family: str, seed: int) -> None:
        world.reset(scenarios.build(family, seed))
        self.world, self.host, self.wires = world, LockstepHost(), dict[str, Wire]()
        rng = np.random.default_rng((seed, 20260))
        self.joystick = "rest"
        self.person = self.host.create_node("person")
        self._joy = self.person.create_publisher(types.Joy, "/joy", qos.SENSOR)
        self._ask = self.person.create_publisher(types.TakeoverRequest, "takeover/request", qos.REQUESTS)
        self.steering = 0.0
        self.asks = False
        self.commands: list[DriveCommand] = []
        self.mode = ArbiterMode.DISENGAGED
        self.person.create_subscription(types.PolicyOutput, "expert/output", self._on_expert, qos.OUTPUT)
        self.person.create_subscription(types.DriveCommand, "command", self._on_command, qos.COMMAND)
        self.person.create_subscription(types.ArbiterState, "arbiter/state", self._on_state, qos.STATE)

        def add(kind: Any, overrides: dict[str, Any], *rest: Any) -> Any:
            node = self.host.create_node(kind.NAME, parameter_overrides=overrides)
            return kind(Handle(node, self.host, self.wires, rng), self.host.steady, *rest)

        add(SimulatorNode, {}, world)
        add(PolicyNode, {}, policy)
        add(ExpertNode, {})
        add(MonitorNode, {})
        add(JoystickNode, {"mapping": "xbox"})
        self.person.create_timer(0.05, self._on_person, clock=self.host.steady)
        add(ArbiterNode, {"auto_engage": True})

    def _on_expert(self, msg: Any) -> None:
        self.steering = float(msg.steering_angle)

    def _on_command(self, msg: Any) -> None:
        self.commands.append(convert.command_from_msg(msg))

    def _on_state(self, msg: Any) -> None:
        self.mode = ArbiterMode(msg.state)

    def _on_person(self) -> None:
        if self.asks:
            asked = Request(self.host.clock.nanoseconds, Trigger.STUCK, 0.5)
            self._ask.publish(convert.request_to_msg(asked))
        if self.joystick == "unplugged":
            return
        axes = list(REST)
        if self.joystick == "steers":  # as the expert does, firmly enough to count as a touch
            stick = load_mapping("xbox").steering
            share = (min(abs(self.steering), stick.lock_rad) / stick.lock_rad) ** (1.0 / stick.exponent)
            axes[stick.axis] = math.copysign(
                min(share * (1.0 - stick.deadband) + stick.deadband + 1e-3, 1.0), self.steering
            )
        self._joy.publish(types.Joy(axes=axes, buttons=[0] * 11))

    def run_until(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> int:
        """Ticks on to ``seconds``; the number of ticks without exactly one finite command."""
        undefined = 0
        while not self.world.done and self.host.steady.nanoseconds < seconds * 1e9 and not stop():
            before = len(self.commands)
            self.host.advance(TICK)
            new = self.commands[before:]
            good = len(new) == 1 and math.isfinite(new[0].steering_angle) and math.isfinite(new[0].acceleration)
            undefined += not good
        return undefined


def drive(world: World, policy: Any, family: str, seed: int, moment: float, fault: str) -> Run:
    """One run with ``fault`` at ``moment`` s."""
    drive = Drive(world, policy, family, seed)
    topics, kind = FAULTS.get(fault, ((), ""))
    undefined = 0
    if kind == "unplug":
        undefined += drive.run_until(moment - STEERS_S)
        drive.joystick = "steers"
    undefined += drive.run_until(moment)
    begun, at = world.time, len(drive.commands)
    for topic in topics:
        drive.wires[topic].kind = kind
    if kind == "unplug":
        drive.joystick = "unplugged"
    elif kind == "pause":
        drive.host.pause_ros_time()
    elif kind in ("back", "ahead"):
        drive.host.jump_ros_time({"back": -5, "ahead": 10}[kind] * 1_000_000_000)
    drive.asks = fault == CONTROL
    undefined += drive.run_until(moment + AFTER_S, lambda: drive.mode is ArbiterMode.STOPPED)
    log = world.outcome()
    collisions = sum(bool(i.kind.startswith("collision") and i.time >= begun) for i in find_infractions(log))
    stop = None
    if drive.mode is ArbiterMode.STOPPED:
        x, y = log.x[min(at, len(log.x) - 1) :], log.y[min(at, len(log.y) - 1) :]
        stop = float(np.hypot(np.diff(x), np.diff(y)).sum())
    end = "arrived" if world.done and log.end.name == "GOAL" else drive.mode.name
    return Run(family, moment, fault, end, collisions, stop, undefined)


def family_runs(job: tuple[str, int, int, str]) -> list[Run]:
    """All runs of one family: the healthy drive, then each fault and the control at each moment."""
    family, seed, moments, model = job
    world, policy = World(), load_model(Path(model))
    try:
        healthy = Drive(world, policy, family, seed)
        healthy.run_until(60.0)
        length = min(world.time, 40.0)
        runs = []
        for moment in (np.linspace(0.1, 0.8, moments) if moments > 1 else np.array([0.45])) * length:
            at = round(float(moment) / 0.05) * 0.05 + STEERS_S * 0.1
            runs += [drive(world, policy, family, seed, at, fault) for fault in (CONTROL, *FAULTS)]
        return runs
    finally:
        world.close()


def table(runs: list[Run]) -> tuple[list[dict[str, Any]], float]:
    """A row for each fault, and the share of runs with an avoidable collision."""
    control = {(run.family, run.moment): run.collisions for run in runs if run.fault == CONTROL}
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.fault].append(run)
    rows: list[dict[str, Any]] = []
    for fault, group in groups.items():
        stops = [run.stop_m for run in group if run.stop_m is not None]
        rows.append(
            {
                "fault": fault, "runs": len(group), "ends": dict(Counter(run.end for run in group)),
                "collisions": sum(run.collisions > 0 for run in group),
                "avoidable": sum(run.collisions > 0 and not control[run.family, run.moment] for run in group),
                "undefined": sum(run.undefined > 0 for run in group),
                "stop_m": [float(np.median(stops)), max(stops)] if stops else None,
            }
        )  # fmt: skip
    faulty = [row for row in rows if row["fault"] != CONTROL]
    avoidable, number = (sum([row[name] for row in faulty]) for name in ("avoidable", "runs"))
    return rows, avoidable / max(number, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=FAMILIES)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default=str(Path(__file__).resolve().parent.parent / "models" / "baseline.onnx"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    jobs = [(family, arguments.seed, arguments.moments, arguments.model) for family in arguments.families.split(",")]
    runs: list[Run] = []
    with multiprocessing.get_context("spawn").Pool(arguments.workers, maxtasksperchild=1) as pool:
        for part in pool.imap_unordered(family_runs, jobs):
            runs += part
            if arguments.json:  # what is done is kept, whatever comes
                arguments.json.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n", encoding="utf-8")
    rows, share = table(sorted(runs, key=lambda run: (run.family, run.moment)))
    print("| fault | runs | ended | collisions | avoidable | undefined | stop m (median, most) |\n" + 7 * "|---" + "|")
    for row in rows:
        ends = ", ".join(f"{name} {number}" for name, number in sorted(row["ends"].items()))
        stop = f"{row['stop_m'][0]:.1f}, {row['stop_m'][1]:.1f}" if row["stop_m"] else "-"
        shown = (row["fault"], row["runs"], ends, row["collisions"], row["avoidable"], row["undefined"], stop)
        print("| " + " | ".join(str(cell) for cell in shown) + " |")
    print(
        f"\navoidable collisions: {100.0 * share:.2f} % of {sum(r['runs'] for r in rows if r['fault'] != CONTROL)} runs"
    )


if __name__ == "__main__":
    main()
