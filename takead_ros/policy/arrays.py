"""A scene as the arrays that the policy's kernels take, and the batch that they fill. Frame ``map``, SI."""

from __future__ import annotations

from typing import NamedTuple

from takead_ros.compiled import Cube, Cube32, Flags, Indices, Matrix, Matrix32, Vector


class RouteFrame(NamedTuple):
    """A reference path in ``base_link``: points (P, 2) m, heading (P,) rad (continuous), arc (P,) m where 0 is the
    point nearest to the ego. ``offset`` m: the ego's own, positive left of the path; ``heading_error`` rad: ego yaw
    minus path yaw, in [-pi, pi)."""

    points: Matrix
    heading: Vector
    arc: Vector
    offset: float
    heading_error: float


class EgoFields(NamedTuple):
    """The ego: pose x y m, yaw rad; speed lateral_speed m/s, yaw_rate rad/s; length width wheelbase m."""

    x: float
    y: float
    yaw: float
    speed: float
    lateral_speed: float
    yaw_rate: float
    length: float
    width: float
    wheelbase: float


class TrackingState(NamedTuple):
    """What tracking needs of the ego: speed m/s, steering_angle and max_steering_angle rad, wheelbase m."""

    speed: float
    steering_angle: float
    max_steering_angle: float
    wheelbase: float


class TrackingParameters(NamedTuple):
    """How a plan is followed."""

    lookahead_s: float = 0.7
    min_lookahead_m: float = 3.5
    max_steering_rate_radps: float = 1.2
    period_s: float = 0.1  # between two commands, for the rate limit
    max_lateral_acceleration_mps2: float = 6.0
    max_acceleration_mps2: float = 3.0
    max_deceleration_mps2: float = 8.0
    hold_deceleration_mps2: float = 1.0
    standstill_mps: float = 0.2
    short_plan_m: float = 2.0  # below this length steering fades to what it is now


class Frames(NamedTuple):
    """The route frames of B observations, all (B, ...) as in RouteFrame; ``used`` (B,): how much of a row is used."""

    used: Indices
    points: Cube
    heading: Matrix
    arc: Matrix
    offset: Vector
    heading_error: Vector


class Motions(NamedTuple):
    """Motion of B egos, all (B,)."""

    speed: Vector
    steering_angle: Vector
    max_steering_angle: Vector
    wheelbase: Vector


class Decoder(NamedTuple):
    """How a network's outputs become a plan and a command: the fade (T,) of the present offset, s of a step; speed
    bins (B,) m/s, and how their distribution decides (place in ``manifest.SPEED_DECODES``); what the control branch
    decides (place in ``manifest.CONTROL_DECODES``); the spline of the tracking (``tracking.spline``) and its
    parameters."""

    fade: Vector
    dt: float
    bins: Vector
    how: int
    control: int
    knots: Matrix
    start: Vector
    tracking: TrackingParameters


class Heads(NamedTuple):
    """What a network answers to B observations: logits (B, K) of the anchors, profiles (B, K, 2 T) with pace and offset
    in turn, speed_logits (B, bins), control (B, 2)."""

    logits: Matrix32
    profiles: Cube32
    speed_logits: Matrix32
    control: Matrix32


class Decoded(NamedTuple):
    """A plan, and what it came from: probabilities (bins,) of the speeds, positions (T, 2) m, yaws (T,) rad, speeds
    (T,) m/s."""

    probabilities: Vector
    positions: Matrix
    yaws: Vector
    speeds: Vector


class Guidance(NamedTuple):
    """Where navigation leads: targets (3, 2) m, a RouteCommand for each (3,), remaining m, speed_limit m/s or NaN."""

    targets: Matrix
    commands: Indices
    remaining: float
    speed_limit: float


class ObjectColumns(NamedTuple):
    """The columns of ``domain.scene.Objects``, all (N,)."""

    id: Indices
    kind: Indices
    x: Vector
    y: Vector
    yaw: Vector
    vx: Vector
    vy: Vector
    length: Vector
    width: Vector
    visibility: Vector


class Pieces(NamedTuple):
    """S pieces of the map's polylines: points (S, LINE_POINTS, 2) m, flags (S, F); ``rows`` (R,): those that are
    looked at."""

    points: Cube
    flags: Matrix32
    rows: Indices


class Controls(NamedTuple):
    """C lights and signs, all (C,): id, kind and state as in ``domain.scene``, x y m, distance m to the line."""

    id: Indices
    kind: Indices
    state: Indices
    x: Vector
    y: Vector
    distance: Vector


class EncodedScenes(NamedTuple):
    """B encoded scenes: the inputs of the format ``vector-1`` with a batch axis."""

    ego: Matrix32
    path: Matrix32
    targets: Matrix32
    objects: Cube32
    objects_mask: Matrix32
    lines: Cube32
    lines_mask: Matrix32
    controls: Cube32
    controls_mask: Matrix32


class Observed(NamedTuple):
    """Observations of B environments: the inputs of the format ``vector-1``, what decoding an answer needs, and whether
    (B,) an observation could be encoded."""

    encoded: EncodedScenes
    frames: Frames
    motions: Motions
    sound: Flags
