"""Any scene and any command to vehicle_node at an Ackermann vehicle, in the lockstep host."""

from __future__ import annotations

from typing import Any

from rosbags.typesys import get_types_from_msg

from support.fuzz import Subject, finite
from takead_ros.host.lockstep import LockstepHost
from takead_ros.messages import interfaces, store
from takead_ros.messages.interfaces import Interface
from takead_ros.nodes.commands import ACCELERATION_MPS2, STEERING_RAD
from takead_ros.nodes.vehicle_node import VehicleNode
from takead_ros.vehicles import open_vehicle
from takead_ros.vehicles.ackermann import FASTEST_MPS

# ackermann_msgs of ROS 2, which rosbags does not know.
DEFINITIONS = {
    "ackermann_msgs/msg/AckermannDrive": "float32 steering_angle\nfloat32 steering_angle_velocity\nfloat32 speed\n"
    "float32 acceleration\nfloat32 jerk",
    "ackermann_msgs/msg/AckermannDriveStamped": "std_msgs/Header header\nackermann_msgs/AckermannDrive drive",
}


def know_ackermann() -> None:
    """Let the lockstep host know these messages."""
    if "ackermann_msgs/msg/AckermannDrive" not in store.typestore().fielddefs:
        made: dict[str, Any] = {}
        for name, text in DEFINITIONS.items():
            made.update(get_types_from_msg(text, name))
        store.typestore().register(made)


def ackermann_subject() -> Subject:
    """vehicle_node at an Ackermann vehicle."""
    know_ackermann()
    row = open_vehicle("ackermann")
    parameters = row.parameters()
    side = row.make(lambda: parameters)
    fastest = FASTEST_MPS + ACCELERATION_MPS2 * parameters.lead_s

    def check(one: Interface, msg: Any) -> None:
        if one.name == side.output.name:
            drive = msg.drive
            assert finite(
                drive.steering_angle, drive.speed, drive.acceleration, drive.steering_angle_velocity, drive.jerk
            )
            assert abs(drive.steering_angle) <= STEERING_RAD and 0.0 <= drive.speed <= fastest, drive
            assert 0.0 < drive.acceleration <= ACCELERATION_MPS2, drive

    def sane(heard: dict[str, list[Any]]) -> bool:
        """Driven again as commanded: 0.5 m/s^2 from 8 m/s, 0.5 s ahead."""
        told = heard[side.output.name][-1].drive
        return (
            len(heard[side.output.name]) >= 75
            and abs(told.speed - 8.25) < 1e-3
            and abs(told.steering_angle - 0.05) < 1e-3
        )

    def make(host: LockstepHost) -> VehicleNode:
        handle = host.create_node(VehicleNode.NAME, parameter_overrides={"vehicle": "ackermann"})
        return VehicleNode(handle, host.steady)

    return Subject(make, (interfaces.SCENE, interfaces.COMMAND), (interfaces.EPISODE, side.output), check, sane)
