"""What a policy of the format ``vector-1`` would do at many observations: a call of the network and one of a kernel for
each few of them."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.policy.arrays import EncodedScenes, Frames, Heads, Motions
from takead_ros.policy.kernels.decode import answer_all
from takead_ros.policy.model import Policy
from takead_ros.policy.vector import VECTOR_1, decoder

AT_ONCE = 16  # observations in one call of the network: what it works with then fits into a core's own cache


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
        commands = np.zeros((len(sound), 2))
        for first in range(0, len(sound), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            logits, profiles, speed_logits, control = self._policy.ask(
                {name: values[some] for name, values in encoded._asdict().items()},
                ("logits", "profiles", "speed_logits", "control"),
            )
            heads = Heads(logits, profiles.reshape(*profiles.shape[:2], -1), speed_logits, control)
            some_frames = Frames._make(values[some] for values in frames)
            some_motions = Motions._make(values[some] for values in motions)
            answer_all(heads, self._decoder, some_frames, some_motions, sound[some], commands[some])
        return commands
