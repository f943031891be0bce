"""Drives to learn road users from: the expert at the wheel, and now and then the ego does something else.

    python -m benchmarks.road_users.drives --suite core --seeds training:200-203 --bags DIR [--plain]

Whoever is recorded beside a good driver never shows what they would do beside another: the ego brakes because the one
ahead does, never for nothing. So every 4 to 9 s its command is replaced for 1 to 4 s: it brakes, goes on whatever is
ahead, creeps, or moves aside. What others then do is what the ego caused. ``--plain``: nothing is replaced.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np

from takead_ros.console import ProgressBars
from takead_ros.domain.seeds import parse_seeds
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_ros.runs.results import EpisodeResult
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace
from takead_ros.scenarios.spec import Scenario
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario
from takead_ros.simulators.vector.simulator import Vector, VectorEpisode, on_lanes

PAUSE_S, LASTS_S = (4.0, 9.0), (1.0, 4.0)
SWERVE_RAD, SWERVE_S = (0.02, 0.06), 1.2


class DisturbedEpisode(VectorEpisode):
    """``disturbances``: (from s, until s, what, how much), one after another."""

    def __init__(
        self, batch: Batch, compiled: CompiledScenario, disturbances: list[tuple[float, float, str, float]]
    ) -> None:
        self._disturbances = disturbances
        super().__init__(batch, compiled)

    def step(self, steering_angle: float, acceleration: float) -> None:
        """See ``simulators.api.Episode``."""
        for since, until, what, much in self._disturbances:
            if since <= self.time_s < until:
                if what == "brakes":
                    acceleration = -much
                elif what == "goes on":
                    acceleration = max(acceleration, 0.2 * much)
                elif what == "creeps":
                    speed = float(self._batch.state.ego[0, 3])
                    acceleration = min(acceleration, 2.0 - speed)
                elif since + SWERVE_S > self.time_s:
                    steering_angle = much
                elif since + 2.0 * SWERVE_S > self.time_s:
                    steering_angle = -much
        super().step(steering_angle, acceleration)


class Disturbed(Vector):
    """The vector world, in which the ego does not always do what its driver wants."""

    def __init__(self) -> None:
        super().__init__()
        self.name += " disturbed"

    def reset(self, scenario: Scenario, offset_m: float = 0.0, turn_rad: float = 0.0) -> DisturbedEpisode:
        """See ``simulators.api.Simulator``."""
        compiled, batch = compile_scenario(*on_lanes(scenario)), Batch(1, self._vehicle)
        batch.reset([0], [compiled], compiled.moved(offset_m, turn_rad)[None])
        return DisturbedEpisode(batch, compiled, disturbances(scenario))


def disturbances(scenario: Scenario) -> list[tuple[float, float, str, float]]:
    """Those of a scenario, always the same."""
    rng = np.random.default_rng((scenario.seed, *scenario.family.encode()))
    found, time_s = [], float(rng.uniform(1.0, 5.0))
    while time_s < scenario.time_limit:
        what = str(rng.choice(["brakes", "brakes", "goes on", "goes on", "creeps", "moves aside"]))
        lasts, much = float(rng.uniform(*LASTS_S)), float(rng.uniform(1.0, 8.0))
        if what == "moves aside":
            lasts, much = 2.0 * SWERVE_S, float(rng.choice([-1.0, 1.0]) * rng.uniform(*SWERVE_RAD))
        found.append((time_s, time_s + lasts, what, much))
        time_s += lasts + float(rng.uniform(*PAUSE_S))
    return found


def _runner(plain: bool) -> EpisodeRunner:
    return EpisodeRunner(Vector() if plain else Disturbed())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--suite", default="core")
    options.add_argument("--seeds", default="training:200-203")
    options.add_argument("--bags", type=Path, required=True)
    options.add_argument("--plain", action="store_true")
    options.add_argument("--workers", type=int, default=1)
    given = options.parse_args()
    specs = [
        EpisodeSpec(given.suite, family, seed, EXPERT, False, str(given.bags), "all", "vector")
        for seed in parse_seeds(given.seeds)
        for family in load_suite(given.suite).families
    ]
    todo = [spec for spec in specs if not _recorded(spec)]
    failed: list[str] = []

    def finished(spec: EpisodeSpec, result: EpisodeResult) -> None:
        if not result.clips:
            failed.append(spec.key)

    with open_workers(partial(_runner, given.plain), Workplace(given.workers)) as pool, ProgressBars() as progress:
        pool.map(todo, finished, lambda spec: spec.key, progress)
    sys.exit(f"nothing recorded of {', '.join(failed)}" if failed else 0)


def _recorded(spec: EpisodeSpec) -> bool:
    return spec.folder is not None and any(spec.folder.glob("*/manifest.json"))


if __name__ == "__main__":
    main()
