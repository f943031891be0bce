"""One episode: all nodes in a lockstep host, from the scenario's start to its end, scored."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from takead_ros import scenarios
from takead_ros.domain.driving import EventKind, Source, TakeoverEvent
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.lockstep import LockstepHost
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.messages import convert, interfaces
from takead_ros.nodes.arbiter_node import ArbiterNode
from takead_ros.nodes.configuration import NODES
from takead_ros.nodes.expert_node import ExpertNode
from takead_ros.nodes.monitor_node import MonitorNode
from takead_ros.nodes.parameters import plain
from takead_ros.nodes.policy_node import PolicyNode
from takead_ros.nodes.recorder_node import RecorderNode
from takead_ros.nodes.simulator_node import SimulatorNode
from takead_ros.policy.model import Policy, load_model
from takead_ros.recording.clip_folders import NOT_CLIPS
from takead_ros.runs.results import EpisodeResult
from takead_ros.simulators import SIMULATOR, Episode, Simulator, open_simulator

# what the recorder, and `takead clips show`, put into the folder of a bag
BAG_FILES = ("metadata.yaml", "manifest.json", "manifest.json.part", "metadata.yaml.part", "timeline.png")
EXPERT = "expert"  # in place of a model: the rule-based expert drives
Watch = Callable[[LockstepHost], None]
Value = bool | int | float | str | tuple[str, ...]
NodeParameters = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True)
class EpisodeSpec:
    """One episode to drive.

    model: path of an ONNX policy, or ``expert``. takeovers: whether the expert may take over (its clips are recorded
    when ``bags`` names a folder). record: a clip for each takeover, or the whole episode in one bag. simulator: a key
    of ``simulators.SIMULATORS``. parameters: of the nodes, by node and name, checked (``load_configuration``).
    until_s: s after which the drive is left unfinished (None: it is driven to its end).
    """

    suite: str
    family: str
    seed: int
    model: str
    takeovers: bool
    bags: str | None = None
    record: Literal["clips", "all"] = "clips"
    simulator: str = SIMULATOR
    parameters: NodeParameters = field(default_factory=dict)
    until_s: float | None = None

    @property
    def driver(self) -> str:
        """Who drives, for people and for keys: ``expert``, ``alone`` or ``assisted``."""
        return EXPERT if self.model == EXPERT else "assisted" if self.takeovers else "alone"

    @property
    def key(self) -> str:
        return f"{self.driver}/{self.family}/{self.seed}"

    @property
    def folder(self) -> Path | None:
        """Where this episode's bags lie."""
        return Path(self.bags) / f"{self.family}-{self.seed}" if self.bags else None


class EpisodeRunner:
    """Drives episodes one after another; its simulator and loaded models are kept from one to the next.

    ``simulator``: drives everything in this one, whatever an episode asks for.
    """

    def __init__(self, simulator: Simulator | None = None) -> None:
        self._given, self._simulator, self._open_name = simulator is not None, simulator, ""
        self._policies: dict[str, Policy] = {}

    def run(self, spec: EpisodeSpec, watch: Watch | None = None) -> EpisodeResult:
        """Drive ``spec``. ``watch`` may add nodes of its own before it starts.

        Bags that an earlier, unfinished drive of this episode left are replaced. Raises TakeadError for a model that
        cannot be used, a scenario that there is none of, or a folder with anything but bags in it.
        """
        scenario = scenarios.build(spec.family, spec.seed)
        policy = None if spec.model == EXPERT else self._policy(spec.model)
        if spec.folder is not None:
            _remove_bags(spec.folder)
        simulator = self._open(spec.simulator)
        episode = simulator.reset(scenario)
        log, clips = drive_episode(spec, simulator.name, episode, policy, watch)
        try:
            return EpisodeResult(
                **vars(score_episode(log, spec.suite)),
                triggers=tuple(e.trigger.name.lower() for e in log.events if e.kind is EventKind.START),
                driver=spec.driver,
                clips=tuple(str(clip.relative_to(spec.bags)) for clip in clips) if spec.bags else (),
                verdict=episode.verdict(),
            )
        except ValidationError as problem:
            first = problem.errors(include_url=False)[0]
            raise TakeadError(
                f"episode {spec.key}: {first['loc'][0]} = {first['input']!r}; expected a finite measure"
            ) from problem

    def close(self) -> None:
        """Give the simulator back."""
        if self._simulator is not None:
            self._simulator.close()
            self._simulator = None

    def _open(self, name: str) -> Simulator:
        """The simulator that was given, or the one of this name, in place of another."""
        if self._simulator is None or not (self._given or name == self._open_name):
            self.close()
            self._simulator, self._open_name = open_simulator(name), name
        return self._simulator

    def _policy(self, model: str) -> Policy:
        if model not in self._policies:
            self._policies[model] = load_model(Path(model))
        return self._policies[model]


def _remove_bags(folder: Path) -> None:
    """Remove the bags in ``folder``, file by file, and nothing else: TakeadError names what no recording made."""
    if folder.is_symlink():
        raise TakeadError(f"'{folder}' is a link, and this episode has to be recorded anew there; expected a folder")
    files = sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    for path in files:
        made = path.name in BAG_FILES or (path.suffix == ".mcap" and _clip_of(path.parent) + "_0.mcap" == path.name)
        if path.is_symlink() or not made or len(path.relative_to(folder).parts) != 2:
            raise TakeadError(
                f"'{path}' is no part of a recording, and this episode's folder has to be recorded anew; "
                "expected bags only (move it away)"
            )
    for path in files:
        path.unlink()
    for bag in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        bag.rmdir()


def _clip_of(bag: Path) -> str:
    """The name of the clip in the folder ``bag``, whatever has become of it."""
    name = bag.name
    for ending in NOT_CLIPS:
        name = name.removesuffix(ending)
    return name


class _Notes:
    """Who drove at each tick and what the arbiter decided, listened to as any node would."""

    def __init__(self, host: LockstepHost) -> None:
        self.last = (Source.NONE, Source.NONE)
        self.events: list[TakeoverEvent] = []
        node = host.create_node("episode")
        wiring.subscription(node, interfaces.COMMAND, self._on_command)
        wiring.subscription(node, interfaces.EVENT, self._on_event)

    def _on_command(self, msg: Any) -> None:
        self.last = (Source(msg.lateral_source), Source(msg.longitudinal_source))

    def _on_event(self, msg: Any) -> None:
        self.events.append(convert.event_from_msg(msg))


class EpisodeDrive:
    """The nodes that drive ``episode``, in a lockstep host; ``advance`` takes them one step on.

    ``policy``: None where the expert drives. The order of creation is the order in a tick (docs/design.md).
    """

    def __init__(
        self, spec: EpisodeSpec, simulator: str, episode: Episode, policy: Policy | None, watch: Watch | None
    ) -> None:
        self._spec, self._episode = spec, episode
        self._host = host = LockstepHost()
        parameters: dict[str, dict[str, Any]] = {}  # every parameter of every node, for the clips

        def create(kind: Any, decided: Mapping[str, Any], *more: Any) -> Any:
            overrides = _overrides(kind.NAME, spec.parameters.get(kind.NAME, {}), decided)
            handle = host.create_node(kind.NAME, parameter_overrides=overrides)
            node = kind(handle, host.steady, *more)
            if handle.undeclared_overrides():
                raise TakeadError(f"{kind.NAME}: no such parameter {handle.undeclared_overrides()}")
            parameters[kind.NAME] = {name: entry.value for name, entry in handle.get_parameters_by_prefix("").items()}
            return node

        create(SimulatorNode, {"period_s": episode.step_s, "suite": spec.suite, "simulator": simulator}, episode)
        if policy is not None:
            create(PolicyNode, {}, policy)
        if policy is None or spec.takeovers:
            create(ExpertNode, {})
        if policy is not None and spec.takeovers:
            create(MonitorNode, {})
        drivers = [EXPERT] if policy is None else ["policy", EXPERT] if spec.takeovers else ["policy"]
        create(ArbiterNode, {"drivers": drivers, "auto_engage": True, "supervised": spec.takeovers, "goal_stop": False})
        self._recorder = (
            create(RecorderNode, _recording(spec, simulator, episode, policy, parameters))
            if spec.folder is not None
            else None
        )
        self._notes = _Notes(host)
        if watch is not None:
            watch(host)
        self._sources = [self._notes.last]
        self._step_ns = round(episode.step_s * SECOND)

    def advance(self) -> None:
        """One step of the episode, and of every node."""
        acting, before = self._notes.last, self._episode.time_s
        self._host.advance(self._step_ns)
        if self._episode.time_s > before:
            self._sources.append(acting)

    def close(self) -> None:
        """End the recording."""
        if self._recorder is not None:
            self._recorder.close()

    def outcome(self) -> tuple[EpisodeLog, list[Path]]:
        """The episode so far, and its clips. Raises TakeadError where those could not be written."""
        if self._recorder is not None and self._recorder.failed:
            raise TakeadError(
                f"recording {self._spec.key}: {self._recorder.failed}; expected space for its clips "
                f"(save what is there with: takead clips recover {self._spec.folder})"
            )
        log = replace(self._episode.outcome(), sources=tuple(self._sources), events=tuple(self._notes.events))
        return log, self._recorder.clips if self._recorder is not None else []


def drive_episode(
    spec: EpisodeSpec, simulator: str, episode: Episode, policy: Policy | None, watch: Watch | None
) -> tuple[EpisodeLog, list[Path]]:
    """Drive ``episode`` until it is over, or ``spec`` leaves it; its log and the clips (see ``EpisodeDrive``)."""
    drive = EpisodeDrive(spec, simulator, episode, policy, watch)
    end_s = math.inf if spec.until_s is None else spec.until_s
    try:
        while not episode.done and episode.time_s < end_s:
            drive.advance()
    finally:
        drive.close()
    return drive.outcome()


def _overrides(node: str, from_user: Mapping[str, Value], from_run: Mapping[str, Any]) -> dict[str, Any]:
    """What ``node`` is created with: what the user asked for, and what the run has decided.

    A default that a copied file repeats gives way. Raises TakeadError where another value was asked for.
    """
    fields = NODES[node].model_fields
    for name in from_user.keys() & from_run.keys():
        if plain(from_user[name]) not in (from_run[name], plain(fields[name].default)):
            raise TakeadError(
                f"{node}: parameter '{name}' = {from_user[name]!r}: this run decides it ({from_run[name]!r}); "
                "expected it left out"
            )
    return {**{name: plain(value) for name, value in from_user.items()}, **from_run}


def _recording(
    spec: EpisodeSpec, simulator: str, episode: Episode, policy: Policy | None, parameters: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The recorder's parameters: where, what, and everything needed to rebuild the episode."""
    return {
        "directory": str(spec.folder),
        "mode": spec.record,
        "scene_period_s": episode.step_s,
        "wait_for_disk": True,
        "model_sha256": policy.sha256 if policy is not None else "",
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "provenance": json.dumps(
            {"driver": spec.driver, "simulator": simulator, "nodes": parameters}, default=list, allow_nan=False
        ),
    }
