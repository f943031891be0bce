"""Any message of carla_ros_bridge to vehicle_node in the lockstep host: the bridge's types, and a drive with sense."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from rosbags.typesys import get_types_from_msg

from support.fuzz import Subject, finite, sensible
from support.opendrive import crossing
from takead_ros.domain.units import SECOND
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import convert, interfaces, store, types
from takead_ros.messages.interfaces import Interface
from takead_ros.nodes.vehicle_node import VehicleNode
from takead_ros.vehicles import open_vehicle

# carla_msgs 1.3 and derived_object_msgs 4, as far as the vehicle side reads or sends them.
DEFINITIONS = {
    "carla_msgs/msg/CarlaWorldInfo": "string map_name\nstring opendrive",
    "carla_msgs/msg/CarlaBoundingBox": "geometry_msgs/Vector3 center\ngeometry_msgs/Vector3 size",
    "carla_msgs/msg/CarlaEgoVehicleInfoWheel": "float32 tire_friction\nfloat32 damping_rate\nfloat32 max_steer_angle\n"
    "float32 radius\nfloat32 max_brake_torque\nfloat32 max_handbrake_torque\ngeometry_msgs/Vector3 position",
    "carla_msgs/msg/CarlaEgoVehicleInfo": "uint32 id\nstring type\nstring rolename\n"
    "carla_msgs/CarlaEgoVehicleInfoWheel[] wheels\nfloat32 max_rpm\nfloat32 moi\nfloat32 damping_rate_full_throttle\n"
    "float32 damping_rate_zero_throttle_clutch_engaged\nfloat32 damping_rate_zero_throttle_clutch_disengaged\n"
    "bool use_gear_autobox\nfloat32 gear_switch_time\nfloat32 clutch_strength\nfloat32 mass\nfloat32 drag_coefficient\n"
    "geometry_msgs/Vector3 center_of_mass",
    "carla_msgs/msg/CarlaTrafficLightInfo": "uint32 id\ngeometry_msgs/Pose transform\n"
    "carla_msgs/CarlaBoundingBox trigger_volume",
    "carla_msgs/msg/CarlaTrafficLightInfoList": "carla_msgs/CarlaTrafficLightInfo[] traffic_lights",
    "carla_msgs/msg/CarlaTrafficLightStatus": "uint32 id\nuint8 state",
    "carla_msgs/msg/CarlaTrafficLightStatusList": "carla_msgs/CarlaTrafficLightStatus[] traffic_lights",
    "carla_msgs/msg/CarlaEgoVehicleControl": "std_msgs/Header header\nfloat32 throttle\nfloat32 steer\nfloat32 brake\n"
    "bool hand_brake\nbool reverse\nint32 gear\nbool manual_gear_shift",
    "carla_msgs/msg/CarlaEgoVehicleStatus": "std_msgs/Header header\nfloat32 velocity\n"
    "geometry_msgs/Accel acceleration\ngeometry_msgs/Quaternion orientation\ncarla_msgs/CarlaEgoVehicleControl control",
    "derived_object_msgs/msg/Object": "std_msgs/Header header\nuint32 id\nuint8 detection_level\n"
    "bool object_classified\ngeometry_msgs/Pose pose\ngeometry_msgs/Twist twist\ngeometry_msgs/Accel accel\n"
    "geometry_msgs/Polygon polygon\nshape_msgs/SolidPrimitive shape\nuint8 classification\n"
    "uint8 classification_certainty\nuint32 classification_age",
    "derived_object_msgs/msg/ObjectArray": "std_msgs/Header header\nderived_object_msgs/Object[] objects",
}
SPEED_MPS, LANE_M, START_M = 8.0, -1.75, -55.0


def know_bridge() -> None:
    """Let the lockstep host know the bridge's messages."""
    if "carla_msgs/msg/CarlaWorldInfo" not in store.typestore().fielddefs:
        made: dict[str, Any] = {}
        for name, text in DEFINITIONS.items():
            made.update(get_types_from_msg(text, name))
        store.typestore().register(made)


def sensible_bridge(interface: Interface, stamp: int, origin: int) -> Any:
    """A message of the bridge as it should be: 8 m/s along one lane, over the crossing, and again from its begin."""
    if interface is interfaces.COMMAND:
        return sensible(interface, stamp, origin)
    msg, header = interface.message(), convert.header_to_msg(stamp, "map")
    x = START_M + SPEED_MPS * ((stamp - origin) / SECOND % 12.0)
    if interface.name.endswith("world_info"):
        msg.map_name, msg.opendrive = "crossing", crossing()
    elif interface.name.endswith("vehicle_info"):
        wheel = types.message("carla_msgs/msg/CarlaEgoVehicleInfoWheel")
        msg.id, msg.type, msg.rolename = 7, "vehicle.tesla.model3", "ego_vehicle"
        for lock, ahead, aside in ((1.22, 1.4, 0.8), (1.22, 1.4, -0.8), (0.0, -1.5, 0.8), (0.0, -1.5, -0.8)):
            msg.wheels.append(wheel(max_steer_angle=lock))
            msg.wheels[-1].position.x, msg.wheels[-1].position.y = ahead, aside
    elif interface.name.endswith("waypoints"):
        for at in np.arange(-58.0, 58.0):
            pose = types.message("geometry_msgs/msg/PoseStamped")()
            pose.pose.position.x, pose.pose.position.y, pose.pose.orientation.w = float(at), LANE_M, 1.0
            msg.poses.append(pose)
    elif interface.name.endswith("lights/info"):
        light = types.message("carla_msgs/msg/CarlaTrafficLightInfo")(id=31)
        light.transform.position.x, light.transform.position.y = 12.0, -6.0
        light.transform.orientation.z = light.transform.orientation.w = math.sqrt(0.5)
        light.trigger_volume.center.x, light.trigger_volume.center.y = 4.25, 26.0
        light.trigger_volume.size.x = light.trigger_volume.size.y = 3.0
        msg.traffic_lights = [light]
    elif interface.name.endswith("lights/status"):
        msg.traffic_lights = [types.message("carla_msgs/msg/CarlaTrafficLightStatus")(id=31, state=2)]
    elif interface.name.endswith("vehicle_status"):
        msg.header, msg.velocity = header, SPEED_MPS
    elif interface.name.endswith("objects"):
        car = types.message("derived_object_msgs/msg/Object")(id=40, classification=6)
        car.pose.position.x, car.pose.position.y, car.pose.orientation.w = x + 25.0, LANE_M, 1.0
        car.twist.linear.x, car.shape.dimensions = SPEED_MPS, [4.5, 1.9, 1.6]
        msg.header, msg.objects = header, [car]
    elif interface.name.endswith("odometry"):
        msg.header = header
        msg.pose.pose.position.x, msg.pose.pose.position.y, msg.pose.pose.orientation.w = x, LANE_M, 1.0
        msg.twist.twist.linear.x = SPEED_MPS
    return msg


def carla_subject() -> Subject:
    """vehicle_node at carla_ros_bridge."""
    know_bridge()
    row = open_vehicle("carla")
    side = row.make(lambda: row.parameters())

    def check(one: Interface, msg: Any) -> None:
        if one is interfaces.SCENE:
            ego = convert.scene_from_msg(msg).ego
            assert finite(ego.x, ego.y, ego.yaw, ego.speed, ego.steering_angle, ego.acceleration)
        elif one is interfaces.EPISODE:
            convert.episode_from_msg(msg)
        elif one.name == side.output.name:
            assert finite(msg.steer, msg.throttle, msg.brake)
            assert abs(msg.steer) <= 1.0 and 0.0 <= msg.throttle <= 1.0 and 0.0 <= msg.brake <= 1.0, msg

    def make(host: LockstepHost) -> VehicleNode:
        return VehicleNode(host.create_node(VehicleNode.NAME), host.steady)

    return Subject(
        make,
        (*(one.interface for one in side.inputs), interfaces.COMMAND),
        (interfaces.SCENE, interfaces.EPISODE, side.output),
        check,
        lambda heard: len(heard["scene"]) >= 60,
        sensible=sensible_bridge,
    )
