"""A drive of a scenario that was recorded elsewhere, such as through a bridge, as the log that the measures take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from takead_ros.domain.driving import Source, TakeoverEvent
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import box_corners
from takead_ros.domain.scene import Scene
from takead_ros.domain.units import SECOND
from takead_ros.maps.lanemap import LaneMap
from takead_ros.maps.navigation import navigate
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.messages import codec, convert, interfaces
from takead_ros.recording import bag
from takead_ros.recording.driven import Tick, driven
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.ending import EndRules
from takead_ros.simulators.episode_recorder import EpisodeRecorder
from takead_ros.simulators.layout import lay_out


class FollowedRoute:
    """One drive of ``scenario``, scene by scene at ``step_s`` s: where it is on the scenario's own route, and its end.

    ``shift_s``: s that the scenario had gone on before the first scene.
    """

    def __init__(self, scenario: Scenario, step_s: float, shift_s: float = 0.0) -> None:
        lanes, self.scenario = lay_out(scenario)
        told = self.scenario
        self._lane_map = LaneMap(lanes, None if told.limits else told.speed_limit)
        self.navigation = navigate(self._lane_map, told.route, told.start, told.goal, told.speed_limit)
        self._recorder = EpisodeRecorder(told, step_s)
        self._step_s, self._shift_s, self._ticks = step_s, shift_s, 0
        self._rules: EndRules | None = None
        self.end = End.RUNNING

    def take(self, scene: Scene) -> End:
        """The next scene; how the drive has ended with it, by the rules of every simulator here."""
        ego = scene.ego
        self.navigation.update(ego.x, ego.y, ego.yaw)
        if self._rules is None:
            self._rules = EndRules(self.scenario.time_limit, self._step_s, ego.x, ego.y)
        else:
            self._recorder.find_contacts(ego, scene.objects, self.navigation.s)
            self._ticks += 1
            time_s = self._shift_s + self._ticks * self._step_s
            self.end = self._rules.check(ego, self.navigation, time_s)
        corners = box_corners(ego.x, ego.y, ego.yaw, ego.length, ego.width)  # type: ignore[arg-type]
        off_road = float(self._lane_map.beyond(corners).max())
        self._recorder.record(ego, self.navigation, off_road, scene.objects, scene.controls)
        return self.end

    def log(self) -> EpisodeLog:
        """The drive so far."""
        return self._recorder.log(self.end)


@dataclass(frozen=True)
class MeasuredBag:
    """log: of the drive up to its end. missing: ticks without a scene of their own, in which the one before holds."""

    log: EpisodeLog
    missing: int


def recorded_drive(path: Path, scenario: Scenario, step_s: float, began_s: float | None = None) -> MeasuredBag:
    """The bag ``path`` of a whole drive of ``scenario``, which began at ``began_s`` of simulated time (None: with the
    first scene). Raises TakeadError for one that cannot be read.

    What the measures take of the world is what the scenes showed: who never was in a scene is not counted.
    """
    ticks = driven(path).ticks
    followed = FollowedRoute(scenario, step_s, 0.0 if began_s is None else ticks[0].stamp / SECOND - began_s)
    sources: list[tuple[Source, Source]] = []
    missing, before = 0, (Source.NONE, Source.NONE)
    for scene, command, lost in _evenly(ticks, step_s, path):
        missing += lost
        sources.append(before)  # who led to this scene
        if followed.take(scene) is not End.RUNNING:
            break
        before = command
    log = replace(followed.log(), sources=tuple(sources), events=_events(path))
    return MeasuredBag(log, missing)


def _evenly(ticks: list[Tick], step_s: float, path: Path) -> list[tuple[Scene, tuple[Source, Source], int]]:
    """A scene for each step, who was in command after it, and 1 where it is the one before once more."""
    step_ns, rows = round(step_s * SECOND), []
    for i, tick in enumerate(ticks):
        command = tick.command
        sources = (Source.NONE, Source.NONE) if command is None else (command.lateral, command.longitudinal)
        count = round((ticks[i + 1].stamp - tick.stamp) / step_ns) if i + 1 < len(ticks) else 1
        if count < 1:
            raise TakeadError(f"bag '{path}': scenes less than {step_s} s apart; expected one a step")
        rows += [(tick.world, sources, int(again > 0)) for again in range(count)]
    return rows


def _events(path: Path) -> tuple[TakeoverEvent, ...]:
    return tuple(
        convert.event_from_msg(codec.deserialize(message.data, interfaces.EVENT.type))
        for message in bag.read(path)
        if interfaces.find_interface(message.topic, message.type) is interfaces.EVENT
    )
