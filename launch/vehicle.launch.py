"""The stack on a vehicle computer: no simulator and no torch; a bundle of a model is required.

    ros2 launch takead_ros vehicle.launch.py vehicle:=ackermann bundle:=/opt/takead/model.tar.zst key:=team.pub.pem \\
        joystick:=true remap:='scene:=/perception/scene ackermann_cmd:=/vehicle/ackermann_cmd'

``scene`` comes from the vehicle's own software (ackermann) or from CARLA's bridge (carla). Nobody drives before
somebody calls the service ``engage``, unless ``auto_engage:=true``. ``--show-args`` lists every argument.
"""

from launch.actions import OpaqueFunction
from launch.launch_context import LaunchContext

# mypy takes this folder for ROS 2's package
from launch import LaunchDescription, LaunchDescriptionEntity  # type: ignore[attr-defined]
from takead_ros.host.launching import SWITCH, Stack, argument, checked, given, stack_arguments

ARGUMENTS = [
    argument("vehicle", None, "how scenes come and commands go out: ackermann | carla | a row of yours"),
    argument("bundle", None, "the model with its parameters (takead model bundle)"),
    *stack_arguments(auto_engage="false"),
    argument("remap", "", "other names for topics of all nodes: FROM:=TO, several with spaces between"),
    argument("use_sim_time", "false", "whether /clock is the time of the nodes", SWITCH),
    argument("role_name", "ego_vehicle", "carla: the ego's role"),
]


def remappings(text: str) -> list[tuple[str, str]]:
    """``FROM:=TO`` pairs. Raises RuntimeError for anything else."""
    pairs = []
    for word in text.split():
        name, mark, other = word.partition(":=")
        if not (name and mark and other):
            raise RuntimeError(f"launch argument remap: '{word}', expected FROM:=TO")
        pairs.append((name, other))
    return pairs


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = given(context, ARGUMENTS)
    value["model"] = value["bundle"]
    names = remappings(value["remap"])
    stack = Stack(value, checked(value, bundled=True, vehicle=value["vehicle"]), value["use_sim_time"] == "true", names)
    vehicle = value["vehicle"]
    side = {"vehicle": vehicle} | ({"role_name": value["role_name"]} if vehicle == "carla" else {})
    return [
        *stack.drivers(auto_engage=value["auto_engage"] == "true", goal_stop=True),
        stack.node("vehicle", side, config=f"vehicle_{vehicle}", critical=True),
    ]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
