"""The whole stack against a simulator: ``ros2 launch takead_ros sim.launch.py sim:=metadrive|vector|carla``.

    ros2 launch takead_ros sim.launch.py                                    embedded MetaDrive, expert in shadow
    ros2 launch takead_ros sim.launch.py sim:=vector                        the vector world, which needs no MetaDrive
    ros2 launch takead_ros sim.launch.py joystick:=true                     a safety driver at the joystick as well
    ros2 launch takead_ros sim.launch.py expert:=off                        nobody takes over but a person
    ros2 launch takead_ros sim.launch.py rviz:=true                         and RViz; foxglove:=true for Foxglove
    ros2 launch takead_ros sim.launch.py sim:=carla joystick:=true          CARLA by carla_ros_bridge
    ros2 launch takead_ros sim.launch.py sim:=carla carla_server:=true      the same without CARLA, on a CPU
    ros2 launch takead_ros sim.launch.py sim:=carla carla_server:=true scenario:=red_light   one of our scenarios by it
    ros2 launch takead_ros sim.launch.py model:=runs/demo/round-1/training/model.onnx bags:=/data params:=my.yaml

``--show-args`` lists every argument. On a vehicle: ``vehicle.launch.py``.
"""

import importlib.util
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from launch.actions import ExecuteProcess, IncludeLaunchDescription, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessIO
from launch.events.process import ProcessIO
from launch.launch_context import LaunchContext
from launch.launch_description_sources import PythonLaunchDescriptionSource

# mypy takes this folder for ROS 2's package
from launch import LaunchDescription, LaunchDescriptionEntity  # type: ignore[attr-defined]
from takead_ros.host.launching import (
    PROGRAMS,
    SHARE,
    SWITCH,
    Stack,
    argument,
    checked,
    given,
    share_of,
    stack_arguments,
    whole,
)

WORLDS = ("metadrive", "vector")  # of our own: simulator_node makes them
# What the bridge's programs import besides ROS 2's packages, and where it comes from.
BRIDGE_IMPORTS = {
    "carla": "CARLA's client library (pip install carla==0.9.16)",
    "agents": "CARLA's folder PythonAPI/carla",
    "networkx": "networkx, by which CARLA's agents plan routes",
}
FOLDER = "Carla/Maps/"  # before the name of a map, as CARLA and takead carla-server tell it
ARGUMENTS = [
    argument("sim", "metadrive", "the world that is driven in", [*WORLDS, "carla"]),
    argument("model", str(SHARE / "models" / "baseline.onnx"), "ONNX policy, or a bundle of one"),
    argument("suite", "demo", "metadrive, vector: scenario suite"),
    argument("family", "", "metadrive, vector: one family of scenarios; '' = all of the suite"),
    argument("seed", "1000000", "metadrive, vector: first seed (collection's)"),
    *stack_arguments(auto_engage="true"),  # with carla: towards the publisher's default goal
    argument("carla_server", "false", "carla: start takead carla-server instead of reaching a CARLA of yours", SWITCH),
    argument("host", "localhost", "carla: server"),
    argument("port", "2000", "carla: server"),
    argument("timeout", "60", "carla: s that the server may take, as to load a map"),
    argument("town", "Town01", "carla: map"),
    argument("objects", str(SHARE / "config" / "carla_ego.json"), "carla: what to spawn"),
    argument("role_name", "ego_vehicle", "carla: the ego's role"),
    argument("scenario", "", "carla_server: this family, with seed:=, instead of the town; its own ego is driven"),
]
# The ego that takead carla-server brings with a scenario: its role, and its box in m.
SCENARIO_EGO, SCENARIO_BOX = "hero", {"length_m": 4.9017, "width_m": 2.1283}


def launch_file(package: str, name: str) -> PythonLaunchDescriptionSource:
    """A launch file of carla_ros_bridge's repository, whose packages keep theirs in the share folder itself."""
    return PythonLaunchDescriptionSource(str(share_of(package, "sim:=carla") / name))


def ego_objects(path: str, role: str) -> str:
    """A copy of the objects file whose vehicle has the role: the bridge finds the ego by it. The file's path."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    vehicles = [one for one in content["objects"] if one["type"].startswith("vehicle.")]
    if len(vehicles) != 1:
        raise RuntimeError(f"objects:={path} has {len(vehicles)} vehicles, expected one: the ego")
    vehicles[0]["id"] = role
    copy = Path(tempfile.mkdtemp(prefix="takead_")) / "objects.json"
    copy.write_text(json.dumps(content), encoding="utf-8")
    return str(copy)


def carla_launches(value: dict[str, str]) -> list[tuple[str, str, dict[str, str]]]:
    """Package, launch file and arguments of everything that stands between CARLA and vehicle_node.

    Not the bridge's example launch file: that opens a window and spawns cameras and lidars.
    """
    server = {key: value[key] for key in ("host", "port", "timeout")}
    role = value["role_name"]
    bridge = {
        **server,
        "town": value["town"],
        "fixed_delta_seconds": "0.05",
        "synchronous_mode": "True",
        # Each step waits for the vehicle's command, which comes 20 times a second by the wall clock: the simulation
        # then keeps to real time, by which the arbiter and a person at the joystick live.
        "synchronous_mode_wait_for_vehicle_control_command": "True",
        "ego_vehicle_role_name": role,
    }
    ego = {"role_name": role, "objects_definition_file": ego_objects(value["objects"], role)}
    ego["spawn_sensors_only"] = str(bool(value["scenario"]))  # a scenario's ego is there already
    return [
        ("carla_ros_bridge", "carla_ros_bridge.launch.py", bridge),
        ("carla_spawn_objects", "carla_example_ego_vehicle.launch.py", ego),
        ("carla_waypoint_publisher", "carla_waypoint_publisher.launch.py", {**server, "role_name": role}),
    ]


def bridge_imports() -> None:
    """Raises RuntimeError for what the bridge's programs would miss: each by itself ends with a traceback."""
    for module, what in BRIDGE_IMPORTS.items():
        if importlib.util.find_spec(module) is None:
            raise RuntimeError(
                f"sim:=carla: carla_ros_bridge needs {what} where ROS 2's Python finds it, as on PYTHONPATH; "
                f"there is no module '{module}' (docs/ros2.md)"
            )


def bridge(value: dict[str, str]) -> list[IncludeLaunchDescription]:
    """The bridge's programs."""
    return [
        IncludeLaunchDescription(launch_file(package, name), launch_arguments=settings.items())
        for package, name, settings in carla_launches(value)
    ]


def with_server(value: dict[str, str], bridge: list[IncludeLaunchDescription]) -> list[LaunchDescriptionEntity]:
    """``takead carla-server``, and the bridge as soon as it listens: a client that comes too early waits in vain.

    At the end the server outlives the bridge, which would else wait for it until it is killed.
    """
    if value["host"] not in ("localhost", "127.0.0.1"):
        raise RuntimeError(f"carla_server:=true host:={value['host']}, expected localhost: the server is started here")
    town = value["town"]
    start = ["--xodr", town] if town.endswith(".xodr") else ["--town", town]
    if value["scenario"]:
        start = ["--suite", value["scenario"], "--seed", value["seed"]]
    server = ExecuteProcess(
        cmd=[str(PROGRAMS / "carla_server"), *start, "--port", value["port"], "--grace", "8"],
        name="carla_server",
        output="screen",
        additional_env={"PYTHONUNBUFFERED": "1"},
        sigterm_timeout="15",
        on_exit=Shutdown(reason="carla_server ended"),
    )
    waiting = [bridge]

    def listens(event: ProcessIO) -> list[IncludeLaunchDescription] | None:
        return waiting.pop() if waiting and b"speaks CARLA" in event.text else None

    return [RegisterEventHandler(OnProcessIO(target_action=server, on_stdout=listens)), server]


def kept_town(value: dict[str, str]) -> str:
    """The town as the bridge has to be told it, which else loads one anew that is there already. Raises RuntimeError
    with one line where no CARLA answers."""
    where = [value[name] for name in ("host", "port", "timeout", "town", "role_name")]
    result = subprocess.run(
        [str(PROGRAMS / "carla_world"), "keep", *where], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(result.stderr.strip().splitlines()[-1])
    return result.stdout.splitlines()[-1]  # the client's library may write before it


def releasing(value: dict[str, str]) -> ExecuteProcess:
    """Lets a server that goes on run by itself again once the bridge has gone, which leaves it waiting for steps."""
    return ExecuteProcess(
        cmd=[str(PROGRAMS / "carla_world"), "release", value["host"], value["port"]],
        name="carla_world",
        output="screen",
        sigterm_timeout="20",
    )


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = given(context, ARGUMENTS)
    ours, auto_engage = value["sim"] in WORLDS, value["auto_engage"] == "true"
    if value["carla_server"] == "true" and ours:
        raise RuntimeError(f"carla_server:=true sim:={value['sim']}, expected sim:=carla")
    if value["keystore"] and not ours:
        raise RuntimeError(f"keystore:={value['keystore']} sim:=carla: the bridge's programs have no enclaves here")
    world = {name: value[name] for name in ("suite", "family")} | {"seed": whole(value, "seed")}
    with_ours = value["carla_server"] == "true"
    if value["scenario"] and not with_ours:
        raise RuntimeError(f"scenario:={value['scenario']}, expected carla_server:=true with it")
    if value["scenario"]:
        value |= {"role_name": SCENARIO_EGO, "objects": str(SHARE / "config" / "carla_scenario_ego.json")}
    if not ours:
        bridge_imports()
    files = checked(value, **({"simulator": value["sim"], **world} if ours else {}))
    stack = Stack(value, files, sim_time=True)
    # A simulator that resets its world engages anew for every episode, by itself, and ends each at its goal.
    found = stack.drivers(auto_engage=auto_engage and not ours, goal_stop=not ours)
    if ours:
        world |= {"simulator": value["sim"], "auto_engage": auto_engage}
        # The simulator makes the clock, so it cannot run by it.
        world |= {"publish_clock": True, "real_time": True, "use_sim_time": False}
        return [*found, stack.node("simulator", world, critical=True)]
    side: dict[str, Any] = {"vehicle": "carla", "role_name": value["role_name"], "bridge_waits": True}
    if value["scenario"]:
        side |= SCENARIO_BOX
    found.append(stack.node("vehicle", side, config="vehicle_carla", critical=True))
    if with_ours:
        # The bridge loads a world anew that has another name: a scenario begins when the bridge is there.
        town = value["scenario"] or f"{FOLDER}{Path(value['town']).stem}"
        return [*found, *with_server(value, bridge({**value, "town": town}))]
    return [*found, *bridge({**value, "town": kept_town(value)}), releasing(value)]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
