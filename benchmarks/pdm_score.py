"""How many trajectories a second the PDM score takes: ``python benchmarks/pdm_score.py [--repeat N] [--json FILE]``.

Trajectories of 4 s at 10 Hz among 20 objects on a junction of two-lane roads, scored at once by
``takead_ros.measures.pdm`` and, as a yardstick, some of them one by one by a plain loop over trajectories, samples and
objects with shapely's
polygons, which has to give the same scores. CPU time of one core; the requirement is 5,000 a second.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import platform
from pathlib import Path
from time import process_time

import numpy as np
from shapely import LineString, Point, Polygon, buffer, unary_union

from takead_ros.domain.geometry import to_outer
from takead_ros.domain.scene import EgoState, FloatArray, LineKind, ObjectKind, Objects, Polyline
from takead_ros.files import refuse_existing, write_record
from takead_ros.measures.pdm import LaneArea, PdmScores, Tracks, pdm_scores, resample
from takead_ros.measures.pdm.area import TOLERANCE
from takead_ros.measures.pdm.motion import comfortable

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
            np.arange(1, len(rows) + 1), kind.astype(np.int64), x + vx * t * DT, y + vy * t * DT, yaw, vx, vy, length,
            width, np.ones(len(rows)),
        )
        for t in range(SAMPLES + LATER)
    ]  # fmt: skip


def trajectories(count: int, rng: np.random.Generator) -> FloatArray:
    """Plans that speed up, brake and swerve, as states (count, 41, 4)."""
    time = 0.5 * np.arange(1, 9)
    acceleration = rng.uniform(-5.0, 2.0, (count, 1))
    stop = np.where(acceleration < 0.0, EGO.speed / np.maximum(-acceleration, 1e-6), np.inf)
    moving = np.minimum(time, stop)
    ahead = EGO.speed * moving + 0.5 * acceleration * moving**2
    across = rng.normal(0.0, 1.2, (count, 1)) * (ahead / 30.0) ** 2 + rng.normal(0.0, 0.3, (count, 1)) * ahead / 30.0
    return resample(np.stack([ahead, across], axis=-1), EGO.speed, DT)


def plain(states: FloatArray, tracks: Tracks, lines: tuple[Polyline, ...], path: FloatArray) -> FloatArray:
    """The score of each trajectory by the definition, object by object with shapely. Shape (N,)."""
    strips = [buffer(LineString(line.points), 0.5 * (line.width or 3.5), quad_segs=64) for line in lines]
    names = LaneArea(lines)
    lanes = [unary_union([strips[i] for i in piece]) for piece in names.pieces()]
    wide = unary_union([strip.buffer(TOLERANCE, quad_segs=64) for strip in strips])
    line = LineString(path)
    gates, ttcs, gone = [], [], []
    shapes = [
        [None if np.isnan(tracks.x[m, t]) else _polygon(tracks.x[m, t], tracks.y[m, t], tracks.yaw[m, t],
                                                        tracks.length[m], tracks.width[m])
         for m in range(len(tracks.id))]
        for t in range(tracks.x.shape[1])
    ]  # fmt: skip
    for states_of_one in states:
        boxes = [_polygon(x, y, yaw, EGO.length, EGO.width) for x, y, yaw, _ in states_of_one]
        no_collision, ttc, drivable = 1.0, 1.0, 1.0
        ignored = {m for m, shape in enumerate(shapes[0]) if shape is not None and shape.intersects(boxes[0])}
        ignored_ahead = set(ignored)
        for t, (x, y, yaw, speed) in enumerate(states_of_one):
            corners = [Point(corner) for corner in boxes[t].exterior.coords[:4]]
            off = not all(wide.covers(corner) for corner in corners)
            drivable = 0.0 if off else drivable
            inside = [[lane.covers(corner) for corner in corners] for lane in lanes]
            astray = off or (sum(any(row) for row in inside) > 1 and not any(all(row) for row in inside))
            rear = np.array([x - 0.5 * EGO.wheelbase * np.cos(yaw), y - 0.5 * EGO.wheelbase * np.sin(yaw)])
            for m, shape in enumerate(shapes[t]):
                if shape is None or m in ignored or not shape.intersects(boxes[t]):
                    continue
                stopped = tracks.speed[m, t] <= 5e-3 or not tracks.agent[m]
                angle = _angle(rear, yaw, shape)
                front = LineString([boxes[t].exterior.coords[0], boxes[t].exterior.coords[3]]).intersects(shape)
                if speed > 5e-2 and (stopped or (angle <= np.deg2rad(150.0) and (front or astray))):
                    no_collision = min(no_collision, 0.0 if tracks.agent[m] else 0.5)
                ignored.add(m)
            for shift in (0, 3, 6, 9):
                if speed < 5e-3:
                    continue
                later = _polygon(x + np.cos(yaw) * speed * DT * shift, y + np.sin(yaw) * speed * DT * shift, yaw,
                                 EGO.length, EGO.width)  # fmt: skip
                for m, shape in enumerate(shapes[t + shift]):
                    if shape is None or m in ignored_ahead or not shape.intersects(later):
                        continue
                    angle = _angle(rear, yaw, shape)
                    junction = bool(names.in_junction(rear[None])[0])
                    if angle < np.deg2rad(20.0) or ((astray or junction) and angle <= np.deg2rad(150.0)):
                        ttc = 0.0
                    ignored_ahead.add(m)
        gates.append(no_collision * drivable)
        ttcs.append(ttc)
        gone.append(max(line.project(Point(states_of_one[-1, :2])) - line.project(Point(states_of_one[0, :2])), 0.0))
    gate, travelled = np.array(gates), np.array(gone)
    best = float((travelled * gate).max())
    progress = travelled * gate / best if best > 5.0 else (gate > 0.0).astype(float)
    return np.asarray(gate * (5.0 * progress + 5.0 * np.array(ttcs) + 2.0 * comfortable(states, DT)) / 12.0)


def _polygon(x: float, y: float, yaw: float, length: float, width: float) -> Polygon:
    corners = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]) * (length / 2, width / 2)
    return Polygon(to_outer(corners, x, y, yaw))


def _angle(rear: FloatArray, yaw: float, shape: Polygon) -> float:
    way = np.array(shape.centroid.coords[0]) - rear
    return float(np.arccos(np.clip(way @ (np.cos(yaw), np.sin(yaw)) / np.hypot(*way), -1.0, 1.0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=5000, help="trajectories scored at once")
    parser.add_argument("--plain", type=int, default=40, help="of them scored one by one as well")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures here (a new file)")
    arguments = parser.parse_args()
    if arguments.json is not None:
        refuse_existing(arguments.json)
    lines, path = road(), np.stack([np.arange(-10.0, 101.0), np.zeros(111)], axis=1)
    states = trajectories(arguments.count, np.random.default_rng(0))
    seconds: list[float] = []
    scores: PdmScores | None = None
    for _ in range(arguments.repeat):
        start = process_time()
        scores = pdm_scores(states, EGO, Tracks.of(others(), SAMPLES + LATER, DT), LaneArea(lines), path)
        seconds.append(process_time() - start)
    assert scores is not None
    few = states[: arguments.plain]
    tracks = Tracks.of(others(), SAMPLES + LATER, DT)
    start = process_time()
    slow = plain(few, tracks, lines, path)
    slow_rate = len(few) / (process_time() - start)
    worst = float(np.abs(slow - pdm_scores(few, EGO, tracks, LaneArea(lines), path).score).max())
    rate = len(states) / float(np.median(seconds))
    print(f"{len(states)} trajectories of 4 s at 10 Hz, 20 objects, Python {platform.python_version()}, CPU time")
    print(f"mean score {scores.score.mean():.3f}; no collision {scores.no_collision.mean():.3f}, "
          f"drivable area {scores.drivable_area.mean():.3f}, TTC {scores.ttc.mean():.3f}, "
          f"progress {scores.progress.mean():.3f}, comfort {scores.comfort.mean():.3f}")  # fmt: skip
    print("| | trajectories/s |\n|---|---|")
    print(f"| all at once (median of {arguments.repeat}) | {rate:,.0f} |")
    print(f"| plain loop with shapely ({len(few)}) | {slow_rate:,.1f} |")
    print(f"| ratio | {rate / slow_rate:,.0f} |\n\ngreatest difference of the scores: {worst:.1e}")
    if arguments.json is not None:
        figures = {"trajectories_per_s": rate, "plain_per_s": slow_rate, "ratio": rate / slow_rate,
                   "runs_s": seconds, "difference": worst, "count": len(states)}  # fmt: skip
        write_record(arguments.json, figures)


if __name__ == "__main__":
    main()
