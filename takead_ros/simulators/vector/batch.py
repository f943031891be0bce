"""Many environments stepped together, each independent of the others: results do not depend on how many there are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from takead_ros.compiled import prepare
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.simulators.vector import step
from takead_ros.simulators.vector.arrays import Widths, make_layout, make_map, make_state, put, widened
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario
from takead_ros.simulators.vector.ego import METADRIVE, SingleTrack


class Batch:
    """``count`` environments, empty until ``reset``. ``layout``, ``state`` and ``map`` may be read at any time, but not
    kept: a wider scenario makes them anew."""

    def __init__(self, count: int, vehicle: SingleTrack = METADRIVE) -> None:
        if count < 1:
            raise TakeadError(f"vector world: {count} environments, expected at least 1")
        prepare()
        self.count, self.vehicle = count, vehicle
        self._widths = Widths()
        self.layout, self.state = make_layout(count, self._widths), make_state(count, self._widths)
        self.map = make_map(count, self._widths)
        self.state.end[:] = step.TIME_LIMIT  # nothing to step yet
        self._boxes = np.zeros((self._widths.actors + 1, step.BOX))

    @property
    def step_s(self) -> float:
        """s of a tick."""
        return self.vehicle.physics_step * self.vehicle.substeps

    def reset(
        self, rows: Sequence[int], scenarios: Sequence[CompiledScenario], starts: FloatArray | None = None
    ) -> None:
        """Begin ``scenarios`` in the environments ``rows``; ``starts`` (R, 5) in place of their own (see
        CompiledScenario). The other environments go on untouched."""
        widths = self._widths
        for scenario in scenarios:
            widths = widths.including(scenario.widths)
        if widths != self._widths:
            self._widen(widths)
        for row, scenario in zip(rows, scenarios, strict=True):
            put(self.layout, row, scenario.rows)
            put(self.map, row, scenario.map)
        if starts is None:
            starts = np.array([scenario.start for scenario in scenarios])
        step.begin_all(self.layout, self.state, np.asarray(rows, np.int64), np.ascontiguousarray(starts), self.vehicle)

    def step(self, commands: FloatArray) -> None:
        """One tick of all environments that are not over. commands (N, 2): steering angle rad (positive left, cut at
        full lock), acceleration m/s^2 (cut to what the pedals give).

        Raises TakeadError, before anything moves, where a command is not finite or their number is another.
        """
        if commands.shape != (self.count, 2):
            raise TakeadError(f"vector world: commands of shape {commands.shape}, expected ({self.count}, 2)")
        sound = np.isfinite(commands).all(1) | (self.state.end != step.RUNNING)
        if not sound.all():
            row = int(np.argmin(sound))
            raise TakeadError(
                f"vector world: environment {row}: command ({commands[row, 0]} rad, {commands[row, 1]} m/s^2), "
                "expected finite numbers"
            )
        step.step_all(self.layout, self.state, commands, self._boxes, self.vehicle)

    @property
    def done(self) -> np.ndarray:
        """Which environments (N,) are over."""
        return np.asarray(self.state.end != step.RUNNING)

    def _widen(self, widths: Widths) -> None:
        layout, state = make_layout(self.count, widths), make_state(self.count, widths)
        widened(self.layout, layout)
        widened(self.state, state)
        wider = make_map(self.count, widths)
        widened(self.map, wider)
        self._widths, self.layout, self.state, self.map = widths, layout, state, wider
        self._boxes = np.zeros((widths.actors + 1, step.BOX))
