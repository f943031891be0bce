"""A simulator as a node: applies the last command, steps, publishes the scene."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.messages import interfaces
from takead_ros.nodes.commands import CommandInput
from takead_ros.nodes.diagnostics import Level, Part
from takead_ros.nodes.episodes import Episodes, OneEpisode, repeating
from takead_ros.nodes.parameters import Declared
from takead_ros.nodes.settings import SimulatorParameters
from takead_ros.nodes.world_output import WorldOutput
from takead_ros.scenarios.suites import perception_of
from takead_ros.simulators import Episode
from takead_ros.simulators.perception import load_perception, perception


class SimulatorNode:
    """Subscribes ``command``; publishes ``scene`` in every period (before it ``scene/truth``, where what is perceived
    is not the truth), ``episode`` at each start, ``/diagnostics`` every second, and ``/clock``.

    ``episode``, where given, is driven to its end, once; else the scenarios of the suite one after another, for ever.
    While a drive is scored and the next world is built, the last scene is repeated with ``real_time``, for the arbiter
    would take silence for a lost scene; else no time passes meanwhile. Parameters: ``SimulatorParameters``. Raises
    TakeadError for one that does not fit.
    """

    NAME = "simulator_node"

    def __init__(self, node: NodeHandle, steady: Clock, episode: Episode | None = None) -> None:
        self._steady, self._logger = steady, node.get_logger()
        p = self._parameters = Declared(node, self.NAME, SimulatorParameters).value
        self._step_ns = round(p.period_s * SECOND)
        self._command = CommandInput()
        self._waiting_since = 0
        self._going, self._fault = False, ""
        self._perceives = load_perception(p.perception or perception_of(p.suite))
        self._output = WorldOutput(node, p, self._perceives.truthful)
        self._world = Episodes(node, p) if episode is None else OneEpisode(episode, p.simulator)
        self._begin()
        wiring.subscription(node, interfaces.COMMAND, self._on_command)
        node.create_timer(self._step_ns / SECOND, self._on_timer, clock=steady)

    def close(self) -> None:
        """Gives the engine back where the node made it."""
        self._world.close()

    def _begin(self) -> None:
        """An episode is there; the first command of a driver, whoever it is, sets it going."""
        scenario, step_s = self._world.episode.scenario, self._world.episode.step_s
        if round(step_s * SECOND) != self._step_ns:
            raise TakeadError(
                f"{self.NAME}: parameter 'period_s' = {self._parameters.period_s:g}, expected {step_s:g} for "
                f"scenario {scenario.family}, which has a period of its own"
            )
        self._perception = perception(self._perceives, scenario, step_s)
        self._command.forget()
        self._going = False
        self._waiting_since = self._steady.now().nanoseconds
        self._world.begin(self._waiting_since)
        self._output.begin(scenario, self._world.simulator)

    def _on_command(self, msg: Any) -> None:
        try:
            self._command.take(msg, self._steady.now().nanoseconds)
        except TakeadError as error:
            self._logger.error(f"command dropped: {error}")

    def _on_timer(self) -> None:
        now, driven = self._steady.now().nanoseconds, self._command.driven
        if self._world.finished:
            return
        if self._world.episode.done:
            if self._world.over(now, driven):
                apart = self._parameters.real_time
                with repeating(self._output.repeat, self._step_ns / SECOND) if apart else nullcontext():
                    self._world.advance()
                self._begin()
        elif self._going or driven or now - self._waiting_since > self._parameters.wait_for_driver_s * SECOND:
            self._going = True
            self._drive(now)
        else:
            self._world.waiting(now)
        truth = self._world.episode.observe(0)
        self._output.show(truth, self._perception.perceive(truth))
        if self._output.report_due:
            self._report()

    def _drive(self, now: int) -> None:
        """One step with the last command, or braking with the wheel held where there is none that is fresh."""
        silence, command = self._command.silence(now, self._parameters.max_command_age_s), self._command.value
        if silence or command is None:
            fault = f"{silence}: braking to a stop"
            if fault != self._fault:
                self._logger.warning(fault)
            self._fault = fault
            self._world.episode.step(self._command.steering_angle, -self._parameters.stopping_mps2)
        else:
            self._fault = ""
            self._world.episode.step(command.steering_angle, command.acceleration)

    def _report(self) -> None:
        episode = self._world.episode
        command = self._command.value
        if self._fault:
            level, message = Level.WARN, self._fault
        elif self._going and command is not None and not self._command.driven:
            level, message = Level.WARN, f"nobody drives ({command.longitudinal.name}): {command.reason}"
        else:
            level, message = Level.OK, "driving" if self._going else "waiting for a driver"
        values = {
            "family": episode.scenario.family,
            "seed": episode.scenario.seed,
            "episode_time_s": f"{episode.time_s:.2f}",
        }
        self._output.report(Part("world", level, message, values))
