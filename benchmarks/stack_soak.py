"""The whole stack over DDS for a while: its scores beside the lockstep host's, its memory, and every command.

    python3 benchmarks/stack_soak.py --minutes 30 --json soak.json

Needs a sourced ROS 2 in which this package is built. Starts ``sim.launch.py sim:=vector`` and hears ``command``; at the
end the same episodes are driven by ``takead eval`` in one process. Over DDS messages take their time, and a loaded
machine takes more, so scores need not be equal: differences are what is to be seen.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import rclpy
from rclpy.executors import SingleThreadedExecutor

from takead_ros.cli.json_output import give_json
from takead_ros.cli.program import end_with, new_file
from takead_ros.host import wiring
from takead_ros.messages import interfaces
from takead_ros.runs.results import read_evaluation

FIRST_SEED = 1_000_000  # collection's
SCORE = re.compile(r"(\w+) seed (\d+): driving score ([\d.]+), ended by (\w+)")
SAMPLE_S = 10.0
SETTLED_S = 60.0  # from the start until memory counts: models are loaded and caches filled


def memory_mib(group: int) -> dict[str, float]:
    """Resident memory of each of our nodes in a process group."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            words = (status.parent / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if os.getpgid(int(status.parent.name)) != group:
                continue
            resident = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
        except (OSError, ValueError):
            continue  # it has just ended
        name = next((Path(word).name for word in words if word.endswith("_node")), "")
        if name and resident:
            found[name] = int(resident[1]) / 1024.0
    return found


Scores = dict[tuple[str, int], tuple[float, str]]  # Driving Score and end, by scenario and seed


class Soaked(NamedTuple):
    """Of a run over DDS: scores, memory (MiB) of each node at some times (s), gaps (s) between commands, restarts."""

    scores: Scores
    memory: list[tuple[float, dict[str, float]]]
    gaps: list[float]
    restarts: int


def soak(suite: str, model: str, minutes: float, folder: Path) -> Soaked:
    """Run the stack for so long."""
    os.environ["ROS_DOMAIN_ID"] = str(10 + os.getpid() % 80)
    log = folder / "log"
    launch = subprocess.Popen(
        ["env", "--default-signal=INT", "ros2", "launch", "takead_ros", "sim.launch.py", "sim:=vector",
         f"suite:={suite}", f"model:={model}", "auto_engage:=true", f"seed:={FIRST_SEED}", f"bags:={folder / 'clips'}"],
        stdout=log.open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    rclpy.init()
    node = rclpy.create_node("soak", namespace="takead")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    heard: list[float] = []
    wiring.subscription(node, interfaces.COMMAND, lambda _: heard.append(time.monotonic()))
    begun, due = time.monotonic(), 0.0
    samples: list[tuple[float, dict[str, float]]] = []
    try:
        while time.monotonic() - begun < 60.0 * minutes and launch.poll() is None:
            executor.spin_once(timeout_sec=0.05)
            at = time.monotonic() - begun
            if at >= due:
                samples.append((at, memory_mib(launch.pid)))
                due = at + SAMPLE_S
                print(f"\r{at / 60.0:5.1f} min, {len(heard)} commands", end="", file=sys.stderr, flush=True)
    finally:
        os.killpg(launch.pid, signal.SIGINT)
        launch.wait(timeout=90)
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()
    said = log.read_text()
    scores = {(name, int(seed)): (float(score), end) for name, seed, score, end in SCORE.findall(said)}
    return Soaked(scores, samples, [b - a for a, b in pairwise(heard)], said.count("has died"))


def embedded(suite: str, model: str, seeds: int, folder: Path) -> Scores:
    """The same episodes in the lockstep host."""
    out = folder / "embedded.json"
    subprocess.run(
        [sys.executable, "-m", "takead_ros.cli.main", "eval", "--sim", "vector", "--suite", suite, "--model", model,
         "--seeds", f"collection:0-{seeds - 1}", "--passes", "assisted", "--json", str(out)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return {(one.scenario, one.seed): (one.driving_score, one.end) for one in read_evaluation(out).episodes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--suite", default="core")
    parser.add_argument("--model", default=str(Path(__file__).resolve().parent.parent / "models" / "wide.onnx"))
    parser.add_argument("--json", type=new_file)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = soak(asked.suite, asked.model, asked.minutes, folder)
        last = max((seed for _, seed in found.scores), default=FIRST_SEED)
        beside = embedded(asked.suite, asked.model, last - FIRST_SEED + 1, folder)
    rows = [
        {"scenario": name, "seed": seed, "dds": score, "dds_end": end, "lockstep": beside[name, seed][0],
         "lockstep_end": beside[name, seed][1]}
        for (name, seed), (score, end) in sorted(found.scores.items())
    ]  # fmt: skip
    print("\n| scenario | seed | over DDS | in the lockstep host |\n|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['scenario']} | {row['seed']} | {row['dds']:.1f}, {row['dds_end']} | "
            f"{row['lockstep']:.1f}, {row['lockstep_end']} |"
        )
    count = max(len(rows), 1)
    pairs = [(found.scores[key], beside[key]) for key in sorted(found.scores)]
    means = [sum(pair[side][0] for pair in pairs) / count for side in (0, 1)]
    same = sum(over[1] == inside[1] for over, inside in pairs)
    gaps = sorted(found.gaps)
    settled = [one for at, one in found.memory if at >= SETTLED_S] or [{}]
    growth = {name: settled[-1][name] - first for name, first in settled[0].items() if name in settled[-1]}
    summary = {
        "episodes": len(rows), "dds_score": means[0], "lockstep_score": means[1], "same_end": same,
        "commands": len(gaps) + 1, "longest_gap_s": gaps[-1] if gaps else None,
        "gaps_over_100_ms": sum(gap > 0.1 for gap in gaps), "restarts": found.restarts, "growth_mib": growth,
        "minutes": asked.minutes,
    }  # fmt: skip
    print(f"\n{json.dumps(summary, indent=1, allow_nan=False)}")
    give_json({"summary": summary, "episodes": rows, "memory_mib": found.memory}, asked.json and str(asked.json))


if __name__ == "__main__":
    end_with(main)
