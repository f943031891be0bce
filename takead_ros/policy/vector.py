"""The format ``vector-1``: a scene as sets of tokens in; anchored plans, target speeds and a control branch out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverOutput, Plan
from takead_ros.policy import encoding
from takead_ros.policy.arrays import Decoder
from takead_ros.policy.format import ANY, SCENE, Encoded, Observation, Outputs, PolicyFormat
from takead_ros.policy.kernels import decode as decoding
from takead_ros.policy.kernels import encode as kernel
from takead_ros.policy.manifest import SPEED_DECODES, Manifest, Tensor
from takead_ros.policy.tracking import DEFAULT, motion_of, spline
from takead_ros.policy.vocabulary import FADE, plans_from_profiles


def _encode(observation: Observation) -> Encoded:
    return encoding.encode(observation.scene, observation.lines, observation.road)


def decoder(manifest: Manifest) -> Decoder:
    """How the outputs of the model with ``manifest`` are decoded."""
    return _decoder(tuple(manifest.speed_bins), manifest.decoding.speed, manifest.decoding.control_place)


@lru_cache(maxsize=8)
def _decoder(bins: tuple[float, ...], speed: str, control: int) -> Decoder:
    how = SPEED_DECODES.index(speed)
    return Decoder(FADE, PLAN_DT, np.array(bins, dtype=float), how, control, *spline(PLAN_STEPS), DEFAULT)


def _decode(outputs: Outputs, observation: Observation, manifest: Manifest) -> DriverOutput:
    prepare()
    ego, how = observation.scene.ego, decoder(manifest)
    candidates, _, _ = plans_from_profiles(outputs["profiles"], ego.speed, observation.road)
    chosen = outputs["profiles"][int(outputs["logits"].argmax())]
    best, speed_logits, control = (
        np.ascontiguousarray(values, dtype=float) for values in (chosen, outputs["speed_logits"], outputs["control"])
    )
    plan, steering, acceleration = decoding.answer_one(
        best, speed_logits, control, how, observation.road, motion_of(ego)
    )
    return DriverOutput(
        stamp=observation.scene.stamp,
        source="policy",
        plan=Plan(plan.positions[:, 0], plan.positions[:, 1], plan.yaws, plan.speeds, PLAN_DT),
        candidates=candidates,
        logits=outputs["logits"],
        speed_bins=how.bins,
        speed_probabilities=plan.probabilities,
        control_steering_angle=float(outputs["control"][0]),
        control_acceleration=float(outputs["control"][1]),
        steering_angle=steering,
        acceleration=acceleration,
    )


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
