"""The rule-based expert, after PDM-Lite and PDM-Closed: perceive, propose, roll out, choose.

Pure: what it carries from tick to tick is in ``Memory``. It sees what the ego's sensors see unless ``privileged``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverOutput, DriverStatus, Plan
from takead_ros.domain.scene import FloatArray, Scene
from takead_ros.expert.choose import Choice, choose
from takead_ros.expert.forecast import TIMES
from takead_ros.expert.kernels.paths import CRAWLS, DRIVES
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.perceive import perceive
from takead_ros.expert.propose import Paths, propose
from takead_ros.expert.roll import Rollouts, roll
from takead_ros.expert.route import GRID
from takead_ros.policy.tracking import track_plan

SPEED_BINS: FloatArray = np.arange(0.0, 26.0, 2.0)  # m/s
_TEMPERATURE = 0.02  # of the scores, so that the best proposal carries most of the weight
_PLAN_ROWS = np.searchsorted(TIMES, PLAN_DT * np.arange(1, PLAN_STEPS + 1))
_BEGINNING = 3  # points of the path
_TURN_RAD = 0.5  # more is no demand that wheels can meet until the next answer
_CREEP_MPS = 2.0  # slower, the preview of the path is that of this speed
_FIRM_MPS2 = -3.0
_STANDING_MPS = 0.1


def plan(scene: Scene, memory: Memory, parameters: ExpertParameters) -> tuple[DriverOutput, Memory]:
    """What the expert would do at ``scene``, and its memory after it.

    The output's candidates (K, 8, 2) m are all proposals, the logits their scores over a temperature; plan and
    candidates are in ``base_link``. A scene that cannot be driven gives a failed output and leaves the memory as it is.
    """
    prepare()
    if not _finite(scene):
        return DriverOutput.failed(scene.stamp, "expert", DriverStatus.NOT_FINITE, "scene holds NaN or inf"), memory
    try:
        situation = perceive(scene, memory, parameters)
    except ValueError as error:
        return DriverOutput.failed(scene.stamp, "expert", DriverStatus.OUT_OF_RANGE, str(error)), memory
    paths = propose(situation, parameters)
    rollouts = roll(situation, paths, parameters)
    choice = choose(situation, paths, rollouts, parameters)
    return _output(scene, paths, rollouts, choice), choice.memory


def plan_batch(
    scenes: Sequence[Scene], memories: Sequence[Memory], parameters: ExpertParameters
) -> tuple[list[DriverOutput], list[Memory]]:
    """What ``plan`` answers in B environments, bit for bit, whatever their order and number; B memories after it.

    Raises ValueError where there are not as many memories as scenes.
    """
    if len(memories) != len(scenes):
        raise ValueError(f"plan_batch: {len(scenes)} scenes and {len(memories)} memories; one for each is needed")
    answers = [plan(scene, memory, parameters) for scene, memory in zip(scenes, memories, strict=True)]
    return [output for output, _ in answers], [memory for _, memory in answers]


def _finite(scene: Scene) -> bool:
    ego, objects = scene.ego, scene.objects
    numbers = (ego.x, ego.y, ego.yaw, ego.speed, ego.acceleration, ego.steering_angle, ego.length, ego.width)
    arrays = (objects.x, objects.y, objects.yaw, objects.vx, objects.vy, objects.length, objects.width)
    return bool(np.isfinite(np.concatenate([numbers, *arrays, np.ravel(scene.route.path)])).all())


def _two_hot(speed: float) -> FloatArray:
    """Probabilities (B,) over SPEED_BINS whose mean is ``speed`` m/s, on the two nearest bins."""
    place = min(max(speed / (SPEED_BINS[1] - SPEED_BINS[0]), 0.0), len(SPEED_BINS) - 1.0)
    return np.asarray(np.maximum(1.0 - np.abs(np.arange(len(SPEED_BINS)) - place), 0.0))


def _output(scene: Scene, paths: Paths, rollouts: Rollouts, choice: Choice) -> DriverOutput:
    best, driven, lines = choice.best, rollouts.driven, paths.lines
    path = rollouts.path[best]
    chosen = Plan(
        driven.x[best, _PLAN_ROWS],
        driven.y[best, _PLAN_ROWS],
        driven.yaw[best, _PLAN_ROWS],
        driven.speed[best, _PLAN_ROWS],
    )
    # Steer along the whole path, however early the plan ends: stopping is no reason to lose sight of the bend.
    places = np.arange(1, PLAN_STEPS + 1) * max(scene.ego.speed, _CREEP_MPS) * PLAN_DT
    on_path = [np.interp(places, GRID, values[path]) for values in (lines.x, lines.y, lines.yaw)]
    steering, acceleration = track_plan(Plan(on_path[0], on_path[1], on_path[2], chosen.speed), scene.ego)
    # Pulling out in little space, the wheels turn as the path begins: the preview would cut its corners.
    crawls = min(max((DRIVES - scene.ego.speed) / (DRIVES - CRAWLS), 0.0), 1.0)
    if crawls > 0.0 and chosen.speed.max() >= _STANDING_MPS:
        lock = scene.ego.max_steering_angle
        bend = float(np.arctan(scene.ego.wheelbase * lines.curvature[path, :_BEGINNING].mean()))
        bend = min(max(bend, scene.ego.steering_angle - _TURN_RAD), scene.ego.steering_angle + _TURN_RAD)
        steering = min(max(steering + crawls * (bend - steering), -lock), lock)
    if driven.acceleration[best, 0] < _FIRM_MPS2:  # braking in earnest does not fade towards the stop
        acceleration = min(acceleration, float(driven.acceleration[best, 0]))
    if chosen.speed.max() < _STANDING_MPS and scene.ego.speed < _STANDING_MPS:
        lock = scene.ego.max_steering_angle
        steering = min(max(scene.ego.steering_angle, -lock), lock)
    candidates = np.stack([driven.x[:, _PLAN_ROWS], driven.y[:, _PLAN_ROWS]], axis=-1)
    logits = (choice.total - choice.total[best]) / _TEMPERATURE
    return DriverOutput(
        scene.stamp,
        "expert",
        chosen,
        candidates,
        logits,
        SPEED_BINS,
        _two_hot(float(chosen.speed[1])),
        steering,
        acceleration,
        steering,
        acceleration,
        cause=choice.cause,
    )
