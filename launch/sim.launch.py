"""The whole stack against a simulator or on a vehicle: ``ros2 launch takead_ros sim.launch.py sim:=metadrive|carla``.

    ros2 launch takead_ros sim.launch.py                                    embedded MetaDrive, expert in shadow
    ros2 launch takead_ros sim.launch.py joystick:=true                     a safety driver at the joystick as well
    ros2 launch takead_ros sim.launch.py sim:=carla joystick:=true          CARLA by carla_ros_bridge
    ros2 launch takead_ros sim.launch.py sim:=carla carla_server:=true      the same without CARLA, on a CPU
    ros2 launch takead_ros sim.launch.py sim:=none vehicle:=ackermann       a vehicle; its scene comes from elsewhere
    ros2 launch takead_ros sim.launch.py model:=runs/demo/round-1/training/model.onnx bags:=/data params:=my.yaml

``--show-args`` lists every argument.
"""

import importlib.util
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessIO
from launch.events.process import ProcessIO
from launch.launch_context import LaunchContext
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

# mypy takes this folder for ROS 2's package
from launch import LaunchDescription, LaunchDescriptionEntity  # type: ignore[attr-defined]

SHARE = Path(get_package_share_directory("takead_ros"))
PROGRAMS = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros"
# What the bridge's programs import besides ROS 2's packages, and where it comes from.
BRIDGE_IMPORTS = {
    "carla": "CARLA's client library (pip install carla==0.9.16)",
    "agents": "CARLA's folder PythonAPI/carla",
    "networkx": "networkx, by which CARLA's agents plan routes",
}


def arguments() -> list[DeclareLaunchArgument]:
    return [
        DeclareLaunchArgument("sim", default_value="metadrive", choices=["metadrive", "carla", "none"]),
        DeclareLaunchArgument("vehicle", default_value="", description="row of takead_ros.vehicles; '' = as sim says"),
        DeclareLaunchArgument("namespace", default_value="takead", description="namespace of the ego"),
        DeclareLaunchArgument("model", default_value=str(SHARE / "models" / "baseline.onnx")),
        DeclareLaunchArgument("provider", default_value="cpu", description="cpu | cuda | tensorrt; a hard choice"),
        DeclareLaunchArgument("suite", default_value="demo", description="metadrive: scenario suite"),
        DeclareLaunchArgument("family", default_value="", description="metadrive: one family of the suite; '' = all"),
        DeclareLaunchArgument("seed", default_value="1000000", description="metadrive: first seed (collection's)"),
        DeclareLaunchArgument("bags", default_value="clips", description="folder that clips are written to"),
        DeclareLaunchArgument("params", default_value="", description="ROS parameter file for any of the nodes"),
        DeclareLaunchArgument("joystick", default_value="false", choices=["true", "false"]),
        DeclareLaunchArgument("joystick_map", default_value="xbox", description="file in config/joysticks"),
        DeclareLaunchArgument(
            "auto_engage",
            default_value="true",
            choices=["true", "false"],
            description="drive as soon as all is there (with carla: towards the publisher's default goal)",
        ),
        DeclareLaunchArgument(
            "carla_server",
            default_value="false",
            choices=["true", "false"],
            description="carla: start takead carla-server instead of reaching a CARLA of yours",
        ),
        DeclareLaunchArgument("host", default_value="localhost", description="carla: server"),
        DeclareLaunchArgument("port", default_value="2000", description="carla: server"),
        DeclareLaunchArgument(
            "timeout", default_value="60", description="carla: s that the server may take, as to load a map"
        ),
        DeclareLaunchArgument("town", default_value="Town01", description="carla: map"),
        DeclareLaunchArgument(
            "objects", default_value=str(SHARE / "config" / "carla_ego.json"), description="carla: what to spawn"
        ),
        DeclareLaunchArgument("role_name", default_value="ego_vehicle", description="carla: the ego's role"),
    ]


def launch_file(package: str, name: str) -> PythonLaunchDescriptionSource:
    """A launch file of carla_ros_bridge's repository, whose packages keep theirs in the share folder itself."""
    try:
        share = Path(get_package_share_directory(package))
    except PackageNotFoundError as error:
        raise RuntimeError(
            f"sim:=carla needs package '{package}', which is not in this ROS 2 (docs/ros2.md)"
        ) from error
    return PythonLaunchDescriptionSource(str(share / name))


def whole(value: dict[str, str], name: str) -> int:
    if not value[name].isdecimal():
        raise RuntimeError(f"launch argument {name}:={value[name]}, expected a non-negative integer")
    return int(value[name])


def checked(value: dict[str, str]) -> list[str]:
    """The parameter file, once it is known to fit: a node by itself sees only its own section."""
    if not value["params"]:
        return []
    result = subprocess.run(
        [str(PROGRAMS / "check_parameters"), f"/{value['namespace'].strip('/')}", value["params"]],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(result.stderr.strip())
    return [value["params"]]


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
    return [
        ("carla_ros_bridge", "carla_ros_bridge.launch.py", bridge),
        ("carla_spawn_objects", "carla_example_ego_vehicle.launch.py", ego),
        ("carla_waypoint_publisher", "carla_waypoint_publisher.launch.py", {**server, "role_name": role}),
    ]


def bridge(value: dict[str, str]) -> list[IncludeLaunchDescription]:
    """The bridge's programs. Raises RuntimeError for what they would miss: each by itself ends with a traceback."""
    for module, what in BRIDGE_IMPORTS.items():
        if importlib.util.find_spec(module) is None:
            raise RuntimeError(
                f"sim:=carla: carla_ros_bridge needs {what} where ROS 2's Python finds it, as on PYTHONPATH; "
                f"there is no module '{module}' (docs/ros2.md)"
            )
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


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in arguments()}

    carla, metadrive = value["sim"] == "carla", value["sim"] == "metadrive"
    vehicle = value["vehicle"] or ("carla" if carla else "")
    if bool(vehicle) == metadrive:
        raise RuntimeError(
            f"sim:={value['sim']} vehicle:='{vehicle}', expected a vehicle exactly where sim is no world of ours"
        )
    if value["carla_server"] == "true" and not carla:
        raise RuntimeError(f"carla_server:=true sim:={value['sim']}, expected sim:=carla")
    extra = checked(value)

    def node(name: str, parameters: dict[str, Any] | None = None, config: str = "", critical: bool = False) -> Node:
        files = [str(SHARE / "config" / f"{config or name}.yaml"), *extra]
        return Node(
            package="takead_ros",
            executable=f"{name}_node",
            name=f"{name}_node",
            namespace=value["namespace"],
            output="screen",
            parameters=[*files, {"use_sim_time": carla or metadrive, **(parameters or {})}],
            # The recorder may have a clip to finish, and the simulator an engine to take down.
            sigterm_timeout="40",
            sigkill_timeout="10",
            on_exit=Shutdown(reason=f"{name}_node ended") if critical else None,
        )

    auto_engage = value["auto_engage"] == "true"
    stack = [
        node("policy", {"model": value["model"], "provider": value["provider"]}),
        node("expert"),
        node("monitor"),
        # A simulator that resets its world engages anew for every episode, by itself, and ends each at its goal.
        node("arbiter", {"auto_engage": auto_engage and not metadrive, "goal_stop": not metadrive}, critical=True),
        node("recorder", {"directory": value["bags"]}),
    ]
    if value["joystick"] == "true":
        stack.append(Node(package="joy", executable="joy_node", namespace="", output="screen"))
        stack.append(node("joystick", {"mapping": value["joystick_map"]}))
    if metadrive:
        world = {
            "suite": value["suite"],
            "family": value["family"],
            "seed": whole(value, "seed"),
            "auto_engage": auto_engage,
        }
        # The simulator makes the clock, so it cannot run by it.
        stack.append(
            node("simulator", {**world, "publish_clock": True, "real_time": True, "use_sim_time": False}, critical=True)
        )
        return stack
    side = {"vehicle": vehicle} | ({"role_name": value["role_name"]} if vehicle == "carla" else {})
    stack.append(node("vehicle", side, config=f"vehicle_{vehicle}", critical=True))
    if not carla:
        return stack
    return [*stack, *(with_server(value, bridge(value)) if value["carla_server"] == "true" else bridge(value))]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=nodes)])
