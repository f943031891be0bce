"""What a simulated world says at each moment: ``/clock``, ``scene/truth``, ``scene``, ``episode`` and diagnostics."""

from __future__ import annotations

from dataclasses import replace

from takead_ros.domain.episode import EpisodeIdentity
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import NodeHandle
from takead_ros.maps.roads import OpenDriveMap
from takead_ros.messages import interfaces, types
from takead_ros.messages.convert import SceneConverter, episode_to_msg
from takead_ros.messages.fields import time_to_msg
from takead_ros.nodes.diagnostics import Diagnostics, Part
from takead_ros.nodes.settings import SimulatorParameters
from takead_ros.scenarios.spec import Scenario


class WorldOutput:
    """Counts the moments of the world and stamps what it says with them: in simulated time where the node publishes
    ``/clock``, else by the node's clock. truthful: what is perceived is the truth, and ``scene/truth`` is not said."""

    def __init__(self, node: NodeHandle, parameters: SimulatorParameters, truthful: bool) -> None:
        self._clock, self._suite = node.get_clock(), parameters.suite
        self._step_ns = round(parameters.period_s * SECOND)
        self._moments = 0
        self._converter = SceneConverter()
        self._truth: Scene | None = None
        self._perceived: Scene | None = None
        self._episodes = wiring.publisher(node, interfaces.EPISODE)
        self._scene = wiring.publisher(node, interfaces.SCENE)
        self._true_scene = None if truthful else wiring.publisher(node, interfaces.SCENE_TRUTH)
        self._diagnostics = Diagnostics(node)
        self._time = wiring.publisher(node, interfaces.CLOCK) if parameters.publish_clock else None

    @property
    def report_due(self) -> bool:
        """Whether a whole second has passed since diagnostics were due last."""
        return self._moments % round(SECOND / self._step_ns) == 0

    def begin(self, scenario: Scenario, simulator: str) -> None:
        """Say which episode begins, in which simulator."""
        town = scenario.roads.name if isinstance(scenario.roads, OpenDriveMap) else ""
        family, seed = scenario.family, scenario.seed
        identity = EpisodeIdentity(self._stamp(), self._suite, family, seed, "", town, simulator)
        self._episodes.publish(episode_to_msg(identity))

    def show(self, truth: Scene, perceived: Scene) -> None:
        """The next moment of the clock, and the world at it."""
        self._truth, self._perceived = truth, perceived
        self.repeat()

    def repeat(self) -> None:
        """The next moment of the clock, and the world as it was last shown."""
        self._moments += 1
        stamp = self._stamp()
        if self._time is not None:
            self._time.publish(types.Clock(clock=time_to_msg(stamp)))
        if self._truth is not None and self._true_scene is not None:
            self._true_scene.publish(self._converter.to_msg(replace(self._truth, stamp=stamp)))
        if self._perceived is not None:
            self._scene.publish(self._converter.to_msg(replace(self._perceived, stamp=stamp)))

    def report(self, part: Part) -> None:
        """Say how the node fares."""
        self._diagnostics.publish(self._stamp(), part)

    def _stamp(self) -> int:
        return self._moments * self._step_ns if self._time is not None else int(self._clock.now().nanoseconds)
