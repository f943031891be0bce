"""How many trajectories a second the PDM score takes: ``python benchmarks/pdm_score.py [--repeat N] [--json FILE]``.

Trajectories of 4 s at 10 Hz among 20 objects on a junction of two-lane roads, scored at once by the package and some of
them one by one by ``support.pdm_definition``, which has to give the same scores.
CPU time of one core; the requirement is 5,000 a second.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import platform
import sys
from pathlib import Path
from time import process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support.pdm_definition import Areas, pdm_score
from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.domain.scene import EgoState, FloatArray, LineKind, ObjectKind, Objects, Polyline
from takead_ros.measures.pdm import LaneArea, PdmScores, SampledTracks, pdm_scores, resample

SAMPLES, LATER, DT = 41, 9, 0.1
EGO = EgoState(0.0, 0.0, 0.0, 9.0, length=4.5, width=1.85, wheelbase=2.5)


def road() -> tuple[Polyline, ...]:
    """Own and oncoming lane along x, a crossing road at x = 35 m, in pieces of 40 m."""
    lines: list[Polyline] = []
    for start in range(-40, 120, 40):
        ahead = np.arange(start, start + 41.0, 2.0)
        own, across = np.stack([ahead, 0.0 * ahead], 1), np.stack([35.0 + 0.0 * ahead, ahead - 40.0], 1)
        for points in (own, own[::-1] + np.array([0.0, 3.5]), across, across[::-1] - np.array([3.5, 0.0])):
            lines.append(Polyline(len(lines) + 1, LineKind.LANE_CENTER, points, points is own, 12.0, 3.5))
    return tuple(lines)


def others() -> list[Objects]:
    """20 objects, every 0.1 s: oncoming and crossing cars, parked cars, people, cones, a lead."""
    car, person, cone = ObjectKind.CAR, ObjectKind.PEDESTRIAN, ObjectKind.CONE
    rows = [(car, 22.0, 0.0, 0.0, 6.0, 4.6, 1.9)]
    rows += [(car, 25.0 + 14.0 * i, 3.5, np.pi, 8.0, 4.6, 1.9) for i in range(6)]
    rows += [(car, 35.0, -20.0 - 12.0 * i, np.pi / 2, 7.0, 4.6, 1.9) for i in range(5)]
    rows += [(car, 8.0 + 9.0 * i, -2.9, 0.0, 0.0, 4.6, 1.9) for i in range(3)]
    rows += [(person, 28.0 + 5.0 * i, -5.0, np.pi / 2, 1.3, 0.7, 0.7) for i in range(3)]
    rows += [(cone, 14.0 + 6.0 * i, -1.6, 0.0, 0.0, 0.4, 0.4) for i in range(2)]
    kind, x, y, yaw, speed, length, width = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    vx, vy = speed * np.cos(yaw), speed * np.sin(yaw)
    return [
        Objects(
            np.arange(1, len(rows) + 1),
            kind.astype(np.int64),
            x + vx * t * DT,
            y + vy * t * DT,
            yaw,
            vx,
            vy,
            length,
            width,
            np.ones(len(rows)),
        )
        for t in range(SAMPLES + LATER)
    ]


def trajectories(count: int, rng: np.random.Generator) -> FloatArray:
    """Plans that speed up, brake and swerve, as states (count, 41, 4)."""
    time = 0.5 * np.arange(1, 9)
    acceleration = rng.uniform(-5.0, 2.0, (count, 1))
    stop = np.where(acceleration < 0.0, EGO.speed / np.maximum(-acceleration, 1e-6), np.inf)
    moving = np.minimum(time, stop)
    ahead = EGO.speed * moving + 0.5 * acceleration * moving**2
    across = rng.normal(0.0, 1.2, (count, 1)) * (ahead / 30.0) ** 2 + rng.normal(0.0, 0.3, (count, 1)) * ahead / 30.0
    return resample(np.stack([ahead, across], axis=-1), EGO.speed, DT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=5000, help="trajectories scored at once")
    parser.add_argument("--plain", type=int, default=40, help="of them scored one by one as well")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=new_file, help="also write the figures here (a new file)")
    arguments = parser.parse_args()
    lines, path = road(), np.stack([np.arange(-10.0, 101.0), np.zeros(111)], axis=1)
    states = trajectories(arguments.count, np.random.default_rng(0))
    seconds: list[float] = []
    scores: PdmScores | None = None
    for _ in range(arguments.repeat):
        start = process_time()
        scores = pdm_scores(states, EGO, SampledTracks.of(others(), SAMPLES + LATER, DT), LaneArea(lines), path)
        seconds.append(process_time() - start)
    assert scores is not None
    few = states[: arguments.plain]
    tracks = SampledTracks.of(others(), SAMPLES + LATER, DT)
    start = process_time()
    slow = pdm_score(few, EGO, others(), Areas.of(lines), path)
    slow_rate = len(few) / (process_time() - start)
    worst = float(np.abs(slow - pdm_scores(few, EGO, tracks, LaneArea(lines), path).score).max())
    rate = len(states) / float(np.median(seconds))
    print(f"{len(states)} trajectories of 4 s at 10 Hz, 20 objects, Python {platform.python_version()}, CPU time")
    print(
        f"mean score {scores.score.mean():.3f}; no collision {scores.no_collision.mean():.3f}, "
        f"drivable area {scores.drivable_area.mean():.3f}, TTC {scores.ttc.mean():.3f}, "
        f"progress {scores.progress.mean():.3f}, comfort {scores.comfort.mean():.3f}"
    )
    print("| | trajectories/s |\n|---|---|")
    print(f"| all at once (median of {arguments.repeat}) | {rate:,.0f} |")
    print(f"| by the definition with shapely ({len(few)}) | {slow_rate:,.1f} |")
    print(f"| ratio | {rate / slow_rate:,.0f} |\n\ngreatest difference of the scores: {worst:.1e}")
    if arguments.json is not None:
        figures = {"trajectories_per_s": rate, "plain_per_s": slow_rate, "ratio": rate / slow_rate,
                   "runs_s": seconds, "difference": worst, "count": len(states)}  # fmt: skip
        give_json(figures, arguments.json)


if __name__ == "__main__":
    end_with(main)
