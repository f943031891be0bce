"""What one call of the expert costs: ``python benchmarks/expert.py [--calls N] [--json FILE]``.

Scenes on a hand-made two-lane road with up to 20 objects, each planned with a warm memory, as in a drive; once more
with all lines of the map new at every call, as where scenes come as ROS messages. CPU time of one thread in ms: median,
99th percentile, least. The budget is 3 ms at the 99th percentile with 20 objects; exit code 1 where it is overdrawn.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import platform
from dataclasses import replace
from importlib.metadata import version
from time import perf_counter, thread_time

import numpy as np

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.compiled import prepare
from takead_ros.domain.scene import EgoState, LineKind, ObjectKind, Objects, Polyline, Route, RouteCommand, Scene
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan

ALLOWED_MS = 3.0  # at the 99th percentile with 20 objects
WARM_UP = 20  # calls
Row = tuple[ObjectKind, float, float, float, float, float, float]  # kind, x, y, yaw, speed, length, width


def road() -> tuple[np.ndarray, tuple[Polyline, ...]]:
    """A lane along x with an oncoming one, and a crossing road at x = 60 m, all in pieces of 40 m."""
    x = np.arange(-10.0, 101.0)
    path = np.stack([x, np.zeros_like(x)], axis=1)
    lines: list[Polyline] = []
    for start in range(-40, 160, 40):
        ahead = np.arange(start, start + 41.0, 2.0)
        own, across = np.stack([ahead, 0.0 * ahead], 1), np.stack([60.0 + 0.0 * ahead, ahead - 60.0], 1)
        for points in (own, own[::-1] + np.array([0.0, 3.5]), across, across[::-1] - np.array([3.5, 0.0])):
            lines.append(Polyline(len(lines) + 1, LineKind.LANE_CENTER, points, points is own, 12.0, 3.5))
        for offset in (-1.75, 5.25):
            lines.append(Polyline(len(lines) + 1, LineKind.ROAD_EDGE, own + np.array([0.0, offset])))
    return path, tuple(lines)


def make(rows: list[Row], beside: float = 0.0) -> Scene:
    """The ego with ``rows`` around it, ``beside`` m left of its lane's middle."""
    path, lines = road()
    kind, x, y, yaw, speed, length, width = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    objects = Objects(
        np.arange(1, len(rows) + 1),
        kind.astype(np.int64),
        x,
        y,
        yaw,
        speed * np.cos(yaw),
        speed * np.sin(yaw),
        length,
        width,
        np.ones(len(rows)),
    )
    commands = (RouteCommand.LANE_FOLLOW,) * 3
    route = Route(path, path[[25, 40, 55]], commands, 0.0, 0.0, 90.0, 0.1, 12.0)
    return Scene(0, EgoState(0.0, beside, 0.0, 9.0), objects, lines, route)


def scenes() -> dict[str, Scene]:
    car, person = ObjectKind.CAR, ObjectKind.PEDESTRIAN
    lead: Row = (car, 25.0, 0.0, 0.0, 8.0, 4.6, 1.9)
    blocker: Row = (car, 40.0, 0.0, 0.0, 0.0, 4.6, 1.9)
    oncoming: list[Row] = [(car, 20.0 + 9.0 * i, 3.5, np.pi, 8.0, 4.6, 1.9) for i in range(9)]
    crossing: list[Row] = [(car, 60.0, -20.0 - 9.0 * i, np.pi / 2, 8.0, 4.6, 1.9) for i in range(5)]
    parked: list[Row] = [(car, 10.0 + 12.0 * i, -3.2, 0.0, 0.0, 4.6, 1.9) for i in range(3)]
    people: list[Row] = [(person, 30.0 + 8.0 * i, -6.0, np.pi / 2, 1.4, 0.6, 0.6) for i in range(2)]
    return {
        "1 object: a lead": make([lead]),
        "10 objects: a lead, oncoming cars": make([lead, *oncoming]),
        "20 objects: a lead, crossing cars, people": make([lead, *oncoming, *crossing, *parked, *people]),
        "20 objects: a blocker to pass, the same": make([blocker, *oncoming, *crossing, *parked, *people]),
        "20 objects: the same, over the line": make([blocker, *oncoming, *crossing, *parked, *people], 2.2),
    }


def measure(scene: Scene, calls: int, new_lines: bool) -> dict[str, float]:
    """CPU ms of one call: median, p99, min."""
    parameters, memory, cost = ExpertParameters(), Memory(), []
    for i in range(calls + WARM_UP):
        lines = tuple([replace(line) for line in scene.polylines]) if new_lines else scene.polylines
        now = replace(scene, stamp=i * 100_000_000, polylines=lines)
        start = thread_time()
        _, memory = plan(now, memory, parameters)
        cost.append((thread_time() - start) * 1e3)
    warm = np.array(cost[WARM_UP:])
    return {"median": float(np.median(warm)), "p99": float(np.percentile(warm, 99)), "min": float(warm.min())}


def machine() -> dict[str, object]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": version("numba"),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "nice": os.nice(0),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=2000, help="of each scene")
    parser.add_argument("--json", type=new_file, help="also write the figures here")
    arguments = parser.parse_args()
    start = perf_counter()
    prepare()
    prepared = perf_counter() - start
    cases = [(name, scene, False) for name, scene in scenes().items()]
    cases += [(f"{name}, new lines", scene, True) for name, scene, _ in cases[-2:]]
    rows: dict[str, dict[str, float]] = {}
    print(f"{'CPU ms per call':50s}{'median':>9s}{'p99':>9s}{'min':>9s}")
    for name, scene, new_lines in cases:
        rows[name] = measure(scene, arguments.calls, new_lines)
        print(f"{name:50s}" + "".join(f"{rows[name][key]:9.2f}" for key in ("median", "p99", "min")), flush=True)
    worst = max(row["p99"] for name, row in rows.items() if name.startswith("20 objects"))
    state = machine()
    print(f"\nworst p99 with 20 objects: {worst:.2f} ms; allowed: {ALLOWED_MS} ms; {arguments.calls} calls each")
    print(f"kernels ready after {prepared:.1f} s; " + ", ".join(f"{key} {value}" for key, value in state.items()))
    if arguments.json is not None:
        figures = {
            "unit": "ms of CPU time",
            "calls": arguments.calls,
            "allowed_p99": ALLOWED_MS,
            "worst_p99": worst,
            "scenes": rows,
            "prepare_s": prepared,
            **state,
        }
        give_json(figures, arguments.json)
    return 0 if worst <= ALLOWED_MS else 1


if __name__ == "__main__":
    end_with(main)
