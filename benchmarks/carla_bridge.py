"""Scenarios driven through the real carla_ros_bridge, and the same in the vector world: are the scores equal?

    python3 benchmarks/carla_bridge.py --routes 20 --out runs/bridge

Needs a sourced ROS 2 in which this package and carla_ros_bridge are built (docs/ros2.md, "CARLA"). Each route is a
scenario of the suite by ``takead carla-server``: the launch drives it in real time, records the whole run in one bag,
and the project's own measures are taken from that bag. Beside it the same nodes drive it in the lockstep host in the
vector world, from the scenario's beginning and once more from where the bridge's drive could begin: standing, and as
late. Left out are scenarios with things that the bridge does not tell (cones, signs on the road, barriers), and those
in which CARLA's route planner takes another way. What was driven is kept in OUT: the same command goes on.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support.bridge_drive import BridgeDrive, Way, way_of
from takead_ros import __version__
from takead_ros.cli.program import end_with
from takead_ros.domain.seeds import parse_seeds
from takead_ros.files import locked, writable_folder, write_record
from takead_ros.measures.driving_score import EpisodeScore, score_episode
from takead_ros.policy.model import Policy, load_model
from takead_ros.runs.episode import EpisodeSpec, drive_episode
from takead_ros.runs.journal import Journal
from takead_ros.runs.recorded_drive import recorded_drive
from takead_ros.runs.results import RECORD
from takead_ros.scenarios import build
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators.vector.simulator import Vector

STEP_S = 0.05
HOLD_MPS2 = -5.0  # a standing vehicle holds its brake
BOUND = 1.0  # Driving Score by which two drives of a route may differ and still be called equal


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Settings:
    """What must be the same for OUT to be continued."""

    version: str
    model_sha256: str
    suite: str


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Score:
    """Of one drive: Driving Score, how it ended, kinds of infractions, takeovers, seconds."""

    score: float
    end: str
    infractions: tuple[str, ...]
    takeovers: int
    seconds: float

    @property
    def outcome(self) -> tuple[str, tuple[str, ...]]:
        return self.end, self.infractions


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Row:
    """One route. late_s: of simulated time until it was engaged; missing: steps of the bag without a scene; aside_m: by
    which CARLA's route lies beside the scenario's at most; real_time: simulated s in one s."""

    family: str
    seed: int
    metres: float
    aside_m: float
    late_s: float
    engaged_again: int
    missing: int
    real_time: float
    bridge: Score
    same_start: Score
    direct: Score


def summed(score: EpisodeScore) -> Score:
    kinds = tuple(sorted(one.kind for one in score.infractions))
    return Score(
        score=score.driving_score, end=score.end, infractions=kinds, takeovers=score.takeovers, seconds=score.duration
    )


def direct(family: str, seed: int, policy: Policy, model: str, late_s: float | None) -> Score:
    """In the vector world by the lockstep host. late_s: standing for so long at first; None: as the scenario begins."""
    scenario = build(family, seed)
    episode = Vector(STEP_S).reset(scenario if late_s is None else replace(scenario, speed=0.0))
    for _ in range(round((late_s or 0.0) / STEP_S)):
        episode.step(0.0, HOLD_MPS2)
    spec = EpisodeSpec(family, family, seed, model, takeovers=True, simulator="vector")
    log, _ = drive_episode(spec, "vector", episode, policy, None)
    # the log has the standing at first, the nodes' sources begin after it
    ahead = len(log.x) - len(log.sources)
    return summed(score_episode(replace(log, sources=(*((log.sources[0],) * ahead), *log.sources)), family))


def drive(way: Way, folder: Path, given: argparse.Namespace, policy: Policy) -> Row:
    """One route, by all three."""
    bridge = BridgeDrive(way, folder, given.model, given.port)
    try:
        driven = bridge.drive(given.patience)
    finally:
        bridge.end()
    clip = driven.bag(folder)
    scenario = build(way.family, way.seed)
    found = recorded_drive(clip, scenario, STEP_S, began_s=0.0)
    model = str(given.model)
    return Row(
        family=way.family, seed=way.seed, metres=way.metres, aside_m=way.aside_m, late_s=driven.late_s,
        engaged_again=driven.engaged_again, missing=found.missing, real_time=driven.real_time,
        bridge=summed(score_episode(found.log, way.family)),
        same_start=direct(way.family, way.seed, policy, model, driven.late_s),
        direct=direct(way.family, way.seed, policy, model, None),
    )  # fmt: skip


def table(rows: list[Row]) -> list[str]:
    """As Markdown, and what of it is equal."""
    lines = [
        "| route | m | CARLA's way beside | engaged after | by the bridge | vector, same start | vector, directly |",
        "|---|---:|---:|---:|---|---|---|",
    ]
    for row in rows:
        told = " | ".join(
            f"{one.score:.1f} {one.end}, {one.seconds:.1f} s, takeovers {one.takeovers}"
            f"{''.join(f', {kind}' for kind in one.infractions)}"
            for one in (row.bridge, row.same_start, row.direct)
        )
        lines.append(
            f"| {row.family} {row.seed} | {row.metres:.0f} | {row.aside_m:.2f} m | {row.late_s:.1f} s | {told} |"
        )
    means = np.mean([[one.score for one in (row.bridge, row.same_start, row.direct)] for row in rows], axis=0)
    lines.append(f"| mean | | | | {' | '.join(f'{mean:.1f}' for mean in means)} |")
    within = [abs(row.bridge.score - row.same_start.score) <= BOUND for row in rows]
    ends = sum(row.bridge.outcome == row.same_start.outcome for row in rows)
    lines += [
        "",
        f"{sum(within)} of {len(rows)} scores within {BOUND} of the same start's; {ends} with the same end and "
        f"infractions; means {means[0] - means[1]:+.2f} apart. Steps without a scene: "
        f"{sum(row.missing for row in rows)}; engaged again: {sum(row.engaged_again for row in rows)}.",
    ]
    return lines


def choose(given: argparse.Namespace) -> list[Way]:
    """The first routes that can be compared; the others are said."""
    families = load_suite(given.suite).families
    found: list[Way] = []
    for seed in parse_seeds(given.seeds):
        for family in families:
            way = way_of(build(family, seed))
            why = way if isinstance(way, str) else "" if way.metres <= given.longest else f"{way.metres:.0f} m long"
            if why:
                print(f"left out: {family} {seed}: {why}", file=sys.stderr)
            elif not isinstance(way, str):
                found.append(way)
    return list(islice(found, given.routes))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--suite", default="core", help="a suite, or one family")
    parser.add_argument("--seeds", default="collection:0-3")
    parser.add_argument("--routes", type=int, default=20)
    parser.add_argument("--longest", type=float, default=700.0, help="m of a route")
    parser.add_argument("--model", type=Path, default=Path(__file__).resolve().parents[1] / "models" / "wide.onnx")
    parser.add_argument("--port", type=int, default=26000)
    parser.add_argument("--patience", type=float, default=240.0, help="s that a drive may take by the wall clock")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no route after so many")
    given = parser.parse_args(arguments)
    begun, policy = time.monotonic(), load_model(given.model)
    given.model = given.model.resolve()
    with locked(writable_folder(given.out)):
        settings = Settings(version=__version__, model_sha256=policy.sha256, suite=given.suite)
        journal: Journal[Any] = Journal(given.out / "routes.jsonl", settings, Row)
        ways = choose(given)
        for number, way in enumerate(ways, start=1):
            key = f"{way.family}/{way.seed}"
            if key not in journal.results and time.monotonic() - begun < 60.0 * given.minutes:
                folder = given.out.resolve() / f"{way.family}-{way.seed}"
                journal.add(key, drive(way, folder, given, policy))
            if key in journal.results:
                row = journal.results[key]
                print(f"{number}/{len(ways)} {key}: {row.bridge.score:.1f}, {row.same_start.score:.1f}, "
                      f"{row.direct.score:.1f}", file=sys.stderr, flush=True)  # fmt: skip
        rows = [journal.results[key] for way in ways if (key := f"{way.family}/{way.seed}") in journal.results]
        if rows:
            print("\n".join(table(rows)))
            write_record(given.out / "carla_bridge.json", {"rows": [asdict(row) for row in rows]})


if __name__ == "__main__":
    end_with(main)
