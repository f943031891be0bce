"""What travels between client and world, as values: named tuples with the fields of CARLA's structs, in their order.

A named tuple is a MessagePack array as it stands. Frames and units are CARLA's: left-handed, x forward, y right, z up;
m, m/s, degrees.
"""

from __future__ import annotations

from typing import NamedTuple


class CallRefused(Exception):  # noqa: N818  (an answer, not a failure of the server)
    """A request that is answered with a text, which the client raises as RuntimeError."""


class Vector3D(NamedTuple):
    """m, m/s or whatever the place where it stands says."""

    x: float
    y: float
    z: float


class Vector2D(NamedTuple):
    """A point of a curve."""

    x: float
    y: float


class Rotation(NamedTuple):
    """Degrees."""

    pitch: float
    yaw: float
    roll: float


class Transform(NamedTuple):
    """m and degrees."""

    location: Vector3D
    rotation: Rotation


class BoundingBox(NamedTuple):
    """Centre and half lengths in m, turned by ``rotation``, in the frame of the actor."""

    location: Vector3D
    extent: Vector3D
    rotation: Rotation
    actor_id: int = 0


class ActorAttributeValue(NamedTuple):
    """One attribute as text."""

    id: str
    type: int
    value: str


class ActorAttribute(NamedTuple):
    """One attribute of a blueprint, its default as text."""

    id: str
    type: int
    value: str
    recommended_values: tuple[str, ...]
    is_modifiable: bool
    restrict_to_recommended: bool


class ActorDefinition(NamedTuple):
    """A blueprint."""

    uid: int
    id: str
    tags: str
    attributes: tuple[ActorAttribute, ...]


class ActorDescription(NamedTuple):
    """What is to be spawned, or was."""

    uid: int
    id: str
    attributes: tuple[ActorAttributeValue, ...]


class ActorInfo(NamedTuple):
    """CARLA's ``rpc::Actor``."""

    id: int
    parent_id: int
    description: ActorDescription
    bounding_box: BoundingBox
    semantic_tags: bytes
    stream_token: bytes


class EpisodeSettings(NamedTuple):
    """``fixed_delta_seconds``: (False,) or (True, s)."""

    synchronous_mode: bool = False
    no_rendering_mode: bool = False
    fixed_delta_seconds: tuple[bool] | tuple[bool, float] = (False,)
    substepping: bool = True
    max_substep_delta_time: float = 0.01
    max_substeps: int = 10
    max_culling_distance: float = 0.0
    deterministic_ragdolls: bool = False
    tile_stream_distance: float = 3000.0
    actor_active_distance: float = 2000.0
    spectator_as_ego: bool = True


class VehicleControl(NamedTuple):
    """Pedals in [0, 1], ``steer`` in [-1, 1], positive to the right."""

    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False
    manual_gear_shift: bool = False
    gear: int = 0


class VehicleAckermannControl(NamedTuple):
    """rad (positive to the right), rad/s, m/s, m/s^2, m/s^3."""

    steer: float
    steer_speed: float
    speed: float
    acceleration: float
    jerk: float


class AckermannControllerSettings(NamedTuple):
    """Gains of the two controllers."""

    speed_kp: float = 0.15
    speed_ki: float = 0.0
    speed_kd: float = 0.25
    accel_kp: float = 0.01
    accel_ki: float = 0.0
    accel_kd: float = 0.01


class WalkerControl(NamedTuple):
    """A direction of the world and m/s."""

    direction: Vector3D = Vector3D(1.0, 0.0, 0.0)
    speed: float = 0.0
    jump: bool = False


class GearPhysicsControl(NamedTuple):
    """Ratio, and the share of the highest engine speed at which it shifts down and up."""

    ratio: float
    down_ratio: float
    up_ratio: float


class WheelPhysicsControl(NamedTuple):
    """Degrees, cm, N m; ``position`` cm in the world."""

    tire_friction: float
    damping_rate: float
    max_steer_angle: float
    radius: float
    max_brake_torque: float
    max_handbrake_torque: float
    lat_stiff_max_load: float
    lat_stiff_value: float
    long_stiff_value: float
    position: Vector3D


class VehiclePhysicsControl(NamedTuple):
    """1/min, N m, kg, m; the steering curve is over km/h."""

    torque_curve: tuple[Vector2D, ...]
    max_rpm: float
    moi: float
    damping_rate_full_throttle: float
    damping_rate_zero_throttle_clutch_engaged: float
    damping_rate_zero_throttle_clutch_disengaged: float
    use_gear_autobox: bool
    gear_switch_time: float
    clutch_strength: float
    final_ratio: float
    forward_gears: tuple[GearPhysicsControl, ...]
    mass: float
    drag_coefficient: float
    center_of_mass: Vector3D
    steering_curve: tuple[Vector2D, ...]
    wheels: tuple[WheelPhysicsControl, ...]
    use_sweep_wheel_collision: bool


class WheelTelemetryData(NamedTuple):
    """1, degrees, rad/s, N, N m."""

    tire_friction: float
    lat_slip: float
    long_slip: float
    omega: float
    tire_load: float
    normalized_tire_load: float
    torque: float
    long_force: float
    lat_force: float
    normalized_long_force: float
    normalized_lat_force: float


class VehicleTelemetryData(NamedTuple):
    """m/s, 1/min, N."""

    speed: float
    steer: float
    throttle: float
    brake: float
    engine_rpm: float
    gear: int
    drag: float
    wheels: tuple[WheelTelemetryData, ...]


class VehicleLightState(NamedTuple):
    """Flags of the vehicle's own lights."""

    light_state: int = 0


class WeatherParameters(NamedTuple):
    """As CARLA's; values that are kept and told, nothing looks different."""

    cloudiness: float = 0.0
    precipitation: float = 0.0
    precipitation_deposits: float = 0.0
    wind_intensity: float = 0.0
    sun_azimuth_angle: float = 0.0
    sun_altitude_angle: float = 45.0
    fog_density: float = 0.0
    fog_distance: float = 0.0
    fog_falloff: float = 0.0
    wetness: float = 0.0
    scattering_intensity: float = 0.0
    mie_scattering_scale: float = 0.0
    rayleigh_scattering_scale: float = 0.0331
    dust_storm: float = 0.0


ORIGIN = Vector3D(0.0, 0.0, 0.0)
LEVEL = Rotation(0.0, 0.0, 0.0)
IDENTITY = Transform(ORIGIN, LEVEL)

# The classes above by the name of CARLA's struct: what is decoded comes as these.
STRUCTS: dict[str, type] = {
    "Vector2D": Vector2D, "Vector3D": Vector3D, "Location": Vector3D, "Rotation": Rotation, "Transform": Transform,
    "BoundingBox": BoundingBox, "ActorAttributeValue": ActorAttributeValue, "ActorAttribute": ActorAttribute,
    "ActorDefinition": ActorDefinition, "ActorDescription": ActorDescription, "Actor": ActorInfo,
    "EpisodeSettings": EpisodeSettings, "VehicleControl": VehicleControl,
    "VehicleAckermannControl": VehicleAckermannControl, "AckermannControllerSettings": AckermannControllerSettings,
    "WalkerControl": WalkerControl, "GearPhysicsControl": GearPhysicsControl,
    "WheelPhysicsControl": WheelPhysicsControl, "VehiclePhysicsControl": VehiclePhysicsControl,
    "WheelTelemetryData": WheelTelemetryData, "VehicleTelemetryData": VehicleTelemetryData,
    "VehicleLightState": VehicleLightState, "WeatherParameters": WeatherParameters,
}  # fmt: skip
