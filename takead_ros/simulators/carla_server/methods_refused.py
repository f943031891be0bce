"""Calls that are refused in words: what they ask for is not there, and would have to be made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from takead_ros.simulators.carla_server.methods import ServerHost, Table
from takead_ros.simulators.carla_server.values import CallRefused

_PARTS = "this server has no meshes: parts, bones and sockets of actors are refused, never made up"
_POSES = "this server has no skeletons: walkers are boxes, their bones and poses are refused, never made up"
_PICTURES = "this server has no renderer: textures and buffers of pictures are refused, never faked"
_ROS = "this server has no ROS of its own: use carla_ros_bridge"
_OTHER_PHYSICS = "this server has its own physics only: neither Chrono nor CarSim"
_NO_LIVES = "walkers of this server are boxes that walk or stand: none of them falls down"
_NO_RADIO = "this server has no V2X radio: messages are refused, never made up"
# reason, and whether the call returns something; the types of the arguments are of no interest
REFUSED: dict[str, tuple[str, bool, int]] = {
    "get_actor_component_names": (_PARTS, True, 1),
    "get_actor_component_relative_transform": (_PARTS, True, 2),
    "get_actor_component_world_transform": (_PARTS, True, 2),
    "get_actor_bone_names": (_PARTS, True, 1),
    "get_actor_bone_relative_transforms": (_PARTS, True, 1),
    "get_actor_bone_world_transforms": (_PARTS, True, 1),
    "get_vehicle_bone_world_transforms": (_PARTS, True, 1),
    "get_actor_socket_names": (_PARTS, True, 1),
    "get_actor_socket_relative_transforms": (_PARTS, True, 1),
    "get_actor_socket_world_transforms": (_PARTS, True, 1),
    "get_bones_transform": (_POSES, True, 1),
    "set_bones_transform": (_POSES, False, 2),
    "blend_pose": (_POSES, False, 2),
    "get_pose_from_animation": (_POSES, False, 1),
    "apply_color_texture_to_objects": (_PICTURES, False, 3),
    "enable_gbuffers": (_PICTURES, False, 2),
    "get_gbuffer_token": (_PICTURES, True, 2),
    "set_annotations_traverse_translucency": (_PICTURES, False, 1),
    "enable_sensor_for_ros": (_ROS, False, 1),
    "disable_sensor_for_ros": (_ROS, False, 1),
    "send": (_NO_RADIO, False, 2),
    "set_actor_dead": (_NO_LIVES, False, 1),
    "enable_chrono_physics": (_OTHER_PHYSICS, False, 7),
    "enable_carsim": (_OTHER_PHYSICS, False, 2),
    "use_carsim_road": (_OTHER_PHYSICS, False, 2),
}
table = Table()


def _refuse(reason: str) -> Callable[..., Any]:
    def act(host: ServerHost, *arguments: Any) -> None:
        raise CallRefused(reason)

    return act


for _name, (_reason, _returns, _count) in REFUSED.items():
    table.call(_name, *["any"] * _count, returns=_returns)(_refuse(_reason))
