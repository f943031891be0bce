"""Which scenarios of CARLA's ScenarioRunner on Town01 run to their regular end on `takead carla-server`.

    python -m benchmarks.scenario_runner --scenario-runner DIR --agents DIR --out runs/sr

DIR are checkouts of carla-simulator/scenario_runner and of PythonAPI/carla of carla-simulator/carla; ``--python`` runs
them. The ego is driven by CARLA's BasicAgent, in step (`scenario_runner_ego.py`). What was run is kept: a file for each
scenario in ``--out``; the same command goes on where it ended. A regular end is a result that ScenarioRunner itself
gives: SUCCESS, FAILURE of a criterion, or TIMEOUT by the scenario's own time limit.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from benchmarks.leaderboard import STOP_S, wait_for
from takead_ros.cli.program import end_with
from takead_ros.files import content_of, parse_json, write_record

ROOT = Path(__file__).parents[1]
TOWN = "Town01"
PATIENCE = 280.0  # s for one scenario
EGO = Path(__file__).with_name("scenario_runner_ego.py")


def scenarios(folder: Path) -> list[tuple[str, list[str]]]:
    """Name and arguments of each example of ScenarioRunner that plays on Town01."""
    found: list[tuple[str, list[str]]] = []
    for file in sorted((folder / "srunner" / "examples").glob("*.xml")):
        for one in ElementTree.parse(file).getroot().iter("scenario"):
            if one.get("town") == TOWN:
                name = one.get("name", "")
                found.append((name, ["--scenario", name]))
    for file in sorted((folder / "srunner" / "examples").glob("*.xosc")):
        if f'"{TOWN}"' in file.read_text(encoding="utf-8"):
            found.append((file.name, ["--openscenario", str(file)]))
    return found


def run(given: argparse.Namespace, name: str, arguments: list[str]) -> dict[str, object]:
    """One scenario, on a server of its own."""
    paths = [ROOT, given.scenario_runner, given.agents]
    environment = {
        **os.environ,
        "PYTHONPATH": ":".join(str(path.resolve()) for path in paths),
        "OMP_NUM_THREADS": "1",
        "SCENARIO_RUNNER_ROOT": str(given.scenario_runner.resolve()),
    }
    serve = [sys.executable, "-m", "takead_ros.cli.main", "carla-server", "--town", TOWN, "--port", str(given.port)]
    log = given.out / f"{name}.server.log"
    with log.open("wb") as said:
        server = subprocess.Popen(serve, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, env=environment)
        try:
            wait_for(given.port, server)
            told = _runner(given, arguments, environment)
        finally:
            server.terminate()
            server.wait(STOP_S)
    (given.out / f"{name}.log").write_text(told, encoding="utf-8")
    result = re.search(r"Results of Scenario: .* ---- (\w+)", told)
    time_s = re.search(r"Game Time\s*│\s*([\d.]+)s", told)
    failed = re.findall(r"│ *([A-Za-z]+) \((?:Req|Opt)\.\) *│ *FAILURE", re.sub(r"\x1b\[\d+m", "", told))
    errors = [line for line in told.splitlines() if re.match(r"^\w*(Error|Exception)\b", line)]
    lacks = sorted(set(re.findall(r"'(\w+)' is not answered", log.read_text(encoding="utf-8"))))
    return {
        "name": name,
        "result": result.group(1) if result else "none",
        "time_s": float(time_s.group(1)) if time_s else None,
        "failed": failed,
        "error": errors[-1] if errors and not result else "",
        "server_lacks": lacks,
    }


def _runner(given: argparse.Namespace, arguments: list[str], environment: dict[str, str]) -> str:
    """What ScenarioRunner said. It may ignore SIGTERM at its end: it is killed then."""
    command = [
        str(given.python), str(EGO), str(given.scenario_runner / "scenario_runner.py"), *arguments,
        "--sync", "--reloadWorld", "--output", "--timeout", "60",
        "--port", str(given.port), "--trafficManagerPort", str(given.port + 5),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=given.scenario_runner, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        return process.communicate(timeout=PATIENCE)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0] + f"\nnot ended after {PATIENCE:.0f} s\n"


def table(rows: list[dict[str, object]]) -> list[str]:
    """What became of each."""
    regular = sum(row["result"] != "none" for row in rows)
    counts = Counter(str(row["result"]) for row in rows if row["result"] != "none")
    parts = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
    lines = [
        f"{regular} of {len(rows)} run to their regular end ({parts}).",
        "",
        "| scenario | result | simulated | criteria that failed, or the error |",
        "|---|---|---|---|",
    ]
    for row in rows:
        failed = row["failed"]
        assert isinstance(failed, list)
        why = ", ".join(failed) if row["result"] != "none" else str(row["error"])
        seconds = "" if row["time_s"] is None else f"{row['time_s']} s"
        lines.append(f"| {row['name']} | {row['result']} | {seconds} | {why} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("scenario-runner", "agents", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--port", type=int, default=25000)
    parser.add_argument("--only", default="", help="names that contain this text")
    given = parser.parse_args()
    given.out = given.out.resolve()
    given.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, arguments in scenarios(given.scenario_runner):
        kept = given.out / f"{name}.json"
        if given.only in name and not kept.exists():
            write_record(kept, run(given, name, arguments))
        if kept.exists():
            rows.append(parse_json(content_of(kept)))
            print(rows[-1], flush=True)
    print("\n".join(table(rows)))


if __name__ == "__main__":
    end_with(main)
