"""What another vehicle's pedals make of the acceleration that is asked for, as the record shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from takead_ros.recording.driven import Tick

STEADY_TICKS, STEADY_MPS2 = 4, 0.3  # for so long a command has to stay within this, to see what comes of it
AHEAD_TICKS = 3  # over which that is seen
MOVES_MPS = 2.0
FEWEST = 20  # moments from which anything is concluded
SPREAD_MPS2 = 0.5  # of the commands (standard deviation), without which they tell no gain
GAINS, OFFSETS_MPS2 = (0.5, 1.5), (-1.5, 0.5)  # what a vehicle can be believed to do
ROLLS_MPS = 1.0


@dataclass(frozen=True)
class PedalModel:
    """A moving vehicle accelerates by ``gain`` times what is asked for, and ``offset_mps2`` m/s^2 more (rolling and air
    resistance: less). Below 1 m/s it does what is asked for."""

    gain: float = 1.0
    offset_mps2: float = 0.0

    def give(self, acceleration: float, speed: float) -> float:
        """m/s^2 that come of the ``acceleration`` m/s^2 that is asked for at ``speed`` m/s."""
        return self.gain * acceleration + self.offset_mps2 if speed > ROLLS_MPS else acceleration


def pedals_of(ticks: Sequence[Tick]) -> PedalModel:
    """Fitted to all moments of a record at which a command had been steady and the ego moved; as asked for, where there
    are too few of them."""
    asked, came = [], []
    for k in range(STEADY_TICKS - 1, len(ticks) - AHEAD_TICKS):
        commands = [tick.command for tick in ticks[k - STEADY_TICKS + 1 : k + 1]]
        told = [command.acceleration for command in commands if command is not None]
        now, then = ticks[k], ticks[k + AHEAD_TICKS]
        if len(told) == STEADY_TICKS and np.ptp(told) < STEADY_MPS2 and then.world.ego.speed > MOVES_MPS:
            asked.append(told[-1])
            came.append((then.world.ego.speed - now.world.ego.speed) / ((then.stamp - now.stamp) / 1e9))
    if len(asked) < FEWEST:
        return PedalModel()
    gain = float(np.polyfit(asked, came, 1)[0]) if np.std(asked) > SPREAD_MPS2 else 1.0
    gain = float(np.clip(gain, *GAINS))
    return PedalModel(gain, float(np.clip(np.mean(came) - gain * np.mean(asked), *OFFSETS_MPS2)))
