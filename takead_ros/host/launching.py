"""What the launch files have in common: arguments, the stack's nodes, and the look at all parts before any starts.

Imported by ``launch/*.launch.py`` only, in ROS 2's own Python: it needs ``launch_ros`` and nothing else of ours.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch.actions import DeclareLaunchArgument, Shutdown
from launch.launch_context import LaunchContext
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = Path(get_package_share_directory("takead_ros"))
PROGRAMS = Path(get_package_prefix("takead_ros")) / "lib" / "takead_ros"
SWITCH = ["true", "false"]
PERMISSIONS = "permissions.p7s"  # in the folder of each enclave that is signed
RESPAWN_S = 0.5  # from the end of a node that is not critical to its next start
# Who may drive beside a person, by the argument expert:=.
DRIVERS = {"takeover": ["human", "policy", "expert"], "drives": ["human", "expert"], "off": ["human", "policy"]}


def argument(name: str, default: str | None, description: str, choices: list[str] | None = None) -> Any:
    """A launch argument; without a default it has to be given."""
    return DeclareLaunchArgument(name, default_value=default, description=description, choices=choices)


def stack_arguments(auto_engage: str) -> list[Any]:
    """The arguments of every launch file that starts the stack."""
    return [
        argument("namespace", "takead", "namespace of the ego"),
        argument("provider", "cpu", "where the model runs: cpu | cuda | tensorrt | openvino; a hard choice"),
        argument("key", "", "PEM file of an Ed25519 public key; given, only a bundle that it signed is loaded"),
        argument("bags", "clips", "folder that clips are written to"),
        argument("params", "", "ROS parameter file for any of the nodes; '' = config/*.yaml and the bundle's"),
        argument("expert", "takeover", "takes over from the policy, drives in its place, or is off", [*DRIVERS]),
        argument(
            "joystick", "false", "a safety driver: a pad at this machine, /joy from elsewhere (topic), or nobody",
            ["true", "topic", "false"],
        ),
        argument("joystick_map", "xbox", "what the pad's axes mean: a file in config/joysticks, or a path"),
        argument("keystore", "", "SROS 2 keystore of all nodes, by the program keystore; '' = no security"),
        argument("auto_engage", auto_engage, "drive as soon as all is there, without the service engage", SWITCH),
        argument("rviz", "false", "open RViz on the drive (package rviz2)", SWITCH),
        argument("foxglove", "false", "let Foxglove watch at ws://127.0.0.1:8765 (package foxglove_bridge)", SWITCH),
    ]  # fmt: skip


# By launch argument: the package that shows the drive. What it shows are display_node's markers.
VIEWERS = {"rviz": "rviz2", "foxglove": "foxglove_bridge"}


def given(context: LaunchContext, arguments: Iterable[Any]) -> dict[str, str]:
    """The value of every argument."""
    return {one.name: LaunchConfiguration(one.name).perform(context) for one in arguments}


def whole(value: Mapping[str, str], name: str) -> int:
    """A launch argument as a number. Raises RuntimeError for one that is none."""
    if not value[name].isdecimal():
        raise RuntimeError(f"launch argument {name}:={value[name]}, expected a non-negative integer")
    return int(value[name])


def share_of(package: str, why: str) -> Path:
    """A package's share folder. Raises RuntimeError where it is not in this ROS 2."""
    try:
        return Path(get_package_share_directory(package))
    except PackageNotFoundError as error:
        raise RuntimeError(f"{why} needs package '{package}', which is not in this ROS 2 (docs/ros2.md)") from error


def checked(value: Mapping[str, str], **more: Any) -> list[str]:
    """The parameter files for the nodes, once all parts of the launch are known to be there (``nodes.preflight``).

    Raises RuntimeError with one line for the first that is not.
    """
    if value["joystick"] == "true":
        share_of("joy", "joystick:=true")
    for name in viewers(value):
        share_of(VIEWERS[name], f"{name}:=true")
        share_of("visualization_msgs", f"{name}:=true")
    wanted = {
        "namespace": f"/{value['namespace'].strip('/')}",
        **{name: value[name] for name in ("params", "model", "provider", "key", "bags")},
        "pad": value["joystick"] == "true",
        "joystick_map": "" if value["joystick"] == "false" else value["joystick_map"],
        "unpack": tempfile.mkdtemp(prefix="takead_"),
        **more,
    }
    result = subprocess.run(
        [str(PROGRAMS / "preflight"), json.dumps(wanted, allow_nan=False)], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(result.stderr.strip().splitlines()[-1] if result.stderr.strip() else "preflight failed")
    return result.stdout.split("\n")[:-1]


def viewers(value: Mapping[str, str]) -> list[str]:
    """The launch arguments that ask for somebody who shows the drive."""
    return [name for name in VIEWERS if value.get(name) == "true"]


class Stack:
    """Makes the stack's nodes. files: parameter files behind config's own. remappings: for every node."""

    def __init__(
        self,
        value: Mapping[str, str],
        files: list[str],
        sim_time: bool,
        remappings: list[tuple[str, str]] | None = None,
    ) -> None:
        self._value, self._files, self._sim_time = value, files, sim_time
        self._remappings = remappings or []

    def node(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        config: str = "",
        critical: bool = False,
        once: bool = False,
        prefix: str | None = None,
    ) -> Node:
        """One of our nodes. critical: its end is the end of the launch; once: it ends by itself. Any other is
        started again when it ends, while the arbiter keeps the vehicle defined. prefix: a command before its own."""
        return Node(
            package="takead_ros",
            executable=f"{name}_node",
            name=f"{name}_node",
            exec_name=f"{name}_node",
            namespace=self._value["namespace"],
            output="screen",
            prefix=prefix,
            remappings=self._remappings,
            parameters=[
                str(SHARE / "config" / f"{config or name}.yaml"),
                *self._files,
                {"use_sim_time": self._sim_time, **(parameters or {})},
            ],
            # The recorder may have a clip to finish, and the simulator an engine to take down.
            sigterm_timeout="40",
            sigkill_timeout="10",
            on_exit=Shutdown(reason=f"{name}_node ended") if critical else None,
            respawn=not (critical or once),
            respawn_delay=RESPAWN_S,
            **self._secured(f"/{self._value['namespace'].strip('/')}/{name}_node"),
        )

    def _secured(self, enclave: str) -> dict[str, Any]:
        """What a node needs to run in its enclave; nothing where no keystore is given. Raises RuntimeError for one
        that has no such enclave."""
        keystore = self._value.get("keystore", "")
        if not keystore:
            return {}
        path = Path(keystore).absolute()
        if not (path / "enclaves" / enclave.lstrip("/") / PERMISSIONS).is_file():
            raise RuntimeError(
                f"keystore:={keystore}: has no enclave {enclave}, expected one made by: ros2 run takead_ros keystore "
                f"{keystore} (docs/security.md)"
            )
        settings = {"KEYSTORE": str(path), "ENABLE": "true", "STRATEGY": "Enforce"}
        return {
            "ros_arguments": ["--enclave", enclave],
            "additional_env": {f"ROS_SECURITY_{name}": value for name, value in settings.items()},
        }

    def drivers(self, auto_engage: bool, goal_stop: bool) -> list[Node]:
        """Who drives and who watches: policy, expert, monitor and recorder, which the supervisor brings up in this
        order, recorder first, the arbiter and the safety driver's pad."""
        value = self._value
        model = {"model": value["model"], "provider": value["provider"], "bundle_key": value["key"]}
        arbiter: dict[str, Any] = {"auto_engage": auto_engage, "goal_stop": goal_stop}
        if value["expert"] != "takeover":
            arbiter["drivers"] = DRIVERS[value["expert"]]
        managed = {"recorder": {"directory": value["bags"]}, "expert": {}, "policy": model, "monitor": {}}
        if value["expert"] == "off":
            del managed["expert"]
        nodes = [self.node(name, {**given, "autostart": False}) for name, given in managed.items()]
        nodes += [
            self.node("supervisor", {"managed": [f"{name}_node" for name in managed]}),
            self.node("arbiter", arbiter, critical=True),
        ]
        if value["joystick"] == "true":
            joy = self._secured("/joy_node")
            nodes.append(Node(package="joy", executable="joy_node", namespace="", output="screen", **joy))
        if value["joystick"] != "false":
            nodes.append(self.node("joystick", {"mapping": value["joystick_map"]}))
        return [*nodes, *self._viewers()]

    def _viewers(self) -> list[Node]:
        """Who shows the drive: whatever becomes of them the drive goes on, and its nodes have the processor first."""
        wanted = viewers(self._value)
        markers = f"/{self._value['namespace'].strip('/')}/display/markers".replace("//", "/")
        clock = {"use_sim_time": self._sim_time}
        secured = self._secured(f"/{self._value['namespace'].strip('/')}/operator") if wanted else {}
        nodes = [self.node("display", prefix="nice -n 19")] if wanted else []
        if "rviz" in wanted:
            nodes.append(
                Node(
                    package=VIEWERS["rviz"],
                    executable="rviz2",
                    output="screen",
                    arguments=["-d", str(SHARE / "config" / "takead.rviz")],
                    parameters=[clock],
                    remappings=[("/takead/display/markers", markers)],
                    **secured,
                )
            )
        if "foxglove" in wanted:
            # It is to show and not to command: nobody publishes, calls or sets anything through it.
            watching = {"address": "127.0.0.1", "port": 8765, "capabilities": ["connectionGraph"]}
            nodes.append(
                Node(
                    package=VIEWERS["foxglove"],
                    executable="foxglove_bridge",
                    exec_name="foxglove_bridge",
                    output="screen",
                    prefix="nice -n 10",
                    parameters=[watching | clock],
                    **secured,
                )
            )
        return nodes
