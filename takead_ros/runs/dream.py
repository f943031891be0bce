"""A clip dreamed: somebody drives in the world that it holds, and what happens is held against what was recorded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from takead_ros.domain.driving import PLAN_DT, PLAN_STEPS, DriverOutput, DriverStatus, Plan
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import box_corners
from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import FloatArray, ObjectKind, Scene
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.messages import convert, interfaces
from takead_ros.policy.model import Policy, load_model
from takead_ros.policy.shipped import model_path, shipped_model
from takead_ros.prediction.model import RoadUserModel
from takead_ros.runs.episode import EXPERT, EpisodeSpec, drive_episode
from takead_ros.scenarios.suites import NONE, perception_of
from takead_ros.simulators.dream.clip_world import ClipWorld
from takead_ros.simulators.dream.episode import DreamEpisode
from takead_ros.simulators.episode_recorder import EpisodeRecorder

RECORDED = "recorded"  # in place of a model: the commands of the record
NAME = "dream"
ANNOUNCED_S = 0.1  # how often what recorded commands lead to is announced, as the nodes answer


@dataclass(frozen=True)
class Touch:
    """The ego came to touch road user ``id``, as the clip numbers it, of ``kind``, ``time_s`` s into the dream."""

    id: int
    kind: str
    time_s: float


@dataclass(frozen=True)
class Happened:
    """What came of one drive: where the ego was at its end (m, rad in ``map``; m/s), how far along the route it came
    (m), whom it touched, infractions with their times (s), ``penalty``: the product of their factors, the smallest time
    to collision (s; None: never within 3 s)."""

    x: float
    y: float
    yaw: float
    speed_mps: float
    progress_m: float
    contacts: tuple[Touch, ...]
    infractions: tuple[tuple[str, float], ...]
    penalty: float
    min_ttc_s: float | None


@dataclass(frozen=True)
class Dreamed:
    """One dream of ``clip``, and what was recorded for as long.

    at_s: where it begins, from ``event``. seconds: how long it lasted, which ended as ``end`` says. end_difference_m,
    largest_difference_m: between the ego's places, at the end and at any moment. notes: what a reader should know.
    """

    clip: str
    event: str
    takeover: int
    at_s: float
    seconds: float
    model: str
    model_sha256: str
    agents: str
    perception: str
    end: str
    end_difference_m: float
    largest_difference_m: float
    recorded: Happened
    dreamed: Happened
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DreamView:
    """A moment of a drive for pictures: ``time_s`` s into it, and what its driver would do."""

    time_s: float
    scene: Scene
    plan: Plan | None


class DreamDriver:
    """Who drives in a dream: a model, the expert, or the recorded commands. ``name`` for people."""

    def __init__(self, name: str, policy: Policy | None = None) -> None:
        self.name, self.policy = name, policy

    @property
    def sha256(self) -> str:
        """Of the model; empty where there is none."""
        return "" if self.policy is None else self.policy.sha256


def open_driver(model: str | None, world: ClipWorld) -> DreamDriver:
    """The driver that ``model`` names: a file, a shipped model, ``expert`` or ``recorded``; None: the model that the
    clip was recorded with, if it is a shipped one. Raises TakeadError where there is none such."""
    if model in (EXPERT, RECORDED):
        return DreamDriver(model)
    if model is not None:
        return DreamDriver(model, load_model(model_path(model)))
    sha256 = world.manifest.provenance.model_sha256
    path = shipped_model(sha256) if sha256 else None
    if path is None:
        by = f"model {sha256[:12]}, which is none of the shipped ones" if sha256 else "no model"
        raise TakeadError(
            f"clip '{world.clip}': recorded with {by}; expected --model FILE, {EXPERT} or {RECORDED} to say who drives"
        )
    return DreamDriver(path.stem, load_model(path))


def perception_in(world: ClipWorld) -> str:
    """What the clip's policy was shown of the truth: the simulator's setting as the manifest tells it; ``none`` where
    the scenes are all that there is."""
    nodes = world.manifest.provenance.parameters.get("nodes")
    told = nodes.get("simulator_node") if isinstance(nodes, dict) else None
    if not world.record.perceived or not isinstance(told, dict):
        return NONE
    return str(told.get("perception") or perception_of(str(told.get("suite", ""))))


def dream(
    world: ClipWorld,
    driver: DreamDriver,
    agents: str,
    perception: str = NONE,
    road_users: RoadUserModel | None = None,
) -> tuple[Dreamed, list[DreamView], list[DreamView]]:
    """Dream ``world``: what came of it, and both drives, recorded and dreamed, moment by moment. road_users: the model
    of learned agents, in place of the shipped one.

    Raises TakeadError for agents that there are none of, and where recorded commands are to drive that are not there.
    """
    episode = DreamEpisode(world, agents, road_users)
    if driver.name == RECORDED:
        views: list[DreamView] = []
        drive_recorded(world, episode, lambda: views.append(DreamView(episode.time_s, episode.observe(), None)))
        log = episode.outcome()
    else:
        log, views = _drive(driver, episode, perception)
    before, seen = _recorded(world, len(log.x), episode.step_s)
    apart = np.hypot(log.x - before.x, log.y - before.y)
    end = "as long as the record" if log.end is End.RUNNING else log.end.value.replace("_", " ")
    result = Dreamed(
        clip=str(world.clip),
        event=world.window.event,
        takeover=world.window.takeover,
        at_s=world.window.at_s,
        seconds=log.duration,
        model=driver.name,
        model_sha256=driver.sha256,
        agents=agents,
        perception=perception,
        end="the recorded map ends" if episode.at_map_end and log.end is End.RUNNING else end,
        end_difference_m=float(apart[-1]),
        largest_difference_m=float(apart.max()),
        recorded=_happened(before),
        dreamed=_happened(log, world.tracks.id.tolist()),
        notes=tuple(episode.notes),
    )
    return result, seen, views


def drive_recorded(world: ClipWorld, episode: DreamEpisode, look: Callable[[], None]) -> None:
    """Every step under the command that led to the next recorded scene; before the first one, as the ego moved. The
    commands of the next 4 s are announced every 0.1 s. ``look`` is called before each step, and at the end.

    Raises TakeadError where there are no commands.
    """
    if all(tick.command is None for tick in world.ticks):
        raise TakeadError(
            f"clip '{world.clip}': no messages on '.../command'; expected the commands that it was driven by"
        )
    commands = _commands(world, episode)
    ahead, every = round(PLAN_STEPS * PLAN_DT / episode.step_s), round(ANNOUNCED_S / episode.step_s)
    while not episode.done:
        k = round(episode.time_s / episode.step_s)
        if k % every == 0:
            episode.announce_commands(commands[k : k + ahead])
        look()
        episode.step(*(float(value) for value in commands[k]))
    look()


def _commands(world: ClipWorld, episode: DreamEpisode) -> FloatArray:
    """The command (T, 2) [rad, m/s^2] of every step, and of 4 s more, in which the last one is kept."""
    stamps, known, found = [tick.stamp for tick in world.ticks], None, []
    steps = round((world.window.seconds + PLAN_STEPS * PLAN_DT) / episode.step_s) + 1
    for k in range(steps):
        at = bisect_right(stamps, stamps[0] + round(k * episode.step_s * 1e9) + 1_000) - 1
        known = world.ticks[at].command or known
        if known is not None:
            found.append((known.steering_angle, known.acceleration))
        else:
            ego = world.ticks[min(at + 1, len(world.ticks) - 1)].world.ego
            found.append((ego.steering_angle, ego.acceleration))
    return np.array(found)


class _Audience:
    """Listens to what the nodes say while an episode is driven: the scenes, and what the driver answers, which the
    road users are told."""

    def __init__(self, episode: DreamEpisode, expert: bool) -> None:
        self._episode = episode
        self._output = interfaces.EXPERT_OUTPUT if expert else interfaces.POLICY_OUTPUT
        self._scenes: dict[float, Scene] = {}
        self._answers: dict[int, DriverOutput] = {}

    def watch(self, host: LockstepHost) -> None:
        """Add the node that listens."""
        node = host.create_node("audience")
        wiring.subscription(node, interfaces.SCENE, self._on_scene)
        wiring.subscription(node, self._output, self._on_output)

    def _on_scene(self, msg: Any) -> None:
        self._scenes[round(self._episode.time_s, 6)] = convert.scene_from_msg(msg)

    def _on_output(self, msg: Any) -> None:
        answer = convert.driver_from_msg(msg)
        self._answers[answer.stamp] = answer
        if answer.status is DriverStatus.OK:
            self._episode.announce(answer.plan)

    def views(self) -> list[DreamView]:
        """What was heard, moment by moment."""
        return [DreamView(time_s, scene, self._plan(scene.stamp)) for time_s, scene in sorted(self._scenes.items())]

    def _plan(self, stamp: int) -> Plan | None:
        answer = self._answers.get(stamp)
        return answer.plan if answer is not None and answer.status is DriverStatus.OK else None


def _drive(driver: DreamDriver, episode: DreamEpisode, perception: str) -> tuple[EpisodeLog, list[DreamView]]:
    """The nodes drive, nobody takes over."""
    audience = _Audience(episode, driver.policy is None)
    scenario = episode.scenario
    spec = EpisodeSpec(
        "",
        scenario.family,
        scenario.seed,
        driver.name,
        takeovers=False,
        simulator=NAME,
        parameters={"simulator_node": {"perception": perception}},
    )
    log, _ = drive_episode(spec, NAME, episode, driver.policy, audience.watch)
    return log, audience.views()


def _recorded(world: ClipWorld, count: int, step_s: float) -> tuple[EpisodeLog, list[DreamView]]:
    """The record at the ``count`` moments of a dream, measured as the dream is."""
    course, scenario = world.course, world.scenario
    base = course.navigation
    navigation = Navigation(base.path.points, base.commands, base.start, base.goal, base.speed_limit)
    recorder, views = EpisodeRecorder(scenario, step_s), []
    stamps = np.array([tick.stamp for tick in world.ticks])
    for k in range(count):
        row = int(np.abs(stamps - stamps[0] - round(k * step_s * 1e9)).argmin())
        scene = world.ticks[row].world
        ego, objects = scene.ego, scene.objects
        navigation.update(ego.x, ego.y, ego.yaw)
        if k:
            recorder.find_contacts(ego, objects, navigation.s)
        corners = box_corners(ego.x, ego.y, ego.yaw, ego.length, ego.width)  # type: ignore[arg-type]
        recorder.record(ego, navigation, float(course.lanes.beyond(corners).max()), objects, scene.controls)
        views.append(DreamView(k * step_s, replace(scene, polylines=world.record.polylines), None))
    return recorder.log(End.RUNNING), views


def _happened(log: EpisodeLog, ids: Sequence[int] | None = None) -> Happened:
    """``ids``: of the clip, by row, where the log's numbers are rows plus one."""
    scored = score_episode(log)
    touched = (
        Touch(
            contact.object_id if ids is None else ids[contact.object_id - 1],
            ObjectKind(contact.kind).name.lower(),
            contact.tick * log.step_s,
        )
        for contact in log.contacts
    )
    return Happened(
        x=float(log.x[-1]),
        y=float(log.y[-1]),
        yaw=float(log.yaw[-1]),
        speed_mps=float(log.speed[-1]),
        progress_m=float(log.route_s[-1] - log.route_s[0]),
        contacts=tuple(touched),
        infractions=tuple((one.kind, one.time) for one in scored.infractions),
        penalty=scored.penalty,
        min_ttc_s=scored.min_ttc,
    )


def same_contacts(result: Dreamed) -> bool:
    """Whether the ego touched the same road users in the dream as in the record."""
    return {touch.id for touch in result.dreamed.contacts} == {touch.id for touch in result.recorded.contacts}
