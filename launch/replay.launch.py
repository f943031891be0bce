"""A clip's scenes through policy_node over DDS, its outputs held against the recorded ones.

    ros2 launch takead_ros replay.launch.py clip:=clips/drive_81594e95_000003300ms model:=baseline.onnx

Ends by itself; with code 1 and one line where an output differs by more than the tolerance of ``takead replay``.
"""

from pathlib import Path

from launch.actions import EmitEvent, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.launch_context import LaunchContext

# mypy takes this folder for ROS 2's package
from launch import LaunchDescription, LaunchDescriptionEntity  # type: ignore[attr-defined]
from takead_ros.host.launching import SHARE, SWITCH, Stack, argument, checked, given

ARGUMENTS = [
    argument("clip", None, "folder of the clip"),
    argument("model", str(SHARE / "models" / "baseline.onnx"), "the model that drove, or a bundle of it"),
    argument("any_model", "false", "compare even where the clip was recorded with another model", SWITCH),
    argument("namespace", "takead", "namespace of the nodes"),
    argument("provider", "cpu", "where the model runs: cpu | cuda | tensorrt | openvino; a hard choice"),
    argument("key", "", "PEM file of an Ed25519 public key; given, only a bundle that it signed is loaded"),
]


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = {**given(context, ARGUMENTS), "params": "", "bags": "", "joystick": "false"}
    if not Path(value["clip"]).is_dir():
        raise RuntimeError(f"clip:={value['clip']}: no such folder, expected a clip")
    stack = Stack(value, checked(value), sim_time=True)
    model = {name: value[name] for name in ("model", "provider")} | {"bundle_key": value["key"]}
    # Recorded scenes are as old as the clip; their age is no question here.
    policy = stack.node("policy", {**model, "max_scene_age_s": 1e9}, critical=True)
    clip = {"clip": value["clip"], "any_model": value["any_model"] == "true", "use_sim_time": False}
    replay = stack.node("replay", clip, once=True)

    def over(event: ProcessExited, _: LaunchContext) -> list[LaunchDescriptionEntity]:
        if event.returncode:
            raise RuntimeError(f"replay of {value['clip']}: not the same (see above)")
        return [EmitEvent(event=Shutdown(reason="the replay is over"))]

    return [RegisterEventHandler(OnProcessExit(target_action=replay, on_exit=over)), policy, replay]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
