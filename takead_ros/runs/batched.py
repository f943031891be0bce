"""Many episodes at once in the vector world, the policy's own commands applied as they are: for learning and selection.

Nobody arbitrates, nothing is published or recorded, and the network answers for all environments in one call; what a
stack around the policy adds (hand-over, limits, latency) is not there. ``takead eval`` is the measure with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from takead_ros.domain.driving import DriverStatus
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.policy.encoding import LineCache
from takead_ros.policy.format import Observation
from takead_ros.policy.model import Policy
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import compile_scenario
from takead_ros.simulators.vector.environment import Environment
from takead_ros.simulators.vector.simulator import on_lanes

DECIDE = 2  # ticks of one decision: 10 Hz, as in the stack
STOP = (0.0, -3.0)  # rad, m/s^2: what is done without a usable answer


def drive_batched(policy: Policy, scenarios: Sequence[Scenario], count: int = 64) -> Iterator[tuple[int, EpisodeLog]]:
    """Drive ``scenarios`` with ``policy``, up to ``count`` at a time; yields (place in ``scenarios``, log) as they end.

    A log does not depend on ``count`` where the network's answers do not depend on the size of its batch.
    """
    batch = Batch(min(count, max(len(scenarios), 1)))
    seats: list[Environment | None] = [None] * batch.count
    places, lines = [-1] * batch.count, [LineCache() for _ in range(batch.count)]
    waiting = iter(range(len(scenarios)))
    commands = np.zeros((batch.count, 2))
    while True:
        for row in range(batch.count):
            seat = seats[row]
            if seat is not None and seat.end is End.RUNNING:
                continue
            if seat is not None:
                yield places[row], seat.outcome()
                seats[row] = None
            place = next(waiting, None)
            if place is not None:
                compiled = compile_scenario(*on_lanes(scenarios[place]))
                batch.reset([row], [compiled])
                seats[row], places[row] = Environment(batch, row, compiled), place
        driving = [(row, seat) for row, seat in enumerate(seats) if seat is not None]
        if not driving:
            return
        answers = policy.infer_batch([Observation(seat.observe(), lines=lines[row]) for row, seat in driving])
        for (row, _), answer in zip(driving, answers, strict=True):
            sound = answer.status is DriverStatus.OK
            commands[row] = (answer.steering_angle, answer.acceleration) if sound else STOP
        for _ in range(DECIDE):
            running = [seat for _, seat in driving if seat.end is End.RUNNING]
            batch.step(commands)
            for seat in running:
                seat.record()
