"""A simulator as a node: applies the last command, steps, publishes the scene."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.host import wiring
from takead_ros.host.api import Clock, NodeHandle
from takead_ros.maps.roads import OpenDriveMap
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import SceneConverter, episode_to_msg
from takead_ros.messages.fields import time_to_msg
from takead_ros.nodes.commands import CommandInput
from takead_ros.nodes.diagnostics import Diagnostics, Level, Part
from takead_ros.nodes.episodes import SECOND, Episodes, OneEpisode, repeating
from takead_ros.nodes.parameters import Declared
from takead_ros.nodes.settings import SimulatorParameters
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
        self._clock, self._steady, self._logger = node.get_clock(), steady, node.get_logger()
        p = self._parameters = Declared(node, self.NAME, SimulatorParameters).value
        self._step_ns = round(p.period_s * SECOND)
        self._converter, self._command = SceneConverter(), CommandInput()
        self._ticks = self._waiting_since = 0
        self._perceives = load_perception(p.perception or perception_of(p.suite))
        self._shown: Scene | None = None
        self._truth: Scene | None = None
        self._going, self._fault = False, ""
        self._episodes = wiring.publisher(node, interfaces.EPISODE)
        self._scene = wiring.publisher(node, interfaces.SCENE)
        truthful = self._perceives.truthful
        self._true_scene = None if truthful else wiring.publisher(node, interfaces.SCENE_TRUTH)
        self._diagnostics = Diagnostics(node)
        self._time = wiring.publisher(node, interfaces.CLOCK) if p.publish_clock else None
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
        town = scenario.roads.name if isinstance(scenario.roads, OpenDriveMap) else ""
        identity = EpisodeIdentity(
            self._stamp(), self._parameters.suite, scenario.family, scenario.seed, "", town, self._world.simulator
        )
        self._episodes.publish(episode_to_msg(identity))

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
                with repeating(self._publish, self._step_ns / SECOND) if apart else nullcontext():
                    self._world.advance()
                self._begin()
        elif self._going or driven or now - self._waiting_since > self._parameters.wait_for_driver_s * SECOND:
            self._going = True
            self._drive(now)
        else:
            self._world.waiting(now)
        truth = self._world.episode.observe(0)
        self._truth, self._shown = truth, self._perception.perceive(truth)
        self._publish()
        if self._ticks % round(SECOND / self._step_ns) == 0:
            self._report(self._stamp())

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

    def _stamp(self) -> int:
        simulated = self._parameters.publish_clock
        return self._ticks * self._step_ns if simulated else int(self._clock.now().nanoseconds)

    def _publish(self) -> None:
        """The next moment of the clock, and the world as it was last seen."""
        self._ticks += 1
        stamp = self._stamp()
        if self._time is not None:
            self._time.publish(types.Clock(clock=time_to_msg(stamp)))
        if self._truth is not None and self._true_scene is not None:
            self._true_scene.publish(self._converter.to_msg(replace(self._truth, stamp=stamp)))
        if self._shown is not None:
            self._scene.publish(self._converter.to_msg(replace(self._shown, stamp=stamp)))

    def _report(self, stamp: int) -> None:
        episode = self._world.episode
        message = self._fault or ("driving" if self._going else "waiting for a driver")
        values = {
            "family": episode.scenario.family,
            "seed": episode.scenario.seed,
            "episode_time_s": f"{episode.time_s:.2f}",
        }
        level = Level.WARN if self._fault else Level.OK
        self._diagnostics.publish(stamp, Part("world", level, message, values))
