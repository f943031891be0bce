"""Trivial drivers on a suite's own episodes, so that its scores mean something:

    python -m benchmarks.baselines --suite core --seeds 0-3 [--drivers NAME,..] [--workers 2] [--json FILE]

Each drives exactly the episodes of ``takead eval`` (same scenario, simulator, step and scoring), deciding at 10 Hz:

- constant_speed: along the reference path at the speed limit, slower in bends only; brakes for nobody.
- lane_idm: the same, with the Intelligent Driver Model behind whatever is in its lane, which it sees through anything
  and brakes for at once with up to 9 m/s^2; knows no lights, no signs, no forecast, and never passes.
- metadrive_idm: MetaDrive's own ``IDMPolicy``, told its route.
- metadrive_ppo: MetaDrive's bundled PPO expert (``metadrive.examples.ppo_expert``, its mean action), fed its own lidar
  and state observation of the same ego.

A suite tells drivers apart where none of these comes near the expert.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.baselines.episodes import DRIVERS, Baselines, DriverSummary, Settings, key, run
from takead_ros import __version__
from takead_ros.cli.program import end_with
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import refuse_existing, write_record
from takead_ros.measures.summary import aggregate
from takead_ros.runs.drive import JOURNAL_SUFFIX
from takead_ros.runs.journal import Journal
from takead_ros.runs.results import EpisodeResult
from takead_ros.scenarios.suites import load_suite


def table(summaries: dict[str, DriverSummary]) -> str:
    """Driving Score (success rate %) of each family and driver, as Markdown."""
    names = list(summaries)
    lines = ["| family | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for family in next(iter(summaries.values())).scenarios:
        cells = [summaries[name].scenarios[family] for name in names]
        lines.append(
            f"| {family} | " + " | ".join(f"{c.driving_score:.1f} ({c.success_rate:.0%})" for c in cells) + " |"
        )
    every = [f"**{s.driving_score:.1f} ({s.success_rate:.0%})**" for s in summaries.values()]
    return "\n".join([*lines, "| **all** | " + " | ".join(every) + " |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="core", help="a suite, or one family")
    parser.add_argument("--seeds", default="0-3", help="as of takead eval")
    parser.add_argument("--drivers", default=",".join(DRIVERS), help=f"some of {','.join(DRIVERS)}")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here; the same command continues")
    arguments = parser.parse_args()
    names = arguments.drivers.split(",")
    unknown = [name for name in names if name not in DRIVERS]
    if unknown:
        parser.error(f"--drivers: '{unknown[0]}' is none, expected some of {','.join(DRIVERS)}")
    try:
        suite, seeds = load_suite(arguments.suite), parse_seeds(arguments.seeds)
        if arguments.json is not None:
            refuse_existing(arguments.json)
    except TakeadError as problem:
        parser.error(str(problem))
    work = [(name, suite.name, family, seed) for name in names for seed in seeds for family in suite.families]
    settings = Settings(
        suite=suite.name,
        families=suite.families,
        seeds=tuple(seeds),
        version=__version__,
        simulator=f"metadrive {version('metadrive-simulator')}",
    )
    try:
        kept = arguments.json and arguments.json.with_name(arguments.json.name + JOURNAL_SUFFIX)
        journal = Journal(kept, settings, EpisodeResult) if kept else None
    except TakeadError as problem:
        parser.error(str(problem))
    done = dict(journal.results) if journal else {}
    waiting = [item for item in work if key(item) not in done]
    for item, result in zip(waiting, run(waiting, arguments.workers), strict=True):
        done[key(item)] = result
        if journal:
            journal.add(key(item), result)
        kinds = ", ".join(infraction.kind for infraction in result.infractions)
        print(
            f"{len(done)}/{len(work)} {key(item)}: {result.driving_score:.1f} {result.end} {kinds}",
            file=sys.stderr,
            flush=True,
        )
    results = [done[key(item)] for item in work]
    summaries = {}
    for name in names:
        own = tuple(result for result in results if result.driver == name)
        summaries[name] = DriverSummary(**vars(aggregate(own)), episodes=own)
    print(table(summaries))
    if arguments.json is not None:
        write_record(arguments.json, Baselines(**vars(settings), drivers=summaries))


if __name__ == "__main__":
    end_with(main)
