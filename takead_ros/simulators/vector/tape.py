"""What happened in a batch, tick by tick, and the logs of its episodes made from that."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from takead_ros.domain.scene import ControlKind, LightState, Objects, TrafficControl
from takead_ros.measures.episode_log import Contact, EpisodeLog, Traffic
from takead_ros.scenarios.signals import PASSED, VISIBLE
from takead_ros.simulators.episode_recorder import make_log
from takead_ros.simulators.vector.arrays import State
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario
from takead_ros.simulators.vector.step import ENDS

BLOCK = 64  # ticks that are kept together
_NOTED = {
    "tick": np.int32,
    "ego": np.float64,
    "navigation": np.float64,
    "pose": np.float64,
    "gone": np.bool_,
    "touched": np.bool_,
    "light_state": np.int8,
}


class _Ticks(NamedTuple):
    """Fields of ``arrays.State`` at T ticks: (T, N, ...) of all environments, or (T, ...) of one."""

    tick: np.ndarray
    ego: np.ndarray
    navigation: np.ndarray
    pose: np.ndarray
    gone: np.ndarray
    touched: np.ndarray
    light_state: np.ndarray


class Tape:
    """Notes the state of a batch after each tick, as far back as an unfinished episode goes."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._blocks: list[_Ticks] = []
        self._first = self._used = 0  # number of the first block; ticks noted in the last one
        self._begun: dict[int, int] = {}  # environment -> number of the tick that it began at

    def begin(self, row: int) -> None:
        """Environment ``row`` has just been reset: its episode begins in this tick."""
        state = self._batch.state
        if not self._fits():
            self.note()
        for name, noted in self._blocks[-1]._asdict().items():
            noted[self._used - 1, row] = getattr(state, name)[row]
        self._begun[row] = self._now

    def note(self) -> None:
        """A tick has been made."""
        state = self._batch.state
        if self._used == BLOCK or not self._fits():
            self._blocks.append(_room(state))
            self._used = 0
            self._forget()
        for name, noted in self._blocks[-1]._asdict().items():
            noted[self._used] = getattr(state, name)
        self._used += 1

    def take(self, row: int, compiled: CompiledScenario) -> EpisodeLog:
        """The log of ``compiled`` in environment ``row``, of which nothing more will be asked."""
        layout, scenario, start = self._batch.layout, compiled.scenario, compiled.navigation.start
        ticks = self._of(row)
        del self._begun[row]
        actors, controls = int(layout.actor_count[row]), int(layout.control_count[row])
        here = ~ticks.gone[:, :actors]
        _, who = np.nonzero(here)
        x, y, yaw, vx, vy = np.ascontiguousarray(ticks.pose[:, :actors][here].T)
        kinds = layout.kind[row]
        objects = Objects(
            who + 1, kinds[who], x, y, yaw, vx, vy, layout.length[row, who], layout.width[row, who], np.ones(len(who))
        )
        contacts = tuple(
            Contact(
                tick,
                i + 1,
                int(kinds[i]),
                float(ticks.ego[tick, 0]),
                float(ticks.ego[tick, 1]),
                float(ticks.navigation[tick, 0]),
            )
            for tick, i in np.argwhere(ticks.touched[:, :actors]).tolist()
        )
        ego, way = ticks.ego.T, ticks.navigation.T
        # in the order of episode_log.COLUMNS
        columns = (ego[0], ego[1], ego[2], ego[3], ego[6], ego[7], ego[5], ego[8], way[0] - start, way[1], ego[9])
        return make_log(
            scenario,
            self._batch.step_s,
            ENDS[int(self._batch.state.end[row])],
            compiled.navigation.length,
            self._batch.vehicle.length,
            self._batch.vehicle.width,
            np.stack(columns),
            Traffic(objects, np.concatenate([[0], np.cumsum(here.sum(1))])),
            contacts,
            self._controls(row, controls, ticks),
        )

    def _controls(self, row: int, count: int, ticks: _Ticks) -> tuple[tuple[TrafficControl, ...], ...]:
        """The lights and signs of each tick, nearest first (``environment.controls_around``)."""
        layout, front = self._batch.layout, self._batch.vehicle.length / 2.0
        found: list[list[TrafficControl]] = [[] for _ in range(len(ticks.tick))]
        # (T, C) in the order of the definition, so that the bits are its own
        distances = layout.control_s[row, :count] - ticks.navigation[:, :1] - front
        for tick, i in np.argwhere((distances >= PASSED) & (distances <= VISIBLE)).tolist():
            found[tick].append(
                TrafficControl(
                    i + 1,
                    ControlKind(int(layout.control_kind[row, i])),
                    LightState(int(ticks.light_state[tick, i])),
                    float(layout.control_x[row, i]),
                    float(layout.control_y[row, i]),
                    float(layout.control_yaw[row, i]),
                    float(distances[tick, i]),
                )
            )
        return tuple(tuple(sorted(one, key=lambda control: control.distance)) for one in found)

    def _fits(self) -> bool:
        """Whether the last block is as wide as the batch is now."""
        state = self._batch.state
        return bool(self._blocks) and all(
            noted.shape[1:] == getattr(state, name).shape for name, noted in self._blocks[-1]._asdict().items()
        )

    @property
    def _now(self) -> int:
        """Number of the newest tick; numbers count whole blocks, however much of them is used."""
        return (self._first + len(self._blocks) - 1) * BLOCK + self._used - 1

    def _of(self, row: int) -> _Ticks:
        """The ticks of the episode in environment ``row``."""
        begun = self._begun[row]
        actors, controls = self._batch.layout.actor_count[row], self._batch.layout.control_count[row]
        pieces = []
        for number, block in enumerate(self._blocks, self._first):
            low = begun - number * BLOCK
            if low >= BLOCK:
                continue
            last = BLOCK if number < self._first + len(self._blocks) - 1 else self._used
            cut = slice(max(low, 0), last)
            pieces.append(
                _Ticks(
                    block.tick[cut, row],
                    block.ego[cut, row],
                    block.navigation[cut, row],
                    block.pose[cut, row, :actors],
                    block.gone[cut, row, :actors],
                    block.touched[cut, row, :actors],
                    block.light_state[cut, row, :controls],
                )
            )
        whole = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
        # what was over stayed as it was, and what is left of a block that became too narrow is empty
        moved = np.concatenate([[True], whole[0][1:] > np.maximum.accumulate(whole[0])[:-1]])
        return _Ticks(*(values[moved] for values in whole))

    def _forget(self) -> None:
        """Drop the blocks that no unfinished episode needs."""
        oldest = min(self._begun.values(), default=self._now) // BLOCK
        drop = max(min(oldest - self._first, len(self._blocks) - 1), 0)
        self._blocks, self._first = self._blocks[drop:], self._first + drop


def _room(state: State) -> _Ticks:
    return _Ticks(*(np.zeros((BLOCK, *getattr(state, name).shape), kind) for name, kind in _NOTED.items()))
