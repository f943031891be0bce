"""Domain values to messages and back. ``*_from_msg`` reads any object with the message's fields, whoever made it.

Numbers are rounded to the width of their field on the way into a message, so that a node sees the same whether the
message travelled as bytes or by reference. An unknown enum value or arrays that do not fit raise TakeadError.
"""

from takead_ros.messages.convert.driving import (
    ArbiterReport,
    arbiter_from_msg,
    arbiter_to_msg,
    command_from_msg,
    command_to_msg,
    driver_from_msg,
    driver_to_msg,
    event_from_msg,
    event_to_msg,
    request_from_msg,
    request_to_msg,
)
from takead_ros.messages.convert.scene import (
    SceneConverter,
    control_from_msg,
    ego_from_msg,
    episode_from_msg,
    episode_to_msg,
    objects_from_msg,
    polyline_from_msg,
    polyline_to_msg,
    route_from_msg,
    route_to_msg,
    scene_from_msg,
    scene_to_msg,
)
from takead_ros.messages.fields import header_to_msg, stamp_from_msg, time_from_msg, time_to_msg

__all__ = [
    "ArbiterReport",
    "SceneConverter",
    "arbiter_from_msg",
    "arbiter_to_msg",
    "command_from_msg",
    "command_to_msg",
    "control_from_msg",
    "driver_from_msg",
    "driver_to_msg",
    "ego_from_msg",
    "episode_from_msg",
    "episode_to_msg",
    "event_from_msg",
    "event_to_msg",
    "header_to_msg",
    "objects_from_msg",
    "polyline_from_msg",
    "polyline_to_msg",
    "request_from_msg",
    "request_to_msg",
    "route_from_msg",
    "route_to_msg",
    "scene_from_msg",
    "scene_to_msg",
    "stamp_from_msg",
    "time_from_msg",
    "time_to_msg",
]
