"""The columns of the world's arrays, one row an actor (frames and units: values.py)."""

from __future__ import annotations

# pose: m, degrees
X, Y, Z, PITCH, YAW, ROLL = range(6)

# box: centre and half lengths in the actor's frame, m
BOX_X, BOX_Y, BOX_Z, HALF_X, HALF_Y, HALF_Z = range(6)

# flags
PHYSICS, GRAVITY, COLLIDES = range(3)

# drive: what a vehicle is asked for, what it does, and what the road tells it. A walker has SPEED and the direction.
(
    THROTTLE, STEER, BRAKE, HAND_BRAKE, REVERSE, MANUAL, WANTED_GEAR,  # as VehicleControl
    FORWARD, SLIDE_X, SLIDE_Y, FALL,  # m/s: along the vehicle, sliding over the road (world), falling
    GEAR, SHIFT_LEFT, ENGINE,  # gear engaged, s until it is, 1/min
    HELD, HELD_X, HELD_Y, HELD_Z,  # constant velocity: whether, and m/s in the vehicle's frame
    FORCE_X, FORCE_Y, FORCE_Z,  # N (world), for the next step
    TURN,  # degrees/s, besides what the wheels do; decays
    LIMIT, LIGHT, AT_LIGHT, LIGHT_ROW,  # km/h, the light's state, whether there is one, its actor's row
    WALK_X, WALK_Y, WALK_Z, WALK_SPEED,  # a walker's direction (world) and m/s
    ROLLED,  # m that the wheels have rolled, backwards negative
    DRIVE_COLUMNS,
) = range(32)  # fmt: skip

# car: a vehicle's parameters
CURVE_POINTS, MOST_GEARS = 17, 8
CURVE_STEP_KMH, TORQUE_POINTS = 10.0, 16
(
    MASS, WHEELBASE, TO_REAR, LOCK, FRICTION, BRAKES, HAND_BRAKES, DRAG, RADIUS, FINAL, GEARS, MAX_RPM, SHIFT_TIME,
    DAMPING_FULL, DAMPING_ENGAGED, AUTOBOX,
) = range(16)  # fmt: skip
RATIOS = 16  # of each forward gear
SHIFT_UP = RATIOS + MOST_GEARS  # share of the highest engine speed, of each gear
SHIFT_DOWN = SHIFT_UP + MOST_GEARS
STEERING_CURVE = SHIFT_DOWN + MOST_GEARS  # at 0, 10, .. 160 km/h
TORQUE_CURVE = STEERING_CURVE + CURVE_POINTS  # N m at TORQUE_POINTS places from 0 to the highest engine speed
CAR_COLUMNS = TORQUE_CURVE + TORQUE_POINTS

# volumes of lights and signs: centre, cos and sin of the heading, half lengths, kind (0 light, 1 limit), row or km/h
VOLUME_X, VOLUME_Y, VOLUME_Z, VOLUME_COS, VOLUME_SIN, VOLUME_A, VOLUME_B, VOLUME_C, VOLUME_KIND, VOLUME_VALUE = range(
    10
)
VOLUME_COLUMNS = 10
