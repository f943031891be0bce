"""The parameters of a vehicle as CARLA tells them (VehiclePhysicsControl) and as kernels take them (array_columns.py).

One passenger car stands for all of its kind; what differs by blueprint is the box, and with it axles, mass and drag.
The values are those that prints of get_physics_control show for CARLA's cars (docs/carla_server.md).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from takead_ros.simulators.carla_server import array_columns as c
from takead_ros.simulators.carla_server.blueprints import Blueprint
from takead_ros.simulators.carla_server.values import (
    CallRefused,
    GearPhysicsControl,
    Transform,
    Vector2D,
    Vector3D,
    VehiclePhysicsControl,
    WheelPhysicsControl,
)

AXLES = 0.6  # wheelbase as a share of the length
TRACK = 0.8  # of the width
AIR = 1.2  # kg/m^3
CAR_KG = 1845.0  # of one as large as the Tesla Model 3
CAR_SIZE = 4.7918 * 2.1635 * 1.4877
FRICTION = 3.5  # the tyre's value that stands for a coefficient of 1
LOCK_DEGREES = 70.0
STEERING = ((0.0, 1.0), (20.0, 0.9), (60.0, 0.8), (120.0, 0.7))
TORQUE = ((0.0, 400.0), (1890.0, 500.0), (5729.0, 400.0))
RATIOS = ((2.85, 0.5, 0.65), (2.02, 0.5, 0.65), (1.35, 0.5, 0.65), (1.0, 0.5, 0.65))
_HEAVY = {"truck": 3.0, "bus": 2.0, "van": 1.0}  # density beside that of a car
_LIGHT_KG = {"bicycle": 95.0, "motorcycle": 280.0}


def default_physics(blueprint: Blueprint) -> VehiclePhysicsControl:
    """The parameters that a vehicle of ``blueprint`` has when it is spawned; wheels at the origin's frame, in cm."""
    length, width, height = blueprint.size
    two = blueprint.wheels == 2
    mass = _LIGHT_KG.get(blueprint.base) or CAR_KG * length * width * height / CAR_SIZE * _HEAVY.get(
        blueprint.base, 1.0
    )
    scale = mass / CAR_KG  # of engine and brakes: all reach about the same speed and stop as well
    radius = 33.0 if two else 35.5 if length < 6.0 else 50.0
    half, side = 0.5 * AXLES * length * 100.0, 0.5 * TRACK * width * 100.0
    brakes = 1500.0 * scale * radius / 35.5 * (2.0 if two else 1.0)
    spots = [(half, 0.0), (-half, 0.0)] if two else [(half, -side), (half, side), (-half, -side), (-half, side)]
    wheels = tuple(
        WheelPhysicsControl(
            FRICTION,
            0.25,
            LOCK_DEGREES if x > 0.0 else 0.0,
            radius,
            brakes,
            0.0 if x > 0.0 else 2.0 * brakes,
            2.0,
            17.0,
            1000.0,
            Vector3D(x, y, radius),
        )
        for x, y in spots
    )
    torque = tuple(Vector2D(at, value * scale * radius / 35.5) for at, value in TORQUE)
    return VehiclePhysicsControl(
        torque_curve=torque,
        max_rpm=5800.0,
        moi=1.0,
        damping_rate_full_throttle=0.15,
        damping_rate_zero_throttle_clutch_engaged=2.0 * scale,
        damping_rate_zero_throttle_clutch_disengaged=0.35,
        use_gear_autobox=True,
        gear_switch_time=0.5,
        clutch_strength=10.0,
        final_ratio=4.0,
        forward_gears=tuple(GearPhysicsControl(*gear) for gear in RATIOS),
        mass=mass,
        drag_coefficient=0.3,
        center_of_mass=Vector3D(0.0, 0.0, -0.25),
        steering_curve=tuple(Vector2D(*point) for point in STEERING),
        wheels=wheels,
        use_sweep_wheel_collision=False,
    )


def placed(physics: VehiclePhysicsControl, at: Transform) -> VehiclePhysicsControl:
    """The same with the wheels' positions in the world, as CARLA tells them (cm)."""
    yaw = math.radians(at.rotation.yaw)
    cos, sin = math.cos(yaw), math.sin(yaw)
    x, y, z = at.location
    wheels = tuple(
        wheel._replace(
            position=Vector3D(
                100.0 * x + cos * wheel.position.x - sin * wheel.position.y,
                100.0 * y + sin * wheel.position.x + cos * wheel.position.y,
                100.0 * z + wheel.position.z,
            )
        )
        for wheel in physics.wheels
    )
    return physics._replace(wheels=wheels)


def own(physics: VehiclePhysicsControl, before: VehiclePhysicsControl) -> VehiclePhysicsControl:
    """``physics`` as a client sent it, its wheels where they were before (it sends the world's places back).

    Raises Refused for what no vehicle can drive with.
    """
    if len(physics.wheels) != len(before.wheels):
        raise CallRefused(f"physics control with {len(physics.wheels)} wheels, expected {len(before.wheels)}")
    front = max(wheel.max_steer_angle for wheel in physics.wheels)
    checks = (
        ("mass", physics.mass, 1.0, 1e6), ("max_rpm", physics.max_rpm, 100.0, 1e5),
        ("final_ratio", physics.final_ratio, 0.01, 1e3), ("drag_coefficient", physics.drag_coefficient, 0.0, 1e3),
        ("gear_switch_time", physics.gear_switch_time, 0.0, 60.0), ("max_steer_angle", front, 0.0, 89.0),
        ("damping_rate_full_throttle", physics.damping_rate_full_throttle, 0.0, 1e4),
        ("damping_rate_zero_throttle_clutch_engaged", physics.damping_rate_zero_throttle_clutch_engaged, 0.0, 1e4),
    )  # fmt: skip
    for name, value, low, high in checks:
        if not low <= value <= high:
            raise CallRefused(f"physics control: {name} {value:g}, expected {low:g} to {high:g}")
    for wheel in physics.wheels:
        if not (1.0 <= wheel.radius <= 1e3 and 0.0 <= wheel.tire_friction <= 100.0 and wheel.max_brake_torque >= 0.0):
            raise CallRefused("physics control: a wheel with radius, friction or brake torque that no vehicle has")
    for name, curve in (("torque_curve", physics.torque_curve), ("steering_curve", physics.steering_curve)):
        places = [point.x for point in curve]
        if not places or places != sorted(places):
            raise CallRefused(f"physics control: {name} with {len(places)} points, expected at least one, growing in x")
    if not 1 <= len(physics.forward_gears) <= c.MOST_GEARS:
        raise CallRefused(f"physics control: {len(physics.forward_gears)} gears, expected 1 to {c.MOST_GEARS}")
    wheels = (now._replace(position=old.position) for now, old in zip(physics.wheels, before.wheels, strict=True))
    return physics._replace(wheels=tuple(wheels))


def car_row(physics: VehiclePhysicsControl, size: tuple[float, float, float]) -> NDArray[np.float64]:
    """The row of ``car`` (array_columns.py) of a vehicle of this size (length, width, height m)."""
    row = np.zeros(c.CAR_COLUMNS)
    wheels = physics.wheels
    places = [wheel.position.x / 100.0 for wheel in wheels]
    wheelbase = max(max(places) - min(places), 0.5)
    radius = float(np.mean([wheel.radius for wheel in wheels])) / 100.0
    row[c.MASS], row[c.WHEELBASE], row[c.TO_REAR] = physics.mass, wheelbase, max(-min(places), 0.1)
    row[c.LOCK] = math.radians(max(wheel.max_steer_angle for wheel in wheels))
    row[c.FRICTION] = float(np.mean([wheel.tire_friction for wheel in wheels])) / FRICTION
    row[c.BRAKES] = sum(wheel.max_brake_torque for wheel in wheels)
    row[c.HAND_BRAKES] = sum(wheel.max_handbrake_torque for wheel in wheels)
    row[c.DRAG] = 0.5 * AIR * physics.drag_coefficient * size[1] * size[2]
    row[c.RADIUS], row[c.FINAL], row[c.MAX_RPM] = radius, physics.final_ratio, physics.max_rpm
    row[c.SHIFT_TIME], row[c.AUTOBOX] = physics.gear_switch_time, float(physics.use_gear_autobox)
    # the rates are the engine's, kg m^2/s; as brakes at the wheels they go with the square of the whole ratio
    row[c.DAMPING_FULL] = physics.damping_rate_full_throttle
    row[c.DAMPING_ENGAGED] = physics.damping_rate_zero_throttle_clutch_engaged
    row[c.GEARS] = len(physics.forward_gears)
    for i, gear in enumerate(physics.forward_gears):
        row[c.RATIOS + i], row[c.SHIFT_UP + i], row[c.SHIFT_DOWN + i] = gear.ratio, gear.up_ratio, gear.down_ratio
    speeds = np.arange(c.CURVE_POINTS) * c.CURVE_STEP_KMH
    steering = np.array(physics.steering_curve)
    row[c.STEERING_CURVE : c.STEERING_CURVE + c.CURVE_POINTS] = np.interp(speeds, steering[:, 0], steering[:, 1])
    torque = np.array(physics.torque_curve)
    engine = np.linspace(0.0, physics.max_rpm, c.TORQUE_POINTS)
    row[c.TORQUE_CURVE : c.TORQUE_CURVE + c.TORQUE_POINTS] = np.interp(engine, torque[:, 0], torque[:, 1])
    return row
