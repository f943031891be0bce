"""A policy under the real evaluator of CARLA's Leaderboard 2, on `takead carla-server`, its scores beside ours.

    python -m benchmarks.leaderboard --leaderboard DIR --scenario-runner DIR --agents DIR --routes 20 --out runs/lb

The three folders are checkouts of carla-simulator/leaderboard, carla-simulator/scenario_runner and the PythonAPI/carla
of carla-simulator/carla; ``--python`` runs the evaluator and has what its requirements ask for. Routes are drawn from a
seed and written in the leaderboard's own format. What was driven is kept: the same command goes on where it ended.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import carla
import numpy as np

from takead_ros.cli.program import end_with
from takead_ros.domain.errors import TakeadError
from takead_ros.files import content_of, parse_json, write_record
from takead_ros.maps.towns import map_file
from takead_ros.policy.shipped import model_path

ROOT = Path(__file__).parents[1]
AGENT = ROOT / "takead_ros" / "runs" / "leaderboard" / "takead_agent.py"
TOWN = "Town01"
KEYPOINTS = 40  # m between two of a route's points
START_S = 900.0  # that a server may take until it listens
STOP_S = 120.0  # and to end
PENALISED = {
    "collisions_pedestrian": "collision_pedestrian",
    "collisions_vehicle": "collision_vehicle",
    "collisions_layout": "collision_static",
    "red_light": "red_light",
    "stop_infraction": "stop_sign",
    "outside_route_lanes": "off_road",
    "vehicle_blocked": "blocked",
    "route_dev": "route_deviation",
}


def draw_routes(number: int, seed: int, shortest: float, longest: float) -> list[list[Any]]:
    """``number`` routes of Town01 between the lengths (m), each a list of carla.Location: from and to places drawn from
    its lanes."""
    from agents.navigation.global_route_planner import GlobalRoutePlanner

    town = carla.Map(TOWN, map_file(TOWN).read_text(encoding="utf-8"))
    planner = GlobalRoutePlanner(town, 1.0)
    places = [point for point in town.generate_waypoints(20.0) if not point.is_junction]
    rng = np.random.default_rng(seed)
    routes: list[list[Any]] = []
    while len(routes) < number:
        start, end = (places[i].transform.location for i in rng.choice(len(places), 2, replace=False))
        way = [point.transform.location for point, _ in planner.trace_route(start, end)]
        if shortest <= sum(a.distance(b) for a, b in pairwise(way)) <= longest:
            routes.append([*way[:-KEYPOINTS:KEYPOINTS], way[-1]])
    return routes


def write_routes(routes: list[list[Any]], path: Path) -> None:
    """In the leaderboard's XML."""
    root = ElementTree.Element("routes")
    for number, places in enumerate(routes):
        route = ElementTree.SubElement(root, "route", id=str(number), town=TOWN)
        points = ElementTree.SubElement(route, "waypoints")
        for place in places:
            ElementTree.SubElement(points, "position", x=f"{place.x:.2f}", y=f"{place.y:.2f}", z=f"{place.z:.2f}")
        ElementTree.SubElement(route, "scenarios")
    ElementTree.ElementTree(root).write(path, xml_declaration=True, encoding="utf-8")


def evaluate(given: argparse.Namespace, folder: Path) -> int:
    """Server and evaluator in processes of their own, until all routes are driven; the evaluator's exit status."""
    settings = {"model": str(given.model), "scores": str(folder / "scores.jsonl"), "takeovers": given.takeovers}
    if given.takeovers:
        settings["bags"] = str(folder / "clips")
    write_record(folder / "agent.json", settings)
    paths = [ROOT, given.leaderboard, given.scenario_runner, given.agents]
    environment = {
        **os.environ,
        "PYTHONPATH": ":".join(str(path.resolve()) for path in paths),
        "OMP_NUM_THREADS": "1",
        "SCENARIO_RUNNER_ROOT": str(given.scenario_runner.resolve()),
    }
    serve = [sys.executable, "-m", "takead_ros.cli.main", "carla-server", "--town", TOWN, "--port", str(given.port)]
    with (folder / "server.log").open("ab") as log, (folder / "evaluator.log").open("ab") as told:
        server = subprocess.Popen(serve, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            wait_for(given.port, server)
            evaluator = [
                str(given.python), str(given.leaderboard / "leaderboard" / "leaderboard_evaluator.py"),
                "--routes", str(folder / "routes.xml"), "--agent", str(AGENT), "--agent-config",
                str(folder / "agent.json"), "--track", "MAP", "--checkpoint", str(folder / "statistics.json"),
                "--debug-checkpoint", str(folder / "live.txt"), "--port", str(given.port),
                "--traffic-manager-port", str(given.port + 5), "--timeout", "300",
            ]  # fmt: skip
            if (folder / "statistics.json").exists():
                evaluator += ["--resume", "1"]
            return subprocess.run(
                evaluator, cwd=folder, stdout=told, stderr=subprocess.STDOUT, env=environment, check=False
            ).returncode
        finally:
            server.terminate()
            server.wait(STOP_S)


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Until ``server`` listens on ``port``: it may have to compile its kernels first, which takes minutes where others
    work too."""
    begun = time.monotonic()
    while server.poll() is None and time.monotonic() - begun < START_S:
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise TakeadError(f"the server does not listen on port {port} after {time.monotonic() - begun:.0f} s; see its log")


def table(folder: Path) -> list[str]:
    """The evaluator's statistics beside the project's measures of the same drives."""
    told = parse_json(content_of(folder / "statistics.json"))["_checkpoint"]
    ours = [parse_json(line) for line in content_of(folder / "scores.jsonl").splitlines()]
    lines = [
        "| route | m | evaluator: status | score | route | penalty | infractions "
        "| ours: score | route | penalty | infractions |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    sums = []
    for record, mine in zip(told["records"], ours, strict=False):  # a drive that is still going on has no record
        scores, length = record["scores"], record["meta"]["route_length"]
        theirs = [f"{PENALISED.get(kind, kind)} {len(found)}" for kind, found in record["infractions"].items() if found]
        kinds = [one["kind"] for one in mine["infractions"]]
        counted = [f"{kind} {kinds.count(kind)}" for kind in sorted(set(kinds))]
        way = 100 * mine["route_completion"]
        sums.append((scores["score_composed"], mine["driving_score"], scores["score_route"], way))
        lines.append(
            f"| {record['index']} | {length:.0f} | {record['status']} | {scores['score_composed']:.1f} | "
            f"{scores['score_route']:.1f} | {scores['score_penalty']:.2f} | {', '.join(theirs) or '-'} | "
            f"{mine['driving_score']:.1f} | {way:.1f} | {mine['penalty']:.2f} | "
            f"{', '.join(counted) or '-'} |"
        )
    mean = np.mean(sums, axis=0)
    lines.append(f"| mean | | | {mean[0]:.1f} | {mean[2]:.1f} | | | {mean[1]:.1f} | {mean[3]:.1f} | | |")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """The command; the evaluator's exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("leaderboard", "scenario-runner", "agents"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--model", type=Path, default=model_path("takead"))
    parser.add_argument("--takeovers", action="store_true", help="the expert may take over; clips in OUT/clips")
    parser.add_argument("--routes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shortest", type=float, default=250.0, help="m of a route")
    parser.add_argument("--longest", type=float, default=700.0, help="the same")
    parser.add_argument("--port", type=int, default=24000)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    folder: Path = given.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "routes.xml").exists():
        sys.path.insert(0, str(given.agents))
        write_routes(draw_routes(given.routes, given.seed, given.shortest, given.longest), folder / "routes.xml")
    status = evaluate(given, folder)
    print("\n".join(table(folder)))
    return status


if __name__ == "__main__":
    end_with(main)
