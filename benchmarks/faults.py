"""Faults in closed loop: what becomes of the drive when a source dies, hangs, lies or comes late.

    python benchmarks/faults.py [--families A,B,..] [--seeds 0-3] [--moments 20] [--model M] [--json FILE]
    python benchmarks/faults.py --part 1/3 --json A.json        one third of the faults at each moment, in turn
    python benchmarks/faults.py --merge A.json B.json C.json --markdown docs/results/faults.md

Each episode is driven once with everything healthy: policy, expert, monitor, and a person at the joystick with hands
off. At each of the moments, spread over the episodes of a family, the process forks, once for every fault: the child
goes on with that fault, which stays, until the vehicle stands, the episode ends or AFTER_S are over. So all faults of a
moment begin in the very same state. The control is a fork too: the healthy expert takes over at that moment and drives
on. A collision is ``avoidable`` where the control has none.

The table has, for each fault, the runs, what they ended in, runs with a collision, with an avoidable one, with a tick
without a defined command, the distance to the stop (median and most) of those that stopped, and the longest time from
the fault until neither axis was driven by the lost source any more.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import copy
import math
import pickle
import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from takead_ros import scenarios
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.driving import ArbiterMode, DriveCommand, Source, Trigger
from takead_ros.domain.driving import TakeoverRequest as Request
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import content_of, parse_json, write_record
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
from takead_ros.policy.model import load_model
from takead_ros.simulators import Simulator, open_simulator

FAMILIES = "lead_hard_brake,cut_in,broken_down_car,pedestrian_from_van,intersection_left"
TICK = 50_000_000
AFTER_S = 6.0  # a run ends this long after its fault
FIRST_S, LAST_SHARE = 1.5, 0.9  # the moments lie between this time and this share of the healthy drive
STEERS_S = 1.5  # the person steers this long before the joystick is unplugged
LATE_NS = {"scene": 300_000_000, "policy/output": 500_000_000, "expert/output": 500_000_000}
REST = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
POLICY, EXPERT, SCENE, MONITOR = (
    one.name for one in (interfaces.POLICY_OUTPUT, interfaces.EXPERT_OUTPUT, interfaces.SCENE, interfaces.REQUEST)
)

# fault -> the topics that it is about, what happens to their messages (see Wire.change), the source that is lost
FAULTS: dict[str, tuple[tuple[str, ...], str, Source]] = {
    "policy killed": ((POLICY,), "silent", Source.POLICY),
    "policy hangs and repeats itself": ((POLICY,), "repeat", Source.POLICY),
    "policy says NaN": ((POLICY,), "nan", Source.POLICY),
    "policy late by 0.5 s": ((POLICY,), "late", Source.POLICY),
    "half of the policy's messages lost": ((POLICY,), "lossy", Source.NONE),
    "expert killed": ((EXPERT,), "silent", Source.EXPERT),
    "expert hangs and repeats itself": ((EXPERT,), "repeat", Source.EXPERT),
    "expert says NaN": ((EXPERT,), "nan", Source.EXPERT),
    "expert late by 0.5 s": ((EXPERT,), "late", Source.EXPERT),
    "monitor killed": ((MONITOR,), "silent", Source.POLICY),
    "monitor hangs and repeats itself": ((MONITOR,), "repeat", Source.POLICY),
    "policy and expert killed": ((POLICY, EXPERT), "silent", Source.NONE),
    "scene killed": ((SCENE,), "silent", Source.NONE),
    "scene frozen but stamped anew": ((SCENE,), "frozen", Source.NONE),
    "scene says NaN": ((SCENE,), "nan", Source.NONE),
    "scene late by 0.3 s": ((SCENE,), "late", Source.NONE),
    "half of all messages lost": ((SCENE, POLICY, EXPERT, MONITOR), "lossy", Source.NONE),
    "everything killed": ((SCENE, POLICY, EXPERT, MONITOR), "silent", Source.NONE),
    "clock paused": ((), "pause", Source.NONE),
    "clock 5 s back": ((), "back", Source.NONE),
    "clock 10 s ahead": ((), "ahead", Source.NONE),
    "joystick unplugged in mid-turn": ((), "unplugged", Source.HUMAN),
    "joystick hangs in mid-turn": ((), "hangs", Source.HUMAN),
}
CONTROL = "healthy expert"
HANDS = ("unplugged", "hangs")  # faults of the joystick: before them, the person steers


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


class Wire:
    """Stands between one node and its publisher, and breaks what passes once ``kind`` is set."""

    def __init__(self, publisher: Any, topic: str, host: LockstepHost, rng: np.random.Generator) -> None:
        self._publisher, self._topic, self._host, self._rng = publisher, topic, host, rng
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
            if self._topic == SCENE:
                return changed(msg, ego=changed(msg.ego, speed=math.nan))
            return changed(msg, steering_angle=math.nan)
        if self.kind == "late":
            self._waiting.append((now + LATE_NS[self._topic], msg))
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
        if topic not in (SCENE, POLICY, EXPERT, MONITOR):
            return publisher
        return self._wires.setdefault(topic, Wire(publisher, topic, self._host, self._rng))


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


def forked(work: Callable[[], Any]) -> Any:
    """The result of ``work``, done by a fork of this process. Raises RuntimeError where it failed there."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(sender, "wb") as out:
                pickle.dump(work(), out)
        except BaseException:  # noqa: BLE001  (a fork must not go on as its parent)
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as source:
        result = source.read()
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("a run failed, see above")
    return pickle.loads(result)


def episode_runs(
    simulator: Simulator, policy: Any, family: str, seed: int, moments: int, part: tuple[int, int], faults: list[str]
) -> list[Run]:
    """The runs of one episode: the control and, of the faults, every n-th (of ``part``: k, n) at each of ``moments``,
    another one at the next moment; only ``faults``."""
    length = forked(lambda: _length(Drive(simulator, policy, family, seed)))
    drive, runs = Drive(simulator, policy, family, seed), []
    for number, share in enumerate((np.arange(moments) + 0.5) / moments):
        drive.run_until(round((FIRST_S + share * (LAST_SHARE * length - FIRST_S)) / 0.05) * 0.05)
        if drive.episode.done:
            raise RuntimeError(f"{family}, seed {seed}: the same drive ended earlier than before")
        mine = [fault for i, fault in enumerate(FAULTS) if (i + number + seed) % part[1] == part[0] and fault in faults]
        runs += [forked(partial(drive.branch, fault)) for fault in (CONTROL, *mine)]
    return runs


def _length(drive: Drive) -> float:
    drive.run_until(60.0)
    return drive.seconds


def table(runs: list[Run]) -> list[dict[str, Any]]:
    """A row for each fault."""
    control = {(run.family, run.seed, run.moment): run.collisions for run in runs if run.fault == CONTROL}
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.fault].append(run)
    rows: list[dict[str, Any]] = []
    for fault in (CONTROL, *FAULTS):
        group = groups[fault]
        if not group:
            continue
        hands = FAULTS[fault][1] in HANDS if fault in FAULTS else False
        later = STEERS_S if hands else 0.0
        stops = [run.stop_m for run in group if run.stop_m is not None]
        lost = [run.lost_s for run in group if run.lost_s is not None]
        rows.append(
            {
                "fault": fault, "runs": len(group), "ends": dict(Counter(run.end for run in group)),
                "collisions": sum(bool(run.collisions) for run in group),
                "avoidable": sum(
                    bool(run.collisions) and not control[run.family, run.seed, round(run.moment - later, 2)]
                    for run in group
                ) if fault != CONTROL else 0,
                "undefined": sum(run.undefined > 0 for run in group),
                "stop_m": [float(np.median(stops)), max(stops)] if stops else None,
                "lost_s": max(lost) if lost else None,
            }
        )  # fmt: skip
    return rows


def markdown(runs: list[Run]) -> str:
    rows = table(runs)
    lines = [
        "| fault | runs | ended | collisions | avoidable | undefined | stop m (median, most) | lost source drives s |",
        8 * "|---" + "|",
    ]
    for row in rows:
        ends = ", ".join(f"{name} {number}" for name, number in sorted(row["ends"].items()))
        stop = f"{row['stop_m'][0]:.1f}, {row['stop_m'][1]:.1f}" if row["stop_m"] else "-"
        lost = f"{row['lost_s']:.2f}" if row["lost_s"] is not None else "-"
        cells = (row["fault"], row["runs"], ends, row["collisions"], row["avoidable"], row["undefined"], stop, lost)
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    faulty = [row for row in rows if row["fault"] != CONTROL]
    number, avoidable, undefined = (sum(row[name] for row in faulty) for name in ("runs", "avoidable", "undefined"))
    moments = len({(run.family, run.seed, run.moment) for run in runs if run.fault == CONTROL})
    families = len({run.family for run in runs})
    lines.append(
        f"\n{number} runs with a fault: {len(faulty)} faults at {moments} moments in {families} families. Avoidable "
        f"collisions: {avoidable}, {100.0 * avoidable / max(number, 1):.2f} % of the runs (at most 2 % are allowed). "
        f"Runs with a tick without a defined command: {undefined}."
    )
    return "\n".join(lines) + "\n"


def _drive_all(arguments: argparse.Namespace) -> list[Run]:
    seeds, families = parse_seeds(arguments.seeds), arguments.families.split(",")
    faults = arguments.faults.split(",") if arguments.faults else list(FAULTS)
    k, n = (int(text) for text in arguments.part.split("/"))
    if arguments.moments % len(seeds):
        sys.exit(f"--moments {arguments.moments}: expected a multiple of the number of seeds, {len(seeds)}")
    runs: list[Run] = []
    simulator, policy = open_simulator("metadrive"), load_model(Path(arguments.model))
    try:
        for family in families:
            for seed in seeds:
                runs += episode_runs(
                    simulator, policy, family, seed, arguments.moments // len(seeds), (k - 1, n), faults
                )
                print(f"{family} {seed}: {len(runs)} runs", file=sys.stderr, flush=True)
                if arguments.json:  # what is done is kept, whatever comes
                    write_record(arguments.json, [asdict(run) for run in runs])
    finally:
        simulator.close()
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=FAMILIES)
    parser.add_argument("--seeds", default="0-3", help="episodes of each family, as takead eval names them")
    parser.add_argument("--moments", type=int, default=20, help="in each family, shared out over its episodes")
    parser.add_argument("--faults", help="only these, by name, separated by commas")
    parser.add_argument("--part", default="1/1", help="K/N: every N-th fault at each moment, in turn, beginning with K")
    parser.add_argument("--model", default=str(Path(__file__).resolve().parent.parent / "models" / "novice.onnx"))
    parser.add_argument("--json", type=new_file, help="where the runs are kept")
    parser.add_argument("--merge", type=Path, nargs="+", help="make the table of runs that were kept, drive nothing")
    parser.add_argument("--markdown", type=Path, help="write the table below the line '<!-- faults -->' of this file")
    arguments = parser.parse_args()
    if arguments.merge:
        kept = [entry for path in arguments.merge for entry in parse_json(content_of(path))]
        kept = list({tuple(e[n] for n in ("family", "seed", "moment", "fault")): e for e in kept}.values())
        runs = [Run(**{**entry, "collisions": tuple(entry["collisions"])}) for entry in kept]
    else:
        runs = _drive_all(arguments)
    text = markdown(runs)
    print(text)
    if arguments.markdown:
        mark = "<!-- faults -->\n"
        head = arguments.markdown.read_text("utf-8").split(mark)[0] if arguments.markdown.exists() else ""
        arguments.markdown.write_text(f"{head}{mark}\n{text}", "utf-8")


if __name__ == "__main__":
    end_with(main)
