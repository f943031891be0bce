"""What the vehicles of a batch perceive of those around them (``domain.perception``), on the batch's arrays."""

from __future__ import annotations

import numpy as np

from takead_ros.compiled import Indices, kernel, prepare
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.perceived_tracks import (
    COLUMNS,
    ID,
    KIND,
    LENGTH,
    MOST_OBJECTS,
    VISIBILITY,
    VX,
    VY,
    WIDTH,
    YAW,
    Noise,
    PerceivedTracks,
    X,
    Y,
    begin_tracks,
    make_tracks,
    perceive_one,
)
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.observe import ObservedWorld, Seen, find_others, room_for_others, world_of


class Perceiver:
    """The perception of every environment of a batch; the same bits as ``domain.perception.Perception`` gives to the
    scenes of one. ``noise``: of settings, at the batch's step (``domain.perception.noise_of``). ``seen``: the objects
    as they are perceived after the last ``step``.
    """

    def __init__(self, batch: Batch, noise: Noise) -> None:
        prepare()
        self._batch, self._noise = batch, noise
        self._tracks = make_tracks(batch.count, self._noise.late)
        self._work = np.zeros(MOST_OBJECTS, np.int64)
        self.seen = Seen(True, np.zeros(batch.count, np.int64), np.zeros((batch.count, MOST_OBJECTS, COLUMNS)))

    def begin(self, row: int, seed: int) -> None:
        """Environment ``row`` begins anew: its perception too, with ``seed``."""
        begin_tracks(self._tracks, row, seed)

    def step(self, rows: Indices) -> None:
        """Perceive the environments ``rows`` (B,) as they are now: to be called at their start and once in each tick.

        Raises TakeadError where there are more tracks than perception has room for.
        """
        crowded = perceive_all(world_of(self._batch), rows, self._noise, self._tracks, self.seen, self._work)
        if crowded >= 0:
            raise TakeadError(
                f"perception: environment {crowded} has more than {MOST_OBJECTS} tracks at once, expected fewer"
            )


@kernel
def perceive_all(
    world: ObservedWorld, rows: Indices, noise: Noise, tracks: PerceivedTracks, seen: Seen, work: Indices
) -> int:
    """One step of the environments ``rows`` (B,); returns the first of which there is too much to perceive, else -1."""
    others = room_for_others(world.kind.shape[1])
    for e in rows:
        count, now = find_others(world, e, others), seen.objects[e]
        for n in range(count):
            now[n, ID], now[n, KIND] = others.id[n], others.kind[n]
            now[n, X], now[n, Y], now[n, YAW] = others.x[n], others.y[n], others.yaw[n]
            now[n, VX], now[n, VY] = others.vx[n], others.vy[n]
            now[n, LENGTH], now[n, WIDTH], now[n, VISIBILITY] = others.length[n], others.width[n], others.visibility[n]
        seen.number[e] = perceive_one(noise, tracks, e, world.ego[e, 0], world.ego[e, 1], now, count, work)
        if seen.number[e] < 0:
            return int(e)
    return -1
