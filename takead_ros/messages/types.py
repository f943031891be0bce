"""The one place that decides what a message class is.

Under a ROS 2 install that holds this package's interfaces (``RESOLUTION == "rosidl"``) they are rosidl's classes;
elsewhere (``"rosbags"``) they are built from the same ``.msg`` and ``.srv`` files. Both take the same keywords, have
the same defaults and the same constants, so a node never knows which it has. Give arrays as ndarrays or lists.

``DiagnosticStatus.level`` is one byte that the two represent differently: write and compare its constants only.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from takead_ros.messages import store

RESOLUTION = "rosidl" if importlib.util.find_spec("takead_ros.msg") else "rosbags"


def message(type_name: str) -> Any:
    """The class of a message type, such as ``sensor_msgs/msg/Joy``.

    Raises KeyError (rosbags) or ImportError (rosidl) for a type that is not there.
    """
    if RESOLUTION == "rosbags":
        return store.message_class(type_name)
    package, kind, name = type_name.split("/")
    if kind == "srv":
        name, _, part = name.rpartition("_")
        return getattr(service(f"{package}/srv/{name}"), part)
    return getattr(importlib.import_module(f"{package}.{kind}"), name)


def service(type_name: str) -> Any:
    """The class of a service type, such as ``takead_ros/srv/Engage``, with ``Request`` and ``Response``."""
    package, kind, name = type_name.split("/")
    if RESOLUTION == "rosidl":
        return getattr(importlib.import_module(f"{package}.{kind}"), name)
    halves = {part: store.message_class(f"{type_name}_{part}") for part in ("Request", "Response")}
    return type(name, (), {**halves, "__msgtype__": type_name})


Episode: Any = message("takead_ros/msg/Episode")
Scene: Any = message("takead_ros/msg/Scene")
EgoState: Any = message("takead_ros/msg/EgoState")
TrackedObject: Any = message("takead_ros/msg/TrackedObject")
Polyline: Any = message("takead_ros/msg/Polyline")
Route: Any = message("takead_ros/msg/Route")
TrafficControl: Any = message("takead_ros/msg/TrafficControl")
PolicyOutput: Any = message("takead_ros/msg/PolicyOutput")
DriveCommand: Any = message("takead_ros/msg/DriveCommand")
TakeoverRequest: Any = message("takead_ros/msg/TakeoverRequest")
ArbiterState: Any = message("takead_ros/msg/ArbiterState")
OperatorStatus: Any = message("takead_ros/msg/OperatorStatus")
TakeoverEvent: Any = message("takead_ros/msg/TakeoverEvent")
Header: Any = message("std_msgs/msg/Header")
String: Any = message("std_msgs/msg/String")
Time: Any = message("builtin_interfaces/msg/Time")
Joy: Any = message("sensor_msgs/msg/Joy")
JoyFeedback: Any = message("sensor_msgs/msg/JoyFeedback")
Clock: Any = message("rosgraph_msgs/msg/Clock")
DiagnosticArray: Any = message("diagnostic_msgs/msg/DiagnosticArray")
DiagnosticStatus: Any = message("diagnostic_msgs/msg/DiagnosticStatus")
KeyValue: Any = message("diagnostic_msgs/msg/KeyValue")
Engage: Any = service("takead_ros/srv/Engage")
Disengage: Any = service("takead_ros/srv/Disengage")
Bookmark: Any = service("takead_ros/srv/Bookmark")
LoadModel: Any = service("takead_ros/srv/LoadModel")
SetParametersResult: Any = message("rcl_interfaces/msg/SetParametersResult")
ParameterDescriptor: Any = message("rcl_interfaces/msg/ParameterDescriptor")
FloatingPointRange: Any = message("rcl_interfaces/msg/FloatingPointRange")
IntegerRange: Any = message("rcl_interfaces/msg/IntegerRange")
