"""Many episodes at once in the vector world, the policy alone at the wheel: for learning and selection.

When it decides, and the limits of its commands, are those of the stack; nothing is published or recorded, and nobody
takes over. ``takead eval --passes unassisted`` is the measure with the whole stack; what is left of difference is in
docs/vector_world.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from takead_ros.compiled import Flags, Indices
from takead_ros.domain.perception import PerceptionSettings, noise_of
from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.policy.decide import Decider
from takead_ros.policy.model import Policy
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.perception import chance_seed
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario
from takead_ros.simulators.vector.observe import TRUTH, Observer
from takead_ros.simulators.vector.perceive import Perceiver
from takead_ros.simulators.vector.simulator import on_lanes
from takead_ros.simulators.vector.tape import Tape
from takead_ros.takeover.limit_kernels import Limits, limit_all
from takead_ros.takeover.parameters import ArbiterParameters

DECIDE = 2  # ticks of one decision: 10 Hz; as in the stack at the first tick, the second, and every other one from then
STOP = (0.0, -3.0)  # rad, m/s^2: what is done without a usable answer


def due_now(ticks: Indices) -> Flags:
    """In which environments, ``ticks`` (B,) after their start, policy and expert answer now."""
    return np.asarray((ticks == 0) | (ticks % DECIDE > 0))


def drive_batched(
    policy: Policy,
    scenarios: Sequence[Scenario],
    count: int = 64,
    perception: PerceptionSettings | None = None,
    arbiter: ArbiterParameters | None = None,
) -> Iterator[tuple[int, EpisodeLog]]:
    """Drive ``scenarios`` with ``policy``, up to ``count`` at a time; yields (place in ``scenarios``, log) as they end.
    ``perception``: what the policy sees of the objects around it, as in the stack (None: the truth). ``arbiter``: whose
    limits commands are held to (None: the defaults).

    A log does not depend on ``count`` where the network's answers do not depend on the size of its batch. Raises
    TakeadError for a policy of a format that cannot be driven so.
    """
    batch = Batch(min(count, max(len(scenarios), 1)))
    observer, tape, decider = Observer(batch), Tape(batch), Decider(policy)
    perceiver = None
    if perception is not None and not perception.truthful:
        perceiver = Perceiver(batch, noise_of(perception, batch.step_s))
    seats: dict[int, tuple[int, CompiledScenario]] = {}  # environment -> what is driven there
    free, waiting = list(range(batch.count)), iter(range(len(scenarios)))
    limits = Limits(*(getattr(arbiter or ArbiterParameters(), name) for name in Limits._fields))
    asked, commands = np.zeros((batch.count, 2)), np.zeros((batch.count, 2))
    while True:
        over = batch.done
        for row in [row for row in seats if over[row]]:
            place, compiled = seats.pop(row)
            yield place, tape.take(row, compiled)
            free.append(row)
        while free and (place := next(waiting, -1)) >= 0:
            row, compiled = free.pop(), compile_scenario(*on_lanes(scenarios[place]))
            batch.reset([row], [compiled])
            tape.begin(row)
            commands[row] = 0.0
            if perceiver:
                perceiver.begin(row, chance_seed(scenarios[place]))
                perceiver.step(np.array([row]))
            seats[row] = place, compiled
        if not seats:
            return
        rows = np.array(sorted(seats))
        due = rows[due_now(batch.state.tick[rows])]
        if len(due):
            seen = observer.observe(due, perceiver.seen if perceiver else TRUTH)
            answers = decider.decide(seen.encoded, seen.frames, seen.motions, seen.sound)
            asked[due] = np.where(seen.sound[:, None], answers, STOP)
        limit_all(
            asked,
            commands,
            np.ascontiguousarray(batch.state.ego[:, 3]),
            batch.vehicle.wheelbase,
            batch.vehicle.full_lock,
            limits,
            batch.step_s,
        )
        batch.step(commands)
        tape.note()
        if perceiver:
            over = batch.done
            perceiver.step(np.array([row for row in sorted(seats) if not over[row]], dtype=np.int64))
