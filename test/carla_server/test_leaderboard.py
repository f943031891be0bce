"""The agent of CARLA's leaderboard: its scenes through the real client, and a route under the real evaluator."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from support.carla_server import ask_client, running
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import ControlKind, LightState, ObjectKind
from takead_ros.runs.leaderboard.settings import read_settings
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.vehicles.carla.actors import kind_of

CHECKOUTS = ("LEADERBOARD_ROOT", "SCENARIO_RUNNER_ROOT", "CARLA_PYTHONAPI")  # the last: CARLA's PythonAPI/carla


@pytest.fixture(scope="module")
def saw(towns: KnownTowns) -> dict[str, object]:
    """What the client at the crossing saw."""
    with running(towns, "crossing") as run:
        return ask_client("privileged", run.port, timeout_s=180.0)


@pytest.mark.slow
def test_the_ego_is_told_in_ros_signs(saw: dict[str, object]) -> None:
    ego = saw["ego"]
    assert isinstance(ego, dict)
    assert ego["x"] == pytest.approx(-39.8, abs=0.1) and ego["y"] == pytest.approx(-1.75, abs=0.01)
    assert ego["speed"] == pytest.approx(4.0, abs=0.2) and ego["yaw"] == pytest.approx(0.0, abs=1e-3)
    assert (ego["length"], ego["width"]) == pytest.approx((4.792, 2.163), abs=0.01)
    assert ego["wheelbase"] == pytest.approx(2.875, abs=0.01)
    assert ego["max_steering_angle"] == pytest.approx(math.radians(70.0), abs=0.01)


def test_everybody_on_the_road_is_told_with_kind_and_box_and_nobody_under_it(saw: dict[str, object]) -> None:
    objects = saw["objects"]
    assert isinstance(objects, list)
    kinds = sorted(ObjectKind(int(row[1])) for row in objects)
    assert kinds == sorted([ObjectKind.CAR, ObjectKind.PEDESTRIAN, ObjectKind.CONE, ObjectKind.CYCLIST])
    (car,) = (row for row in objects if row[0] == saw["car"])
    assert car[2:4] == pytest.approx([-25.0, -1.75], abs=0.05)
    assert car[5:] == pytest.approx([4.1812, 1.9941], abs=0.01)
    (bicycle,) = (row for row in objects if row[1] == ObjectKind.CYCLIST)
    assert abs(bicycle[4]) == pytest.approx(math.pi, abs=1e-3)


def test_route_and_contacts(saw: dict[str, object]) -> None:
    remaining = saw["remaining"]
    assert isinstance(remaining, list)
    assert remaining[0] == pytest.approx(97.8, abs=1.0) and remaining[1] < remaining[0]
    assert isinstance(saw["lanes"], int) and saw["lanes"] > 4
    assert saw["infractions"] == ["collision_vehicle"] and saw["seed"] == 7  # it was driven into the standing car


@pytest.mark.slow
def test_a_light_is_told_where_it_stops_the_lane_and_as_it_is() -> None:
    scenarios = tuple(scenario for scenario in load_suite("core").episodes([0]) if scenario.family == "red_light")
    with running(KnownTowns(scenarios=scenarios), "red_light") as run:
        saw = ask_client("red_light", run.port, timeout_s=180.0)
    kind, state, far = saw["first"]
    assert kind == ControlKind.TRAFFIC_LIGHT and state == LightState.GREEN
    assert 10.0 < far < saw["remaining"]
    assert saw["second"][1] == LightState.RED and saw["second"][2] < far - 5.0


@pytest.mark.parametrize(
    ("type_id", "attributes", "kind"),
    [
        ("vehicle.carlamotors.firetruck", {"base_type": "truck"}, ObjectKind.TRUCK),
        ("vehicle.nobody.knows", {}, ObjectKind.CAR),
        ("vehicle.yamaha.yzf", {"base_type": "motorcycle"}, ObjectKind.CYCLIST),
        ("static.prop.trafficcone01", {}, ObjectKind.CONE),
        ("static.prop.streetbarrier", {}, ObjectKind.OBSTACLE),
        ("traffic.traffic_light", {}, None),
        ("sensor.other.gnss", {}, None),
        ("spectator", {}, None),
    ],
)
def test_what_an_actor_is_to_a_driver(type_id: str, attributes: dict[str, str], kind: ObjectKind | None) -> None:
    assert kind_of(type_id, attributes) is kind


def test_settings_are_a_model_or_a_file(tmp_path: Path) -> None:
    assert read_settings("some/model.onnx").model == "some/model.onnx"
    file = tmp_path / "agent.json"
    file.write_text(json.dumps({"model": "m.onnx", "takeovers": True, "pedals": {"drag_mps2": 1.0}}))
    with pytest.raises(TakeadError, match="drag_mps2"):
        read_settings(str(file))
    file.write_text(json.dumps({"model": "m.onnx", "track": "SENSORS"}))
    assert read_settings(str(file)).track == "SENSORS"
    file.write_text("{")
    with pytest.raises(TakeadError, match=r"agent\.json.*in JSON"):
        read_settings(str(file))
    with pytest.raises(TakeadError, match=r"gone\.json"):
        read_settings(str(tmp_path / "gone.json"))


@pytest.mark.slow
@pytest.mark.skipif(
    any(name not in os.environ for name in CHECKOUTS), reason=f"checkouts of CARLA's evaluator: set {CHECKOUTS}"
)
def test_the_evaluator_runs_a_route_to_its_end(tmp_path: Path) -> None:
    """By the benchmark's own command; LEADERBOARD_PYTHON has what the evaluator needs."""
    from benchmarks.leaderboard import main

    roots = [
        f"--{flag}={os.environ[name]}"
        for flag, name in zip(("leaderboard", "scenario-runner", "agents"), CHECKOUTS, strict=True)
    ]
    python = os.environ.get("LEADERBOARD_PYTHON", "python3")
    assert main([*roots, "--python", python, "--routes", "1", "--shortest", "60", "--longest", "120", "--out",
                 str(tmp_path), "--port", "24300"]) == 0  # fmt: skip
    record = json.loads((tmp_path / "statistics.json").read_text())["_checkpoint"]["records"][0]
    mine = json.loads((tmp_path / "scores.jsonl").read_text().splitlines()[0])
    assert record["status"] in ("Completed", "Perfect") and record["scores"]["score_route"] == 100
    assert mine["route_completion"] == 1.0 and mine["duration"] > 3.0
