"""The format ``vector-1``: a scene as sets of tokens in; anchored plans, target speeds and a control branch out."""

from __future__ import annotations

import numpy as np

from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverOutput, Plan
from takead_ros.domain.scene import EgoState, FloatArray
from takead_ros.policy import encoding
from takead_ros.policy.format import ANY, SCENE, Encoded, Observation, Outputs, PolicyFormat
from takead_ros.policy.kernels import encode as kernel
from takead_ros.policy.manifest import Manifest, SpeedDecode, Tensor
from takead_ros.policy.tracking import track
from takead_ros.policy.vocabulary import plans_from_profiles, unroll

TARGET_S = 2.0  # to which the speed head's distribution belongs


def _encode(observation: Observation) -> Encoded:
    return encoding.encode(observation.scene, observation.lines, observation.road)


def _decode(outputs: Outputs, observation: Observation, manifest: Manifest) -> DriverOutput:
    ego = observation.scene.ego
    positions, yaws, speeds = plans_from_profiles(outputs["profiles"], ego.speed, observation.road)
    best = int(outputs["logits"].argmax())
    plan = Plan(positions[best, :, 0], positions[best, :, 1], yaws[best], speeds[best], PLAN_DT)
    bins = np.asarray(manifest.speed_bins)
    weights = np.exp(outputs["speed_logits"] - outputs["speed_logits"].max())
    probabilities = weights / weights.sum()
    if manifest.decoding.speed != "plan":
        target = target_speed(bins, probabilities, manifest.decoding.speed)
        profile = with_target_speed(outputs["profiles"][best], ego.speed, target)
        place, yaw, speed = plans_from_profiles(profile, ego.speed, observation.road)
        plan = Plan(place[:, 0], place[:, 1], yaw, speed, PLAN_DT)
    steering, acceleration = command(plan, outputs["control"] if manifest.decoding.control else None, ego)
    return DriverOutput(
        stamp=observation.scene.stamp,
        source="policy",
        plan=plan,
        candidates=positions,
        logits=outputs["logits"],
        speed_bins=bins,
        speed_probabilities=probabilities,
        control_steering_angle=float(outputs["control"][0]),
        control_acceleration=float(outputs["control"][1]),
        steering_angle=steering,
        acceleration=acceleration,
    )


def target_speed(bins: FloatArray, probabilities: FloatArray, decode: SpeedDecode) -> float:
    """One speed m/s of a distribution over ``bins`` (B,) m/s: its mode, median or mean (``plan`` asks for none).

    The median is where the distribution, spread evenly between neighbouring bins, reaches one half. A mean of "stop"
    and "go" creeps into what one stops for; mode and median decide.
    """
    if decode == "mean":
        return float(bins @ probabilities)
    if decode == "median":
        reached = np.cumsum(probabilities) - 0.5 * probabilities
        return float(np.interp(0.5, reached, bins))
    return float(bins[int(probabilities.argmax())])


def with_target_speed(profile: FloatArray, speed: float, target: float) -> FloatArray:
    """The path of a profile (T, 2) driven so that ``target`` m/s is reached after TARGET_S s, from ``speed`` m/s."""
    times = PLAN_DT * (np.arange(PLAN_STEPS) + 0.5)
    pace = speed + (target - speed) * np.minimum(times / TARGET_S, 1.0)
    before, _, _ = unroll(profile, speed, 0.0)
    after = np.cumsum(pace) * PLAN_DT
    road = np.concatenate([[0.0], before + 1e-6 * np.arange(1, PLAN_STEPS + 1)])  # strictly growing
    aside = np.interp(after, road, np.concatenate([[0.0], profile[:, 1]]))
    return np.stack([pace - speed, aside], axis=-1)


def command(plan: Plan, control: FloatArray | None, ego: EgoState) -> tuple[float, float]:
    """Steering (rad) and acceleration (m/s^2): the tracked plan, its acceleration averaged with the control branch
    (None: switched off).

    Where the two disagree about braking hard, the harder one holds: a late brake costs more than an early one.
    """
    steering, acceleration = track(plan, ego)
    if control is None:
        return float(steering), float(acceleration)
    direct = float(control[1])
    fused = min(acceleration, direct) if min(acceleration, direct) < -3.0 else 0.5 * (acceleration + direct)
    return float(steering), float(fused)


VECTOR_1 = PolicyFormat(
    name="vector-1",
    needs=(SCENE,),
    inputs={
        "ego": Tensor(shape=(encoding.EGO_FEATURES,), description="the ego's motion, size and place on the route"),
        "path": Tensor(
            shape=(encoding.PATH_POINTS * 3,),
            description="points (16, xy + heading) of the reference path every 4 m from the ego on, base_link",
        ),
        "targets": Tensor(
            shape=(3 * 9,), description="three target points in base_link, each with its command one-hot"
        ),
        "objects": Tensor(
            shape=(encoding.OBJECTS, encoding.OBJECT_FEATURES),
            description="the nearest visible objects, in base_link and along the route",
        ),
        "objects_mask": Tensor(shape=(encoding.OBJECTS,), description="1 where a row holds an object"),
        "lines": Tensor(
            shape=(encoding.LINES, encoding.LINE_FEATURES),
            description="the nearest pieces of lanes, boundaries and crosswalks, 5 points each, base_link, and flags",
        ),
        "lines_mask": Tensor(shape=(encoding.LINES,), description="1 where a row holds a piece"),
        "controls": Tensor(
            shape=(encoding.CONTROLS, encoding.CONTROL_FEATURES),
            description="visible traffic lights and signs on the route",
        ),
        "controls_mask": Tensor(shape=(encoding.CONTROLS,), description="1 where a row holds a control"),
    },
    outputs={
        "logits": Tensor(
            shape=(ANY,), description="softmax of these is the exact distribution over the candidate plans"
        ),
        "profiles": Tensor(
            shape=(ANY, PLAN_STEPS, 2),
            description="candidate plans over the route: pace relative to now (m/s) and fading-corrected offset (m) "
            "per step",
        ),
        "speed_logits": Tensor(shape=(ANY,), description="distribution over the speeds (m/s) of speed_bins, 2 s ahead"),
        "control": Tensor(
            shape=(2,), description="direct control branch: front-wheel angle (rad), acceleration (m/s^2)"
        ),
        "anchors": Tensor(shape=(ANY, PLAN_STEPS, 2), description="the anchor vocabulary (K, T, 2), constant"),
    },
    constants=("anchors",),
    normalisation={
        "length_m": kernel.LENGTH,
        "speed_m_s": kernel.SPEED,
        "yaw_rate_rad_s": kernel.YAW_RATE,
        "time_s": kernel.TIME,
    },
    encode=_encode,
    decode=_decode,
)
