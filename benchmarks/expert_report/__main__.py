"""The expert's results as a page:

    python -m benchmarks.expert_report --expert F [--again F] [--baselines F ..] [--suites F ..] [--causes F] --out DIR

Reads what ``takead eval --model expert --json`` and ``benchmarks.baselines --json`` wrote; writes ``expert.md`` and
its figures (SVG) into DIR. Baselines are set against the expert on the episodes that both drove. ``--again``: a second
run of the same command, or of some of its seeds, which has to be the same in every figure. ``--suites``: the expert on
other suites, a line for each. ``--causes``: YAML with a sentence for failed episodes, ``family/seed: why``; a failure
without one is listed with its infractions alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from benchmarks.expert_report.page import page
from benchmarks.expert_report.plots import plot_families, plot_shares
from takead_ros.cli.program import end_with
from takead_ros.domain.errors import TakeadError
from takead_ros.files import content_of, parse_json


def read(path: Path) -> dict[str, Any]:
    """The JSON of ``takead eval`` or of ``benchmarks.baselines``."""
    try:
        content: dict[str, Any] = parse_json(content_of(path))
    except (OSError, ValueError) as problem:
        raise TakeadError(f"'{path}': {problem}; expected JSON of 'takead eval' or benchmarks.baselines") from problem
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expert", type=Path, required=True)
    parser.add_argument("--again", type=Path, help="a second run of the same command, or of some of its seeds")
    parser.add_argument("--baselines", type=Path, nargs="*", default=[], help="one file or more, other drivers in each")
    parser.add_argument("--suites", type=Path, nargs="*", default=[], help="takead eval --json of other suites")
    parser.add_argument("--causes", type=Path, help="YAML: family/seed: why it failed")
    parser.add_argument("--note", default="", help="a paragraph for the head of the page, such as commit and machine")
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    arguments = parser.parse_args()
    try:
        expert = read(arguments.expert)
        again = None if arguments.again is None else read(arguments.again)
        baselines = {name: part for path in arguments.baselines for name, part in read(path)["drivers"].items()}
        causes = yaml.safe_load(arguments.causes.read_text(encoding="utf-8")) if arguments.causes else {}
        text, drivers = page(
            expert, baselines, again, [read(path) for path in arguments.suites], causes or {}, arguments.note
        )
    except (TakeadError, OSError, yaml.YAMLError, KeyError) as problem:
        parser.error(str(problem))
    arguments.out.mkdir(parents=True, exist_ok=True)
    if len(drivers) > 1:
        plot_families(drivers, arguments.out / "expert_families.svg")
    plot_shares(drivers, "min_ttc", "min-TTC, s", 3.0, arguments.out / "expert_min_ttc.svg")
    plot_shares(
        drivers,
        "comfort",
        "comfort: share of 2 s segments within all bounds",
        1.0,
        arguments.out / "expert_comfort.svg",
    )
    (arguments.out / "expert.md").write_text(text, encoding="utf-8")
    print(f"written: {arguments.out / 'expert.md'}")


if __name__ == "__main__":
    end_with(main)
