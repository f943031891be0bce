"""The rule-based expert, after PDM-Lite and PDM-Closed: perceive, propose, roll out, choose.

Pure: what it carries from tick to tick is in ``Memory``. It sees what the ego's sensors see unless ``privileged``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverOutput, DriverStatus, Plan
from takead_ros.domain.scene import FloatArray, Scene
from takead_ros.expert.choose import Choice, choose
from takead_ros.expert.forecast import TIMES
from takead_ros.expert.kernels.answer import answer
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.perceive import perceive
from takead_ros.expert.propose import Paths, propose
from takead_ros.expert.roll import Rollouts, roll
from takead_ros.expert.situation import Situation
from takead_ros.policy.tracking import DEFAULT, spline

_BIN_MPS = 2.0
SPEED_BINS: FloatArray = np.arange(0.0, 26.0, _BIN_MPS)  # m/s
_TEMPERATURE = 0.02  # of the scores, so that the best proposal carries most of the weight
_PLAN_ROWS = np.searchsorted(TIMES, PLAN_DT * np.arange(1, PLAN_STEPS + 1))
_SPLINE = spline(PLAN_STEPS)


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
    return _output(scene, situation, paths, rollouts, choice), choice.memory


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
    told = np.concatenate((*arrays, scene.route.path.ravel()))
    return all(map(math.isfinite, numbers)) and bool(np.isfinite(told).all())


def _two_hot(speed: float) -> FloatArray:
    """Probabilities (B,) over SPEED_BINS whose mean is ``speed`` m/s, on the two nearest bins."""
    last = len(SPEED_BINS) - 1
    place = min(max(speed / _BIN_MPS, 0.0), float(last))
    low, found = min(int(place), last - 1), np.zeros(last + 1)
    found[low], found[low + 1] = 1.0 - (place - low), place - low
    return found


def _output(scene: Scene, situation: Situation, paths: Paths, rollouts: Rollouts, choice: Choice) -> DriverOutput:
    best, ego = choice.best, situation.ego
    lock, path = float(scene.ego.max_steering_angle), int(rollouts.path[best])
    plan, candidates, steering, acceleration = answer(
        rollouts.driven, paths.lines, best, path, _PLAN_ROWS, PLAN_DT, *_SPLINE, ego, lock, DEFAULT
    )
    x, y, yaw, speed = plan
    return DriverOutput(
        scene.stamp,
        "expert",
        Plan(x, y, yaw, speed),
        candidates,
        (choice.total - choice.total[best]) / _TEMPERATURE,
        SPEED_BINS,
        _two_hot(float(speed[1])),
        steering,
        acceleration,
        steering,
        acceleration,
        cause=choice.cause,
    )
