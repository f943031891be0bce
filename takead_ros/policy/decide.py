"""What a policy of the format ``vector-1`` would do at many observations: a call of the network and one of a kernel for
each few of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.driving import PLAN_STEPS, DriverOutput, Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.policy.arrays import EncodedScenes, Frames, Heads, Motions
from takead_ros.policy.kernels.decode import answer_all
from takead_ros.policy.model import Policy
from takead_ros.policy.vector import VECTOR_1, decoder

AT_ONCE = 16  # observations in one call of the network: what it works with then fits into a core's own cache

_NONE = np.zeros(0)
_NO_CANDIDATES = np.zeros((0, PLAN_STEPS, 2))


class Answers(NamedTuple):
    """Of B observations: commands (B, 2) rad and m/s^2; plans (B, 4, T): x y m, yaw rad, speed m/s; the network's
    ``heads``, AT_ONCE observations in each."""

    commands: FloatArray
    plans: FloatArray
    heads: tuple[Heads, ...]

    def output(self, b: int, stamp: int, policy: Policy) -> DriverOutput:
        """The answer to observation ``b``, made at ``stamp`` ns, without its candidates (see ``candidates``)."""
        heads, row = self.heads[b // AT_ONCE], b % AT_ONCE
        steering, acceleration = self.commands[b].tolist()
        direct, pushed = heads.control[row].tolist()
        x, y, yaw, speed = self.plans[b]
        return DriverOutput(
            stamp,
            "policy",
            Plan(x, y, yaw, speed),
            _NO_CANDIDATES,
            heads.logits[row],
            _NONE,
            _NONE,
            direct,
            pushed,
            steering,
            acceleration,
            model_sha256=policy.sha256,
        )

    def profiles(self, b: int) -> FloatArray:
        """The candidates (K, T, 2) of observation ``b``, as profiles over the route (``policy.vocabulary``)."""
        return np.array(self.heads[b // AT_ONCE].profiles[b % AT_ONCE], dtype=float).reshape(-1, PLAN_STEPS, 2)


def check_format(policy: Policy) -> None:
    """TakeadError where ``policy`` is of a format that is not decided in batches."""
    if policy.format is not VECTOR_1:
        raise TakeadError(
            f"{policy.path}: format '{policy.format.name}' cannot be driven in batches, expected '{VECTOR_1.name}'"
        )


class Decider:
    """The commands of ``policy``, the same bits as ``Policy.infer_batch`` derives from the same outputs.

    Raises TakeadError for a policy of another format.
    """

    def __init__(self, policy: Policy) -> None:
        check_format(policy)
        prepare()
        self._policy, self._decoder = policy, decoder(policy.manifest)

    def decide(self, encoded: EncodedScenes, frames: Frames, motions: Motions, sound: np.ndarray) -> FloatArray:
        """Commands (B, 2): steering angle rad, acceleration m/s^2. ``sound`` (B,) says on entry which observations
        hold, and on return for which of them there is a command."""
        return self.answer(encoded, frames, motions, sound).commands

    def answer(self, encoded: EncodedScenes, frames: Frames, motions: Motions, sound: np.ndarray) -> Answers:
        """The commands as ``decide`` gives them, and what they come from."""
        commands, plans = np.zeros((len(sound), 2)), np.zeros((len(sound), 4, PLAN_STEPS))
        heads: list[Heads] = []
        for first in range(0, len(sound), AT_ONCE):
            some = slice(first, min(first + AT_ONCE, len(sound)))
            one = some.stop - first == 1  # alone it is multiplied in another order: asked twice, it has the same bits
            asked = {name: values[[first, first] if one else some] for name, values in encoded._asdict().items()}
            found = self._policy.ask(asked, ("logits", "profiles", "speed_logits", "control"))
            logits, profiles, speed_logits, control = (values[:1] if one else values for values in found)
            heads.append(Heads(logits, profiles.reshape(*profiles.shape[:2], -1), speed_logits, control))
            some_frames = Frames._make(values[some] for values in frames)
            some_motions = Motions._make(values[some] for values in motions)
            answer_all(heads[-1], self._decoder, some_frames, some_motions, sound[some], commands[some], plans[some])
        return Answers(commands, plans, tuple(heads))
