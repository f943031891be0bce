"""The same drivers on the same episodes in MetaDrive and in the vector world: how far apart are the scores?

    python -m benchmarks.vector.same_driver --out FOLDER [--families core] [--seeds training:600-602]
        [--drivers expert,novice,constant_speed] [--minutes 60]

Driving Score and outcome of each episode in both worlds; an outcome is the end and the kinds of infractions. ``expert``
and ``novice`` are the nodes of ``takead eval --passes unassisted``, ``constant_speed`` is that of
``benchmarks.baselines``. Each finished episode is a line in FOLDER/metadrive.jsonl or FOLDER/vector.jsonl: the same
command goes on, with more seeds or families too, and what is there in both worlds is compared, printed, and written
into FOLDER/same_driver.json. ``--minutes``: begin no episode after so many.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from pathlib import Path
from time import monotonic

import numpy as np
from pydantic.dataclasses import dataclass

from benchmarks.baselines.in_lane import PERIOD, constant_speed
from takead_ros import __version__
from takead_ros.cli.program import end_with
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import locked, writable_folder, write_record
from takead_ros.measures.driving_score import score_episode
from takead_ros.policy.shipped import model_path
from takead_ros.runs.episode import EXPERT, EpisodeRunner, EpisodeSpec
from takead_ros.runs.journal import Journal
from takead_ros.runs.results import RECORD, EpisodeResult
from takead_ros.scenarios import build
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators import Simulator, open_simulator

WORLDS = ("metadrive", "vector")
DRIVERS = ("expert", "novice", "constant_speed")
Work = tuple[str, str, int]  # driver, family, seed


@dataclass(frozen=True, kw_only=True, config=RECORD)
class World:
    """What must be the same for a journal to be continued."""

    simulator: str
    version: str


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Pair:
    """One episode in both worlds: Driving Score, how it ended, kinds of infractions."""

    driver: str
    family: str
    seed: int
    score: tuple[float, float]
    end: tuple[str, str]
    infractions: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def same(self) -> bool:
        return self.end[0] == self.end[1] and self.infractions[0] == self.infractions[1]

    @property
    def apart(self) -> float:
        """Driving Score in the vector world less that in MetaDrive."""
        return self.score[1] - self.score[0]


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Agreement:
    """Of some episodes: mean Driving Scores in MetaDrive and the vector world, the mean distance of an episode's two,
    and the share with the same outcome."""

    episodes: int
    metadrive: float
    vector: float
    difference: float
    mean_apart: float
    same_outcome: float


@dataclass(frozen=True, kw_only=True, config=RECORD)
class SameDriver:
    """FOLDER/same_driver.json."""

    worlds: tuple[World, World]
    drivers: dict[str, Agreement]
    families: dict[str, Agreement]
    pairs: tuple[Pair, ...]


def drive(work: Work, simulator: Simulator, runner: EpisodeRunner, suite: str) -> EpisodeResult:
    """One scored episode."""
    driver, family, seed = work
    if driver != constant_speed.__name__:
        model = EXPERT if driver == EXPERT else str(model_path(driver))
        return runner.run(EpisodeSpec(suite, family, seed, model, takeovers=False))
    episode = simulator.reset(build(family, seed))
    decide, every, tick, command = constant_speed(episode), round(PERIOD / episode.step_s), 0, (0.0, 0.0)
    while not episode.done:
        if tick % every == 0:
            command = decide(episode)
        episode.step(*command)
        tick += 1
    return EpisodeResult(**vars(score_episode(episode.outcome(), suite)), triggers=(), driver=driver)


def pair_of(work: Work, results: tuple[EpisodeResult, EpisodeResult]) -> Pair:
    kinds = tuple(tuple(sorted({one.kind for one in result.infractions})) for result in results)
    return Pair(
        driver=work[0],
        family=work[1],
        seed=work[2],
        score=(results[0].driving_score, results[1].driving_score),
        end=(results[0].end, results[1].end),
        infractions=(kinds[0], kinds[1]),
    )


def agreement(pairs: list[Pair]) -> Agreement:
    scores = np.array([pair.score for pair in pairs])
    first, second = scores.mean(0).tolist()
    return Agreement(
        episodes=len(pairs),
        metadrive=first,
        vector=second,
        difference=second - first,
        mean_apart=float(np.abs(scores[:, 1] - scores[:, 0]).mean()),
        same_outcome=float(np.mean([pair.same for pair in pairs])),
    )


def table(found: dict[str, Agreement]) -> str:
    """As Markdown."""
    lines = ["| | episodes | MetaDrive | vector | difference | mean apart | same outcome |", "|---" * 7 + "|"]
    for name, one in found.items():
        lines.append(
            f"| {name} | {one.episodes} | {one.metadrive:.1f} | {one.vector:.1f} | {one.difference:+.2f} "
            f"| {one.mean_apart:.2f} | {one.same_outcome:.1%} |"
        )
    return "\n".join(lines)


def report(folder: Path, worlds: tuple[World, World], pairs: list[Pair]) -> None:
    """Print the tables and the episodes that are farthest apart, and write the JSON."""
    drivers = {name: agreement(own) for name in DRIVERS if (own := [p for p in pairs if p.driver == name])}
    families = {name: agreement([p for p in pairs if p.family == name]) for name in sorted({p.family for p in pairs})}
    print(table({**drivers, "all": agreement(pairs)}))
    print(table({name: one for name, one in families.items() if one.same_outcome < 1.0}))
    for pair in sorted(pairs, key=lambda p: -abs(p.apart)):
        if not pair.same:
            told = " / ".join(f"{end} {','.join(kinds)}" for end, kinds in zip(pair.end, pair.infractions, strict=True))
            print(f"{pair.driver} {pair.family} {pair.seed}: {pair.score[0]:.1f} -> {pair.score[1]:.1f}: {told}")
    content = SameDriver(worlds=worlds, drivers=drivers, families=families, pairs=tuple(pairs))
    write_record(folder / "same_driver.json", content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", default="core", help="a suite, or one family")
    parser.add_argument("--seeds", default="training:600-602")
    parser.add_argument("--drivers", default=",".join(DRIVERS))
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no episode after so many")
    arguments = parser.parse_args()
    begun, names = monotonic(), arguments.drivers.split(",")
    unknown = set(names) - set(DRIVERS)
    if unknown:
        parser.error(f"--drivers: '{min(unknown)}' is none, expected some of {','.join(DRIVERS)}")
    suite = load_suite(arguments.families)
    every = [
        (name, family, seed) for seed in parse_seeds(arguments.seeds) for family in suite.families for name in names
    ]
    with locked(writable_folder(arguments.out)):
        simulators = [open_simulator(name) for name in WORLDS]
        first, second = (World(simulator=one.name, version=__version__) for one in simulators)
        journals = [
            Journal(arguments.out / f"{name}.jsonl", world, EpisodeResult)
            for name, world in zip(WORLDS, (first, second), strict=True)
        ]
        runners = [EpisodeRunner(simulator) for simulator in simulators]
        for number, work in enumerate(every, start=1):
            key = "/".join(map(str, work))
            for simulator, runner, journal in zip(simulators, runners, journals, strict=True):
                if key not in journal.results and monotonic() - begun < 60.0 * arguments.minutes:
                    journal.add(key, drive(work, simulator, runner, suite.name))
            if all(key in journal.results for journal in journals):
                scores = " -> ".join(f"{journal.results[key].driving_score:.1f}" for journal in journals)
                print(f"{number}/{len(every)} {key}: {scores}", file=sys.stderr, flush=True)
        pairs = [
            pair_of(work, (journals[0].results[key], journals[1].results[key]))
            for work in every
            if all((key := "/".join(map(str, work))) in journal.results for journal in journals)
        ]
        report(arguments.out, (first, second), pairs)


if __name__ == "__main__":
    end_with(main)
