"""How much faster two workers drive the vector world's batches than one, in one run:

    python -m benchmarks.vector.workers [--model novice] [--seeds training:600-607] [--rounds 3] [--json FILE]

The groups of ``takead eval --sim vector --batched`` (a suite's families by seed, the policy alone, and with the expert
at hand), by one process and by two, in turn; seconds of the clock, started and warmed up before. What limits the ratio
besides the last group that somebody waits for: cores that share a cache, or are two threads of one core.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from time import perf_counter

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.seeds import parse_seeds
from takead_ros.policy.shipped import model_path
from takead_ros.runs.episode import EpisodeSpec
from takead_ros.runs.evaluate_batched import MOST, BatchRunner, BatchWorkers, Group, Results, in_groups
from takead_ros.runs.progress import Silent
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace
from takead_ros.scenarios.suites import load_suite

PASSES = {"the policy alone": False, "with the expert at hand": True}


def groups_of(model: str, suite: str, seeds: list[int], takeovers: bool) -> list[Group]:
    specs = [
        EpisodeSpec(suite, family, seed, model, takeovers, simulator="vector")
        for seed in seeds
        for family in load_suite(suite).families
    ]
    return in_groups(specs, MOST)


def seconds(workers: BatchWorkers, groups: list[Group]) -> tuple[float, list[Results]]:
    """Of the clock, and the results in the groups' order."""
    done: dict[str, Results] = {}
    begin = perf_counter()
    workers.map(groups, lambda group, results: done.update({group[0].key: results}), lambda g: g[0].key, Silent())
    return perf_counter() - begin, [done[group[0].key] for group in groups]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="novice")
    parser.add_argument("--suite", default="core")
    parser.add_argument("--seeds", default="training:600-607", help="of each family, for the policy alone")
    parser.add_argument("--assisted", type=int, default=2, help="of them with the expert at hand")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=new_file)
    asked = parser.parse_args()
    model, seeds = str(model_path(asked.model)), list(parse_seeds(asked.seeds))
    content: dict[str, dict[str, float | list[float]]] = {}
    with open_workers(BatchRunner, Workplace(1)) as one, open_workers(BatchRunner, Workplace(2)) as two:
        for name, takeovers in PASSES.items():
            groups = groups_of(model, asked.suite, seeds[: asked.assisted] if takeovers else seeds, takeovers)
            for place in (one, two):
                seconds(place, [group[:4] for group in groups])  # kernels, models and their first answers
            spent: tuple[list[float], list[float]] = ([], [])
            for _ in range(asked.rounds):
                first, results = seconds(one, groups)
                second, others = seconds(two, groups)
                if results != others:
                    raise AssertionError("two workers came to other results than one")
                spent[0].append(first)
                spent[1].append(second)
            ratios = [first / second for first, second in zip(*spent, strict=True)]
            print(
                f"{name}: {sum(map(len, groups))} episodes in {len(groups)} groups: one worker "
                f"{np.median(spent[0]):.1f} s, two {np.median(spent[1]):.1f} s: {np.median(ratios):.2f} times as fast "
                f"({min(ratios):.2f} to {max(ratios):.2f}), the same results"
            )
            content[name] = {"one_s": spent[0], "two_s": spent[1], "ratio": float(np.median(ratios))}
    give_json(content, asked.json)


if __name__ == "__main__":
    end_with(main)
