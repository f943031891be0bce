"""A policy under Bench2Drive's own evaluator, on `takead carla-server`: those of its 220 routes that are on Town01.

    python -m benchmarks.bench2drive --bench2drive DIR --agents DIR --python PYTHON --out runs/b2d

DIR are checkouts of Thinklab-SJTU/Bench2Drive and of the PythonAPI/carla of carla-simulator/carla. The evaluator is
unmodified: it starts CARLA by ``$CARLA_ROOT/CarlaUE4.sh``, which is a script here that starts the server. It is written
for Python 3.8, of which CARLA 0.9.16 has no client: what newer ones lack is put back from outside.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from benchmarks.leaderboard import AGENT, ROOT, TOWN, table
from takead_ros.cli.program import end_with
from takead_ros.files import write_record
from takead_ros.policy.shipped import model_path

START = """#!/bin/bash
for a in "$@"; do case $a in -carla-rpc-port=*) port=${{a#*=}};; esac; done
cd {root} && exec {python} -m takead_ros.cli.main carla-server --town {town} --port "$port"
"""
# Elements of newer Pythons have no getchildren, and no list of items where they are not of C
COMPATIBLE = """import sys
sys.modules["_elementtree"] = None
import xml.etree.ElementTree as ElementTree
ElementTree.Element.getchildren = lambda self: list(self)
ElementTree.Element.items = lambda self: list(self.attrib.items())
"""
RANK = 97531  # after a crash the evaluator kills what has this number in its command line: nobody else's


def write_routes(source: Path, target: Path, only: str) -> int:
    """Those of Town01 (or ``only`` the one with this id); how many."""
    tree = ElementTree.parse(source)
    root = tree.getroot()
    for route in list(root):
        if route.get("town") != TOWN or (only and route.get("id") != only):
            root.remove(route)
    tree.write(target, xml_declaration=True, encoding="utf-8")
    return len(root)


def evaluate(given: argparse.Namespace, folder: Path) -> int:
    """The evaluator, until all routes are driven; its exit status."""
    carla, patch = folder / "carla", folder / "python"
    for each in (carla, patch):
        each.mkdir(exist_ok=True)
    start = carla / "CarlaUE4.sh"
    start.write_text(START.format(root=ROOT, python=sys.executable, town=TOWN), encoding="utf-8")
    start.chmod(0o755)
    (patch / "sitecustomize.py").write_text(COMPATIBLE, encoding="utf-8")
    settings = {"model": str(given.model), "scores": str(folder / "scores.jsonl"), "takeovers": False}
    write_record(folder / "agent.json", {**settings, "track": "SENSORS"})
    source = given.bench2drive.resolve()
    paths = [patch, ROOT, source / "leaderboard", source / "scenario_runner", given.agents.resolve()]
    environment = {
        **os.environ,
        "PYTHONPATH": ":".join(map(str, paths)),
        "OMP_NUM_THREADS": "1",
        "CARLA_ROOT": str(carla),
        "SCENARIO_RUNNER_ROOT": str(source / "scenario_runner"),
        "IS_BENCH2DRIVE": "True",
        "SAVE_PATH": str(folder),
    }
    command = [
        str(given.python), str(source / "leaderboard" / "leaderboard" / "leaderboard_evaluator.py"),
        "--routes", str(folder / "routes.xml"), "--agent", str(AGENT), "--agent-config", str(folder / "agent.json"),
        "--track", "SENSORS", "--checkpoint", str(folder / "statistics.json"),
        "--debug-checkpoint", str(folder / "live.txt"), "--port", str(given.port),
        "--traffic-manager-port", str(given.port + 5), "--gpu-rank", str(RANK),
    ]  # fmt: skip
    with (folder / "evaluator.log").open("wb") as told:
        return subprocess.run(
            command, cwd=source, stdout=told, stderr=subprocess.STDOUT, env=environment, check=False
        ).returncode


def main(arguments: list[str] | None = None) -> int:
    """The command; the evaluator's exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench2drive", type=Path, required=True)
    parser.add_argument("--agents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--model", type=Path, default=model_path("takead"))
    parser.add_argument("--port", type=int, default=24500)
    parser.add_argument("--only", default="", help="the route with this id")
    given = parser.parse_args(arguments)
    folder: Path = given.out.resolve()
    folder.mkdir(parents=True)
    routes = given.bench2drive / "leaderboard" / "data" / "bench2drive220.xml"
    print(f"{write_routes(routes, folder / 'routes.xml', given.only)} routes on {TOWN}", flush=True)
    status = evaluate(given, folder)
    print("\n".join(table(folder)))
    return status


if __name__ == "__main__":
    end_with(main)
