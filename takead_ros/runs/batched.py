"""Many episodes at once in the vector world, the policy's own commands applied as they are: for learning and selection.

Nobody arbitrates, nothing is published or recorded, and the network answers for all environments in one call; what a
stack around the policy adds (hand-over, limits, latency) is not there. ``takead eval`` is the measure with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.policy.decide import Decider
from takead_ros.policy.model import Policy
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario
from takead_ros.simulators.vector.observe import Observer
from takead_ros.simulators.vector.simulator import on_lanes
from takead_ros.simulators.vector.tape import Tape

DECIDE = 2  # ticks of one decision: 10 Hz, as in the stack
STOP = (0.0, -3.0)  # rad, m/s^2: what is done without a usable answer


def drive_batched(policy: Policy, scenarios: Sequence[Scenario], count: int = 64) -> Iterator[tuple[int, EpisodeLog]]:
    """Drive ``scenarios`` with ``policy``, up to ``count`` at a time; yields (place in ``scenarios``, log) as they end.

    A log does not depend on ``count`` where the network's answers do not depend on the size of its batch. Raises
    TakeadError for a policy of a format that cannot be driven so.
    """
    batch = Batch(min(count, max(len(scenarios), 1)))
    observer, tape, decider = Observer(batch), Tape(batch), Decider(policy)
    seats: dict[int, tuple[int, CompiledScenario]] = {}  # environment -> what is driven there
    free, waiting = list(range(batch.count)), iter(range(len(scenarios)))
    commands = np.zeros((batch.count, 2))
    while True:
        for row in [row for row in seats if batch.done[row]]:
            place, compiled = seats.pop(row)
            yield place, tape.take(row, compiled)
            free.append(row)
        while free and (place := next(waiting, -1)) >= 0:
            row, compiled = free.pop(), compile_scenario(*on_lanes(scenarios[place]))
            batch.reset([row], [compiled])
            tape.begin(row)
            seats[row] = place, compiled
        if not seats:
            return
        driving = np.array(sorted(seats))
        observer.observe(driving)
        answers = decider.decide(observer.encoded, observer.frames, observer.motions, observer.sound)
        commands[driving] = np.where(observer.sound[:, None], answers, STOP)
        for _ in range(DECIDE):
            batch.step(commands)
            tape.note()
