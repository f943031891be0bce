"""Ways of training side by side, each with several training seeds, from files of ``takead eval --json``:

    python -m benchmarks.takeover_learning.ways dagger=runs/dagger-0.json,runs/dagger-1.json distil=... [--json FILE]

Prints a Markdown table: the mean over training seeds, each seed's, and the difference of the Driving Scores (means over
training seeds, then paired by episode, bootstrap over episodes) to the way that is named first, or to ``--less NAME``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TypedDict

import numpy as np

from benchmarks.takeover_learning.report import paired
from takead_ros.console import output, say
from takead_ros.domain.errors import TakeadError
from takead_ros.files import write_atomically
from takead_ros.runs.results import Evaluation, read_evaluation


class Row(TypedDict):
    """One way: means of Driving Score and Success, the score of each training seed, and how far it is from ``less``."""

    way: str
    score: float
    each: list[float]
    success: float
    apart: tuple[float, float, float] | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="+", metavar="NAME=FILE,FILE", help="a name and a file for each training seed")
    parser.add_argument("--less", default="", help="name of the way that the others are compared with")
    parser.add_argument("--json", type=Path, help="write the rows to this file too")
    asked = parser.parse_args()
    with output():
        try:
            ways = dict(read(text) for text in asked.ways)
            less = asked.less or next(iter(ways))
            rows = compared(ways, less)
        except TakeadError as problem:
            parser.error(str(problem))
        for line in table(rows, less):
            say(line)
        if asked.json:
            write_atomically(asked.json, json.dumps(rows, indent=1, allow_nan=False) + "\n")


def read(text: str) -> tuple[str, list[Evaluation]]:
    """A way's name and its evaluations. Raises TakeadError where ``text`` is not NAME=FILE,FILE."""
    name, _, files = text.partition("=")
    if not (name and files):
        raise TakeadError(f"'{text}': expected NAME=FILE,FILE: files of takead eval --json, one for each training seed")
    return name, [read_evaluation(Path(file)) for file in files.split(",")]


def compared(ways: dict[str, list[Evaluation]], less: str) -> list[Row]:
    """A row for each way. Raises TakeadError where ``less`` is none of them, or where other episodes were driven."""
    if less not in ways:
        raise TakeadError(f"--less {less}: no such way, expected one of {', '.join(ways)}")
    driven = {_driven(run): name for name, runs in ways.items() for run in runs}
    if len(driven) > 1:
        raise TakeadError(
            f"the files of {' and '.join(driven.values())} are of different episodes, simulators, parameters or passes"
        )
    rows: list[Row] = []
    for name, runs in ways.items():
        each = [run.driving_score for run in runs]
        rows.append(
            {
                "way": name,
                "score": float(np.mean(each)),
                "each": each,
                "success": float(np.mean([run.success_rate for run in runs])),
                "apart": None if name == less else paired(runs, ways[less]),
            }
        )
    return rows


def _driven(run: Evaluation) -> tuple[object, ...]:
    """What was driven and how, in order: all that has to be the same in runs that are paired."""
    episodes = tuple((episode.scenario, episode.seed) for episode in run.episodes)
    return run.simulator, run.suite, str(run.parameters), "unassisted" in run.passes, episodes


def table(rows: list[Row], less: str) -> list[str]:
    """Lines of a Markdown table."""
    lines = [f"| | Driving Score | training seeds | Success | less `{less}` |", "|---" * 5 + "|"]
    for row in rows:
        told = "{:+.1f} ({:+.1f} to {:+.1f})".format(*row["apart"]) if row["apart"] else ""
        each = ", ".join(f"{score:.1f}" for score in row["each"])
        lines.append(f"| `{row['way']}` | {row['score']:.1f} | {each} | {row['success']:.2f} | {told} |")
    return lines


if __name__ == "__main__":
    main()
