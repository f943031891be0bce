"""Throughput of the full stack against the bare simulator: ``python benchmarks/loop.py [--json FILE]``.

Full stack: simulator, policy, expert in its shadow, monitor, arbiter and recorder in the lockstep host, takeovers
allowed and recorded. Bare: the same simulator stepped with the very commands that the full stack gave, over the same
ticks; nobody looks at it. Both alternate, so that what else the machine does falls on both; the ratio is the median
over the repetitions. CPU time is that of the whole process, the recorder's writing thread included; wall time is
beside it.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, thread_time
from typing import Any

from takead_ros import scenarios
from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.console import ProgressBars
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.host import bus, lockstep
from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.messages import codec
from takead_ros.runs.drive import run_episodes
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_ros.runs.results import EpisodeResult
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace
from takead_ros.scenarios.spec import Scenario
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators import Episode, Simulator, open_simulator

REQUIRED = 0.5  # of the bare simulator's steps per second
FIRST_SEED = 3_000_000  # training seeds: a benchmark has no business with the evaluation's
OWNER = re.compile(r"'(?:[^']*/)?(\w+)'")  # the node in "node '/takead/expert_node', topic ..."
STEP, OBSERVE, PACK, REST = "simulator: step", "simulator: observe", "recorder: CDR of its topics", "host, disk thread"


@dataclass(frozen=True)
class Spent:
    """Seconds of CPU and wall time, or a ratio of two such."""

    cpu: float
    wall: float

    @staticmethod
    def now() -> Spent:
        return Spent(process_time(), perf_counter())

    def since(self, start: Spent) -> Spent:
        return Spent(self.cpu - start.cpu, self.wall - start.wall)


class MeasuredEpisode:
    """Remembers the commands of an episode and the moment at which it was over; times itself where asked to."""

    def __init__(self, episode: Episode, parts: defaultdict[str, float] | None) -> None:
        self._episode, self._parts = episode, parts
        self.scenario, self.step_s, self.verdict = episode.scenario, episode.step_s, episode.verdict
        self.commands: list[tuple[float, float]] = []
        self.over = Spent.now()

    @property
    def time_s(self) -> float:
        return self._episode.time_s

    @property
    def done(self) -> bool:
        return self._episode.done

    def step(self, steering_angle: float, acceleration: float) -> None:
        self.commands.append((steering_angle, acceleration))
        start = thread_time()
        self._episode.step(steering_angle, acceleration)
        if self._parts is not None:
            self._parts[STEP] += thread_time() - start

    def observe(self, stamp: int | None = None) -> Scene:
        start = thread_time()
        scene = self._episode.observe(stamp)
        if self._parts is not None:
            self._parts[OBSERVE] += thread_time() - start
        return scene

    def outcome(self) -> EpisodeLog:
        self.over = Spent.now()
        return self._episode.outcome()


class MeasuredSimulator:
    """The simulator whose episodes are measured; ``parts``: where their CPU seconds are added, if anywhere."""

    def __init__(self) -> None:
        self._simulator = open_simulator("metadrive")
        self.name, self.close = self._simulator.name, self._simulator.close
        self.parts: defaultdict[str, float] | None = None

    def reset(self, scenario: Scenario, offset_m: float = 0.0, turn_rad: float = 0.0) -> MeasuredEpisode:
        self.episode = MeasuredEpisode(self._simulator.reset(scenario, offset_m, turn_rad), self.parts)
        return self.episode


@dataclass
class Family:
    """The measurements of one family's episode, one entry a repetition."""

    steps: int = 0
    full: list[Spent] = field(default_factory=list)
    bare: list[Spent] = field(default_factory=list)

    def ratio(self) -> Spent:
        """Bare over full time, that is full over bare steps a second; the median over the repetitions."""
        pairs = list(zip(self.bare, self.full, strict=True))
        return Spent(median(b.cpu / f.cpu for b, f in pairs), median(b.wall / f.wall for b, f in pairs))


@contextmanager
def timed_callbacks(parts: defaultdict[str, float]) -> Iterator[None]:
    """Adds to ``parts`` the CPU seconds of each node's callbacks, and of packing messages for raw subscriptions."""
    original, serialize = bus.guarded, codec.serialize
    packed = 0.0

    def guarded(where: str, callback: Callable[..., Any], *arguments: Any) -> Any:
        found, start, before = OWNER.search(where), thread_time(), packed
        try:
            return original(where, callback, *arguments)
        finally:
            parts[found.group(1) if found else where] += thread_time() - start - (packed - before)

    def pack(msg: Any, anew: bool = False) -> bytes:
        nonlocal packed
        start = thread_time()
        data = serialize(msg, anew)
        spent = thread_time() - start
        packed += spent
        parts[PACK] += spent
        return data

    bus.guarded = lockstep.guarded = guarded  # type: ignore[attr-defined]
    codec.serialize = pack
    try:
        yield
    finally:
        bus.guarded = lockstep.guarded = original  # type: ignore[attr-defined]
        codec.serialize = serialize


def drive(runner: EpisodeRunner, simulator: MeasuredSimulator, spec: EpisodeSpec) -> tuple[Spent, EpisodeResult]:
    """What the ticks of one episode of the full stack cost (loading, resetting and scoring are left out)."""
    started: list[Spent] = []
    result = runner.run(spec, lambda host: started.append(Spent.now()))
    return simulator.episode.over.since(started[0]), result


def step_bare(simulator: Simulator, spec: EpisodeSpec, commands: list[tuple[float, float]]) -> tuple[Spent, EpisodeLog]:
    """What the same steps cost without anybody around the simulator."""
    episode = simulator.reset(scenarios.build(spec.family, spec.seed))
    start = Spent.now()
    for steering_angle, acceleration in commands:
        episode.step(steering_angle, acceleration)
    return Spent.now().since(start), episode.outcome()


def components(
    runner: EpisodeRunner, simulator: MeasuredSimulator, specs: list[EpisodeSpec]
) -> tuple[defaultdict[str, float], int]:
    """CPU seconds of each component over one more run of every episode, and its number of steps."""
    parts: defaultdict[str, float] = defaultdict(float)
    total, steps = 0.0, 0
    for spec in specs:
        simulator.parts = parts
        with timed_callbacks(parts):
            total += drive(runner, simulator, spec)[0].cpu
        simulator.parts = None
        steps += len(simulator.episode.commands)
    parts["simulator_node"] -= parts[STEP] + parts[OBSERVE]
    parts[REST] = total - sum(parts.values())
    return parts, steps


def measure(suite: str, model: str, repetitions: int, bags: Path) -> dict[str, Any]:
    """Everything but the scaling. Raises TakeadError where the bare run does not end where the full one did."""
    families = load_suite(suite).families
    specs = [EpisodeSpec(suite, f, FIRST_SEED, model, True, str(bags)) for f in families]
    simulator = MeasuredSimulator()
    runner = EpisodeRunner(simulator)
    rows = {family: Family() for family in families}
    takeovers = 0
    drive(runner, simulator, specs[0])  # warms caches up
    for spec in specs * repetitions:
        row = rows[spec.family]
        full, result = drive(runner, simulator, spec)
        log, commands = simulator.episode.outcome(), simulator.episode.commands
        bare, alone = step_bare(simulator, spec, commands)
        if (alone.x != log.x).any():
            raise TakeadError(f"{spec.key}: the bare simulator went elsewhere with the same commands")
        row.steps = len(commands)
        row.full.append(full)
        row.bare.append(bare)
        takeovers += len(result.triggers)
    parts, steps = components(runner, simulator, specs)
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    runner.close()
    together = Family(
        sum(row.steps for row in rows.values()),
        [_sum(row.full[i] for row in rows.values()) for i in range(repetitions)],
        [_sum(row.bare[i] for row in rows.values()) for i in range(repetitions)],
    )
    return {
        "suite": suite,
        "seed": FIRST_SEED,
        "model": Path(model).name,
        "repetitions": repetitions,
        "takeovers": takeovers // repetitions,
        "ratio": _figures(together),
        "families": {family: _figures(row) for family, row in rows.items()},
        "components_ms_per_step": {name: 1e3 * spent / steps for name, spent in ordered},
    }


def _sum(spent: Iterator[Spent]) -> Spent:
    every = list(spent)
    return Spent(sum(s.cpu for s in every), sum(s.wall for s in every))


def _figures(row: Family) -> dict[str, Any]:
    ratio = row.ratio()
    return {
        "steps": row.steps,
        "cpu": ratio.cpu,
        "wall": ratio.wall,
        "full_cpu_ms_per_step": 1e3 * median(s.cpu for s in row.full) / row.steps,
        "bare_cpu_ms_per_step": 1e3 * median(s.cpu for s in row.bare) / row.steps,
        "full_wall_ms_per_step": 1e3 * median(s.wall for s in row.full) / row.steps,
        "bare_wall_ms_per_step": 1e3 * median(s.wall for s in row.bare) / row.steps,
    }


def scaling(suite: str, model: str, episodes: int) -> dict[str, float]:
    """Wall seconds of one evaluation by one worker and by two, both started and warm."""
    families = load_suite(suite).families
    warm = [EpisodeSpec(suite, families[0], FIRST_SEED + i, model, True) for i in range(2)]
    specs = [EpisodeSpec(suite, families[i % len(families)], FIRST_SEED + 2 + i, model, True) for i in range(episodes)]
    seconds: dict[str, float] = {}
    for workers in (1, 2):
        with open_workers(EpisodeRunner, Workplace(workers)) as pool, ProgressBars() as progress:
            run_episodes(warm, pool, None, progress, f"{workers} workers, warming up")
            start = perf_counter()
            run_episodes(specs, pool, None, progress, f"{workers} workers")
            seconds[f"workers_{workers}_s"] = perf_counter() - start
    return {"episodes": episodes, **seconds, "speed_up": seconds["workers_1_s"] / seconds["workers_2_s"]}


def show(report: dict[str, Any]) -> None:
    print(f"\n{'':24s}{'steps':>7s}{'full ms':>9s}{'bare ms':>9s}{'ratio':>8s}{'wall':>8s}")
    for name, row in {**report["families"], "all": report["ratio"]}.items():
        times = f"{row['full_cpu_ms_per_step']:9.2f}{row['bare_cpu_ms_per_step']:9.2f}"
        print(f"{name:24s}{row['steps']:7d}{times}{row['cpu']:8.3f}{row['wall']:8.3f}")
    print(f"\n{'CPU time per step':32s}{'ms':>8s}{'share':>8s}")
    parts = report["components_ms_per_step"]
    for name, spent in parts.items():
        print(f"{name:32s}{spent:8.3f}{spent / sum(parts.values()):8.1%}")
    if "scaling" in report:
        s = report["scaling"]
        print(
            f"\nevaluation of {s['episodes']} episodes: 1 worker {s['workers_1_s']:.1f} s, 2 workers "
            f"{s['workers_2_s']:.1f} s, {s['speed_up']:.2f} times as fast"
        )
    cpu, wall = report["ratio"]["cpu"], report["ratio"]["wall"]
    print(f"\nfull over bare steps a second: {cpu:.3f} by CPU time, {wall:.3f} by wall time; required: {REQUIRED}")
    print(f"takeovers recorded in each repetition: {report['takeovers']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=new_file, help="also write the figures here")
    parser.add_argument("--suite", default="demo")
    parser.add_argument("--model", default="models/novice.onnx", help="the policy")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=12, help="for the scaling over workers; 0 leaves it out")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as bags:
            report = measure(arguments.suite, arguments.model, arguments.repetitions, Path(bags))
        if arguments.episodes:
            report["scaling"] = scaling(arguments.suite, arguments.model, arguments.episodes)
    except TakeadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    report |= {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    report |= {"load": os.getloadavg()[0], "required": REQUIRED}
    show(report)
    give_json(report, arguments.json)
    return 0 if report["ratio"]["cpu"] >= REQUIRED else 1


if __name__ == "__main__":
    end_with(main)
