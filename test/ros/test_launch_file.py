"""What the launch file hands on, and that our nodes' Python environment is theirs alone."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("launch_ros", reason="launch_ros is not in this ROS 2 install")

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch.events.process import ProcessStdout

from launch import LaunchContext, LaunchDescription, LaunchService
from support.bridge import users_environment

pytestmark = pytest.mark.ros
SHARE = Path(get_package_share_directory("takead_ros"))
PROGRAMS = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros"


LAUNCHES = ("sim", "vehicle", "replay")


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"{name}_launch", SHARE / "launch" / f"{name}.launch.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def launch_file() -> Any:
    return load("sim")


def given(launch_file: Any, **changed: str) -> dict[str, str]:
    defaults = {one.name: "".join(part.text for part in one.default_value or ()) for one in launch_file.ARGUMENTS}
    return {**defaults, **changed}


def launched(launch_file: Any, **changed: str) -> Any:
    context = LaunchContext()
    context.launch_configurations.update(given(launch_file, **changed))
    return launch_file.nodes(context)


def programs(entities: Any) -> list[str]:
    """The executables of our nodes."""
    return sorted(one.node_executable for one in entities if hasattr(one, "node_executable"))


@pytest.mark.parametrize("name", LAUNCHES)
def test_every_argument_is_described(name: str) -> None:
    told = load(name).ARGUMENTS
    assert told and all(len(one.description.split()) > 1 for one in told), [one.name for one in told]
    shown = subprocess.run(
        ["ros2", "launch", "takead_ros", f"{name}.launch.py", "--show-args"], capture_output=True, text=True, check=True
    ).stdout
    assert "no description given" not in shown and all(f"'{one.name}'" in shown for one in told)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("sim", {"sim": "vector", "model": "none.onnx"}, "model 'none.onnx'"),
        ("sim", {"sim": "vector", "suite": "demoo"}, "demoo"),
        ("sim", {"sim": "vector", "seed": "x"}, "launch argument seed:=x, expected a non-negative integer"),
        ("sim", {"sim": "vector", "joystick": "topic", "joystick_map": "wheel"}, "mapping 'wheel'"),
        ("sim", {"sim": "vector", "key": "none.pem"}, "none.pem': No such file"),
        ("sim", {"sim": "vector", "params": "none.yaml"}, "none.yaml': No such file"),
        ("sim", {"sim": "vector", "bags": "/proc/clips"}, "output folder '/proc/clips'"),
        ("vehicle", {"vehicle": "ackermann", "bundle": "baseline"}, "a vehicle takes a bundle"),
        ("vehicle", {"vehicle": "ackermann", "bundle": "b", "remap": "scene"}, "remap: 'scene', expected FROM:=TO"),
        ("vehicle", {"vehicle": "cart", "bundle": "b"}, "vehicle 'cart': unknown, expected one of ackermann, carla"),
        ("replay", {"clip": "none"}, "clip:=none: no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_a_missing_part_is_one_line_before_anything_starts(name: str, arguments: dict[str, str], words: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        launched(load(name), **arguments)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_pad_that_is_not_there_is_named(launch_file: Any) -> None:
    if list(Path("/dev/input").glob("js*")):
        pytest.skip("there is a pad")
    with pytest.raises(RuntimeError, match=r"no pad or wheel is plugged in|needs package 'joy'"):
        launched(launch_file, sim="vector", joystick="true")


@pytest.mark.parametrize(("expert", "missing"), [("takeover", set()), ("drives", set()), ("off", {"expert_node"})])
def test_who_drives_is_started(launch_file: Any, tmp_path: Path, expert: str, missing: set[str]) -> None:
    found = programs(launched(launch_file, sim="vector", expert=expert, bags=str(tmp_path)))
    all_of_them = {
        f"{name}_node" for name in ("arbiter", "expert", "monitor", "policy", "recorder", "simulator", "supervisor")
    }
    assert set(found) == all_of_them - missing


VIEWERS = {"rviz": "rviz2", "foxglove": "foxglove_bridge"}
NOTES_ITS_START = """#!/usr/bin/env python3
import json, os, sys
files = [open(sys.argv[i + 1]).read() for i, word in enumerate(sys.argv) if word == "--params-file"]
json.dump({"arguments": sys.argv[1:], "parameters": files, "nice": os.nice(0)}, open(__file__ + ".json", "w"))
"""


@pytest.fixture
def viewer_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Packages of the viewers' names, whose programs only write down how they were started."""
    made, prefix = {}, tmp_path / "prefix"
    for package in VIEWERS.values():
        index, made[package] = prefix / "share/ament_index/resource_index/packages", prefix / f"lib/{package}/{package}"
        for folder in (index, prefix / "share" / package, made[package].parent):
            folder.mkdir(parents=True, exist_ok=True)
        (index / package).touch()
        made[package].write_text(NOTES_ITS_START)
        made[package].chmod(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{prefix}:{os.environ['AMENT_PREFIX_PATH']}")
    return made


def test_viewers_are_started_to_watch_and_nothing_else(
    launch_file: Any, tmp_path: Path, viewer_programs: dict[str, Path]
) -> None:
    wanted = {"rviz": "true", "foxglove": "true", "namespace": "car7"}
    found = launched(launch_file, sim="vector", bags=str(tmp_path), **wanted)
    assert {"display_node", *VIEWERS.values()} <= set(programs(found))
    service = LaunchService()
    viewers = [one for one in found if getattr(one, "node_package", "") in VIEWERS.values()]
    service.include_launch_description(LaunchDescription(viewers))
    assert service.run() == 0
    told = {name: json.loads(Path(f"{path}.json").read_text()) for name, path in viewer_programs.items()}
    rviz = told["rviz2"]["arguments"]
    assert rviz[rviz.index("-d") + 1] == str(SHARE / "config" / "takead.rviz")
    assert "/takead/display/markers:=/car7/display/markers" in rviz
    (bridge,) = told["foxglove_bridge"]["parameters"]
    assert "address: 127.0.0.1" in bridge and "capabilities" in bridge and "connectionGraph" in bridge
    for capability in ("clientPublish", "services", "parameters:", "assets"):
        assert capability not in bridge.replace("ros__parameters:", "")
    assert all("use_sim_time: true" in one["parameters"][0] for one in told.values())
    assert told["foxglove_bridge"]["nice"] == min(os.nice(0) + 10, 19)  # behind everything of ours


@pytest.mark.parametrize(("argument", "package"), VIEWERS.items())
def test_a_viewer_that_is_not_there_is_named_before_anything_starts(
    launch_file: Any, tmp_path: Path, argument: str, package: str
) -> None:
    with contextlib.suppress(PackageNotFoundError):
        get_package_share_directory(package)
        pytest.skip(f"{package} is in this ROS 2")
    with pytest.raises(RuntimeError) as caught:
        launched(launch_file, sim="vector", bags=str(tmp_path), **{argument: "true"})
    assert f"{argument}:=true needs package '{package}'" in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_is_drawn_where_nobody_asked(launch_file: Any, tmp_path: Path) -> None:
    assert "display_node" not in programs(launched(launch_file, sim="vector", bags=str(tmp_path)))


def test_the_server_may_take_its_time_everywhere(launch_file: Any) -> None:
    launches = launch_file.carla_launches(given(launch_file, timeout="17", host="there"))
    told = {package: settings for package, _, settings in launches}
    for package in ("carla_ros_bridge", "carla_waypoint_publisher"):
        assert (told[package]["timeout"], told[package]["host"]) == ("17", "there")
    assert float(given(launch_file)["timeout"]) >= 20.0, "a town takes longer to load than the bridge's own 2 s"


def test_each_step_waits_for_the_vehicles_command(launch_file: Any) -> None:
    (bridge,) = [s for package, _, s in launch_file.carla_launches(given(launch_file)) if package == "carla_ros_bridge"]
    assert bridge["synchronous_mode"] == bridge["synchronous_mode_wait_for_vehicle_control_command"] == "True"


def test_the_role_reaches_the_bridge_the_objects_and_the_route(launch_file: Any) -> None:
    launches = launch_file.carla_launches(given(launch_file, role_name="demo"))
    told = {package: settings for package, _, settings in launches}
    assert told["carla_ros_bridge"]["ego_vehicle_role_name"] == "demo"
    assert told["carla_spawn_objects"]["role_name"] == told["carla_waypoint_publisher"]["role_name"] == "demo"
    objects = json.loads(Path(told["carla_spawn_objects"]["objects_definition_file"]).read_text())["objects"]
    assert [one["id"] for one in objects if one["type"].startswith("vehicle.")] == ["demo"]
    shipped = json.loads((SHARE / "config" / "carla_ego.json").read_text())["objects"]
    assert [one["id"] for one in shipped if one["type"].startswith("vehicle.")] == ["ego_vehicle"], "left as it is"


def test_objects_without_one_ego_are_refused(launch_file: Any, tmp_path: Path) -> None:
    path = tmp_path / "objects.json"
    path.write_text('{"objects": []}')
    with pytest.raises(RuntimeError, match="has 0 vehicles, expected one"):
        launch_file.ego_objects(str(path), "demo")


def test_a_server_is_started_here_only(launch_file: Any) -> None:
    with pytest.raises(RuntimeError, match="host:=there, expected localhost"):
        launch_file.with_server(given(launch_file, host="there"), [])
    with pytest.raises(RuntimeError, match="carla_server:=true sim:=metadrive, expected sim:=carla"):
        launched(launch_file, carla_server="true")


@pytest.mark.parametrize(("town", "start"), [("Town01", ["--town", "Town01"]), ("/m/a.xodr", ["--xodr", "/m/a.xodr"])])
def test_the_bridge_starts_once_the_server_listens(launch_file: Any, town: str, start: list[str]) -> None:
    context = LaunchContext()
    handler, server = launch_file.with_server(given(launch_file, town=town, port="2345"), ["the bridge"])
    command = ["".join(context.perform_substitution(part) for part in word) for word in server.cmd]
    assert command[0] == str(PROGRAMS / "carla_server") and (PROGRAMS / "carla_server").exists()
    assert command[1:3] == start and command[3:5] == ["--port", "2345"]
    listens = handler.event_handler
    lines = (b"127.0.0.1:5 connects", b"speaks CARLA 0.9.16 on 127.0.0.1:2345", b"speaks CARLA again")
    said = [ProcessStdout(text=t, action=server, name="s", cmd=[], cwd=None, env=None, pid=1) for t in lines]
    assert [listens.handle(event, context) for event in said] == [None, ["the bridge"], None]


def test_a_scenario_brings_its_own_ego(launch_file: Any) -> None:
    value = given(launch_file, scenario="red_light", seed="5", role_name="hero")
    context = LaunchContext()
    _, server = launch_file.with_server(value, [])
    command = ["".join(context.perform_substitution(part) for part in word) for word in server.cmd]
    assert command[1:5] == ["--suite", "red_light", "--seed", "5"]
    spawned = {package: settings for package, _, settings in launch_file.carla_launches(value)}["carla_spawn_objects"]
    assert spawned["spawn_sensors_only"] == "True"
    own = {package: settings for package, _, settings in launch_file.carla_launches(given(launch_file))}
    assert own["carla_spawn_objects"]["spawn_sensors_only"] == "False"
    with pytest.raises(RuntimeError, match="scenario:=red_light, expected carla_server:=true with it"):
        launched(launch_file, sim="carla", scenario="red_light")


def test_what_the_bridge_would_miss_is_named_before_it_starts(launch_file: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(launch_file, "BRIDGE_IMPORTS", {"no_such_module": "a thing (pip install thing)"})
    with pytest.raises(RuntimeError, match=r"needs a thing \(pip install thing\).*there is no module 'no_such_module'"):
        launch_file.bridge_imports()


def test_a_carla_that_does_not_answer_is_one_line_before_anything_starts(launch_file: Any) -> None:
    pytest.importorskip("carla", reason="the carla package is an extra")
    with pytest.raises(RuntimeError, match=r"^CARLA at localhost:1: time-out of 1000ms") as caught:
        launch_file.kept_town(given(launch_file, port="1", timeout="1"))
    assert "\n" not in str(caught.value)


def test_a_parameter_file_is_checked_before_anything_starts(launch_file: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("/**/policy_node:\n  ros__parameters: {period_s: 0.2}\n")
    value = given(launch_file, params=str(path), bags=str(tmp_path / "clips"))
    with pytest.raises(RuntimeError, match=r"mine\.yaml: policy_node: parameter 'period_s' = 0\.2, expert_node"):
        launch_file.checked(value)
    path.write_text("/**/policy_node:\n  ros__parameters: {max_scene_age_s: 0.4}\n")
    assert launch_file.checked(value) == [str(path)]


def test_our_nodes_find_their_environment_and_nobody_else_sees_it() -> None:
    code = "import numpy, sys; print(numpy.__file__)"
    program = (PROGRAMS / "policy_node").read_text().split("from takead_ros")[0]
    python = program.splitlines()[0].removeprefix("#!")
    environment = users_environment()
    ours, theirs = (
        subprocess.run([python, "-c", text], env=environment, capture_output=True, text=True, check=True).stdout.strip()
        for text in (f"{program}\n{code}", code)
    )
    assert "site-packages/numpy" in ours and ours != theirs
    checked = subprocess.run(
        [str(PROGRAMS / "preflight"), json.dumps({"params": str(SHARE / "config" / "policy.yaml")})],
        env=environment,
        check=False,
    )
    assert checked.returncode == 0, "the node's own packages (pydantic) are there without PYTHONPATH"
