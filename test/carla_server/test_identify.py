"""``takead vehicle identify`` by the real client on the server, and a map made of a text by the client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.carla_server import running
from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.vehicles.carla.side import CarlaParameters

pytestmark = pytest.mark.slow


def identify(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the client's calls hold the interpreter that the server's thread needs."""
    command = [sys.executable, "-m", "takead_ros.cli.main", "vehicle", "identify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280.0)


def test_the_server_s_car_is_identified(towns: KnownTowns, tmp_path: Path) -> None:
    """On a road that the client gives as a text. CARLA's steering curve is found; asked and got come together."""
    out, plot = tmp_path / "vehicle.yaml", tmp_path / "vehicle.svg"
    with running(towns, "straight") as run:
        said = identify("--port", str(run.port), "--out", str(out), "--plot", str(plot))
    assert said.returncode == 0, said.stderr
    values = yaml.safe_load(out.read_text())["/**/vehicle_node"]["ros__parameters"]
    found = CarlaParameters(**values)
    curve = (found.steering_at_20_kmh, found.steering_at_60_kmh, found.steering_at_120_kmh)
    assert curve == pytest.approx((0.9, 0.8, 0.7), abs=0.02)
    assert found.coasting_at_60_kmh_mps2 == pytest.approx(2.1, abs=0.3)
    assert plot.read_text().lstrip().startswith("<?xml")
    rows = [line.split() for line in said.stdout.splitlines() if line.count("m/s^2") == 1 and " m/s " in line]
    tried = [(float(row[2]), float(row[-1])) for row in rows]
    assert len(tried) == 7 and all(abs(got - asked) < 0.8 for asked, got in tried)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    from trial import material

    said = material.takead(["vehicle", "identify", "--port", "1", "--timeout", "1", "--out", str(tmp_path / "v.yaml")])
    assert said.code == 2 and "127.0.0.1:1" in said.stderr
    assert not (tmp_path / "v.yaml").exists()
