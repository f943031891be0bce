"""What a policy of the format ``vector-1`` would do at many observations: one call of the network, one of a kernel."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.policy.arrays import Batch, Frames, Motions
from takead_ros.policy.kernels.decode import answer_all
from takead_ros.policy.model import Policy
from takead_ros.policy.vector import VECTOR_1, decoder


class Decider:
    """The commands of ``policy``, the same bits as ``Policy.infer_batch`` derives from the same outputs.

    Raises TakeadError for a policy of another format.
    """

    def __init__(self, policy: Policy) -> None:
        if policy.format is not VECTOR_1:
            raise TakeadError(
                f"{policy.path}: format '{policy.format.name}' cannot be driven in batches, expected '{VECTOR_1.name}'"
            )
        prepare()
        self._policy, self._decoder = policy, decoder(policy.manifest)

    def decide(self, encoded: Batch, frames: Frames, motions: Motions, sound: np.ndarray) -> FloatArray:
        """Commands (B, 2): steering angle rad, acceleration m/s^2. ``sound`` (B,) says on entry which observations
        hold, and on return for which of them there is a command."""
        logits, profiles, speed_logits, control = self._policy.ask(
            encoded._asdict(), ("logits", "profiles", "speed_logits", "control")
        )
        commands = np.zeros((len(sound), 2))
        answer_all(
            logits, profiles.reshape(*profiles.shape[:2], -1), speed_logits, control, self._decoder, frames, motions,
            sound, commands,
        )  # fmt: skip
        return commands
