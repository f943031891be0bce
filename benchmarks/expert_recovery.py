"""How the expert gets out of bad states: ``python benchmarks/expert_recovery.py [--seeds 0-9] [--json FILE]``.

Whole episodes on roads without anybody else, with and without bends, that begin beside the lane's middle, turned away
from it, far too fast, or all of these at once. For each kind: the share of episodes that end at the goal without an
infraction (leaving the road is one), and how long it takes until the ego stays within 0.3 m and 5 degrees of its lane
and no more than 0.5 m/s above the limit for a second.
"""

from __future__ import annotations

import argparse
import zlib
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.scene import Scene
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import interfaces
from takead_ros.messages.convert import SceneConverter
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_ros.scenarios import Scenario
from takead_ros.simulators import Episode, open_simulator

FAMILIES = ("pedestrian_from_van", "emergency_vehicle")  # their roads: one to three lanes, straight or with a bend
KINDS = ("beside", "turned", "fast", "all")
NEAR, ALIGNED, SLOW = 0.3, float(np.deg2rad(5.0)), 0.5  # m, rad, m/s above the limit
HELD = 20  # ticks of 0.05 s


@dataclass(frozen=True)
class Perturbation:
    """A start offset m left of the lane's middle, turned left by turn rad, at pace times the limit."""

    offset: float
    turn: float
    pace: float


@dataclass(frozen=True)
class Recovery:
    """One episode: whether it ended well, and s until the ego was back to normal (None: never)."""

    family: str
    seed: int
    kind: str
    start: Perturbation
    success: bool
    seconds: float | None
    infractions: tuple[str, ...]


def perturb(kind: str, family: str, seed: int) -> Perturbation:
    """The start of one episode. Together, the three are milder: turned towards the middle, as after a skid."""
    rng = np.random.default_rng((zlib.crc32(f"{kind}/{family}".encode()), seed))
    side = float(rng.choice([-1.0, 1.0]))
    # to the right the road ends soon: at 10 m/s, 25 degrees take 1.6 m to turn back, at the limits of the tyres
    offset = side * float(rng.uniform(0.5, 1.5 if side > 0.0 else 0.7))
    left = bool(rng.random() < 0.5)
    turn = float(np.deg2rad(rng.uniform(5.0, 25.0) if left else -rng.uniform(5.0, 12.0)))
    pace = float(rng.uniform(1.2, 1.6))
    if kind == "beside":
        return Perturbation(offset, 0.0, 0.9)
    if kind == "turned":
        return Perturbation(0.0, turn, 0.9)
    if kind == "fast":
        return Perturbation(0.0, 0.0, pace)
    return Perturbation(offset, -side * 0.5 * abs(turn), pace)


class PerturbedSimulator:
    """The simulator with nobody but the ego, which begins as ``start`` says."""

    def __init__(self) -> None:
        self._simulator = open_simulator("metadrive")
        self.name = self._simulator.name
        self.start = Perturbation(0.0, 0.0, 1.0)
        self.step_s = 0.0

    def reset(self, scenario: Scenario, offset_m: float = 0.0, turn_rad: float = 0.0) -> Episode:
        alone = replace(scenario, actors=(), threat=False, speed=self.start.pace * scenario.speed_limit)
        episode = self._simulator.reset(alone, self.start.offset, self.start.turn)
        self.step_s = episode.step_s
        return episode

    def close(self) -> None:
        self._simulator.close()


class Watch:
    """Notes at every scene whether the ego drives as it should."""

    def __init__(self) -> None:
        self.normal: list[bool] = []
        self._converter = SceneConverter()

    def __call__(self, host: LockstepHost) -> None:
        wiring.subscription(host.create_node("recovery"), interfaces.SCENE, self._on_scene)

    def _on_scene(self, msg: Any) -> None:
        self.normal.append(is_normal(self._converter.from_msg(msg)))

    def seconds(self, step: float) -> float | None:
        """s until the ego is normal for HELD scenes on end."""
        held = 0
        for i, normal in enumerate(self.normal):
            held = held + 1 if normal else 0
            if held == HELD:
                return (i + 1 - HELD) * step
        return None


def is_normal(scene: Scene) -> bool:
    """Whether the ego is in the middle of its lane, along it, and not too fast."""
    route, limit = scene.route, scene.route.speed_limit
    slow = limit is None or scene.ego.speed < limit + SLOW
    return slow and abs(route.lateral_offset) < NEAR and abs(route.heading_error) < ALIGNED


def recover(simulator: PerturbedSimulator, runner: EpisodeRunner, kind: str, family: str, seed: int) -> Recovery:
    """Drive one episode; ``runner`` drives in ``simulator``."""
    simulator.start = perturb(kind, family, seed)
    watch = Watch()
    result = runner.run(EpisodeSpec("recovery", family, seed, EXPERT, False), watch)
    kinds = tuple(infraction.kind for infraction in result.infractions)
    return Recovery(family, seed, kind, simulator.start, result.success, watch.seconds(simulator.step_s), kinds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-9", help="first and last seed, such as 0-9")
    parser.add_argument("--json", type=new_file, help="write every episode here")
    arguments = parser.parse_args()
    first, last = (int(text) for text in arguments.seeds.split("-"))
    simulator = PerturbedSimulator()
    runner = EpisodeRunner(simulator)
    found: list[Recovery] = []
    print("| start | episodes | ends well | back to normal | median s | longest s |\n|---|---:|---:|---:|---:|---:|")
    for kind in KINDS:
        rows = [recover(simulator, runner, kind, family, s) for family in FAMILIES for s in range(first, last + 1)]
        times = [row.seconds for row in rows if row.seconds is not None]
        well, back = sum(row.success for row in rows) / len(rows), len(times) / len(rows)
        print(f"| {kind} | {len(rows)} | {well:.0%} | {back:.0%} | {np.median(times):.1f} | {max(times):.1f} |")
        found += rows
    runner.close()
    for row in found:
        if not row.success:
            print(f"{row.kind} {row.family}/{row.seed}: {', '.join(row.infractions) or 'not at the goal'}, {row.start}")
    give_json([asdict(row) for row in found], arguments.json)
    return 0


if __name__ == "__main__":
    end_with(main)
