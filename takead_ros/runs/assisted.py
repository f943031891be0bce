"""Many episodes at once in the vector world, the policy at the wheel and the expert ready to take over.

The stack's assisted pass without its messages: in every tick of an environment its scene, the answers of policy and
expert where they are due, the monitor's word and the arbiter's step, by the very cores that the nodes call. What the
recorder would have put into clips comes as frames. What is left of difference is in docs/vector_world.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from takead_ros.domain.driving import (
    ArbiterMode,
    DriveCommand,
    DriverOutput,
    DriverStatus,
    Source,
    TakeoverEvent,
    TakeoverRequest,
    Trigger,
)
from takead_ros.domain.perception import PerceptionSettings, noise_of
from takead_ros.domain.scene import FloatArray, Scene
from takead_ros.expert.memory import Memory
from takead_ros.expert.planner import plan_batch
from takead_ros.measures.episode_log import EpisodeLog
from takead_ros.nodes.monitor_node import HEARTBEAT_NS
from takead_ros.policy.decide import Answers, Decider
from takead_ros.policy.model import Policy
from takead_ros.policy.route_frame import route_frame
from takead_ros.policy.vocabulary import plans_from_profiles
from takead_ros.recording.clip import Label
from takead_ros.recording.reader import Frame
from takead_ros.recording.windows import Window, Windows
from takead_ros.runs.batched import due_now
from takead_ros.runs.thresholds import Thresholds
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.perception import chance_seed
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario
from takead_ros.simulators.vector.observe import TRUTH, Observer
from takead_ros.simulators.vector.perceive import Perceiver
from takead_ros.simulators.vector.scenes import Scenes, perceived
from takead_ros.simulators.vector.simulator import on_lanes
from takead_ros.simulators.vector.tape import Tape
from takead_ros.takeover.arbiter import step
from takead_ros.takeover.inputs import Inputs, Now, Received
from takead_ros.takeover.memory import ArbiterMemory
from takead_ros.takeover.triggers import MonitorState, evaluate_triggers

_NOBODY = (Source.NONE, Source.NONE)


@dataclass(frozen=True)
class Assisted:
    """An episode: its place among the scenarios, its log with events and who drove, and the frames of its clips."""

    place: int
    log: EpisodeLog
    clips: tuple[Window[Frame], ...]


@dataclass(frozen=True)
class _Moment:
    """A frame as long as nobody asks for it; ``profiles``: the policy's candidates, None where it did not answer."""

    stamp: int
    scene: Scene
    truth: Scene | None
    policy: DriverOutput
    profiles: FloatArray | None
    expert: DriverOutput
    command: DriveCommand
    mode: ArbiterMode

    def frame(self, label: Label) -> Frame:
        policy = self.policy
        if self.profiles is not None:
            ego = self.scene.ego
            candidates, _, _ = plans_from_profiles(self.profiles, ego.speed, route_frame(self.scene))
            policy = replace(policy, candidates=candidates)
        return Frame(self.stamp, self.scene, policy, self.expert, self.command, label, self.mode, self.truth)


@dataclass
class _Seat:
    """What is driven in one environment, and what those who drive there remember."""

    place: int
    compiled: CompiledScenario
    rules: Thresholds
    expert: Memory = field(default_factory=Memory)
    monitor: MonitorState = field(default_factory=MonitorState)
    arbiter: ArbiterMemory = field(default_factory=ArbiterMemory)
    answers: tuple[Received[DriverOutput] | None, Received[DriverOutput] | None] = (None, None)  # policy, expert
    request: Received[TakeoverRequest] | None = None
    events: list[TakeoverEvent] = field(default_factory=list)
    sources: list[tuple[Source, Source]] = field(default_factory=lambda: [_NOBODY])
    windows: Windows[_Moment] = field(default_factory=Windows)
    clips: list[Window[Frame]] = field(default_factory=list)

    def decide(self, scene: Scene) -> tuple[DriveCommand, list[TakeoverEvent]]:
        """The command of this tick, and what the arbiter decided."""
        stamp = scene.stamp
        policy, expert = self.answers
        outputs = (policy.value if policy else None, expert.value if expert else None)
        asks, self.monitor = evaluate_triggers(scene, *outputs, self.monitor, self.rules.monitor)
        said, last = self.request, self.request.value if self.request else None
        asking, asked = asks.trigger is not Trigger.NONE, last is not None and last.trigger is not Trigger.NONE
        if said is None or asking or asked or not 0 <= stamp - said.stamp < HEARTBEAT_NS:
            self.request = Received(asks, stamp, stamp)
        inputs = Inputs(Received(scene, stamp, stamp), policy, expert, None, self.request)
        self.arbiter, command, events = step(self.arbiter, inputs, Now(stamp, stamp), self.rules.arbiter)
        self.events += events
        self.sources.append((command.lateral, command.longitudinal))
        return command, events

    def keep(self, window: Window[_Moment] | None) -> None:
        if window is not None:
            frames = tuple(one.frame(label) for one, label in zip(window.moments, window.labels, strict=True))
            self.clips.append(Window(window.start, window.end, frames, window.labels, window.events))


def drive_assisted(
    policy: Policy,
    scenarios: Sequence[Scenario],
    count: int = 64,
    perception: PerceptionSettings | None = None,
    record: bool = False,
    rules: Thresholds | None = None,
) -> Iterator[Assisted]:
    """Drive ``scenarios`` with ``policy`` and takeovers, up to ``count`` at a time; yields each as it ends.

    ``perception``: what the vehicle sees of the objects around it, as in the stack (None: the truth); the expert sees
    the truth, unless ``rules`` (the nodes' parameters; None: the defaults) say otherwise. ``record``: with the frames
    of clips. Raises TakeadError for a policy of a format that cannot be driven
    so.
    """
    rules = rules or Thresholds()
    batch = Batch(min(count, max(len(scenarios), 1)))
    observer, tape, decider, scenes = Observer(batch), Tape(batch), Decider(policy), Scenes(batch)
    perceiver = None
    if perception is not None and not perception.truthful:
        perceiver = Perceiver(batch, noise_of(perception, batch.step_s))
    seats: dict[int, _Seat] = {}
    free, waiting = list(range(batch.count)), iter(range(len(scenarios)))
    commands, step_ns = np.zeros((batch.count, 2)), round(batch.step_s * 1e9)
    while True:
        over = batch.done
        for row in [row for row in seats if over[row]]:
            seat = seats.pop(row)
            seat.keep(seat.windows.finish(int(batch.state.tick[row]) * step_ns))
            log = replace(tape.take(row, seat.compiled), sources=tuple(seat.sources), events=tuple(seat.events))
            yield Assisted(seat.place, log, tuple(seat.clips))
            free.append(row)
        while free and (place := next(waiting, -1)) >= 0:
            row, compiled = free.pop(), compile_scenario(*on_lanes(scenarios[place]))
            batch.reset([row], [compiled])
            tape.begin(row)
            scenes.begin(row, compiled)
            if perceiver:
                perceiver.begin(row, chance_seed(scenarios[place]))
                perceiver.step(np.array([row]))
            seats[row] = _Seat(place, compiled, rules)
        if not seats:
            return
        rows = np.array(sorted(seats))
        scenes.look(rows)
        ticks = batch.state.tick[rows]
        stamps = {row: (tick + 1) * step_ns for row, tick in zip(rows.tolist(), ticks.tolist(), strict=True)}
        truths = {row: scenes.scene(row, stamp) for row, stamp in stamps.items()}
        shown = {row: perceived(one, perceiver.seen, row) for row, one in truths.items()} if perceiver else truths
        due, answers = rows[due_now(ticks)], None
        if len(due):
            seen = observer.observe(due, perceiver.seen if perceiver else TRUTH)
            answers = decider.answer(seen.encoded, seen.frames, seen.motions, seen.sound)
            told = truths if rules.expert.expert_sees == "truth" else shown
            _answer(due, seats, told, answers, seen.sound, policy, rules)
        places = {int(row): b for b, row in enumerate(due)}
        for row, seat in seats.items():
            scene, stamp = shown[row], stamps[row]
            command, events = seat.decide(scene)
            commands[row] = command.steering_angle, command.acceleration
            if record:
                moment = None
                if answers is not None and row in places:
                    truth = truths[row] if perceiver else None
                    moment = _moment(seat, scene, truth, answers.profiles(places[row]), command)
                seat.keep(seat.windows.take(stamp, moment, events))
        batch.step(commands)
        tape.note()
        if perceiver:
            over = batch.done
            perceiver.step(np.array([row for row in sorted(seats) if not over[row]], dtype=np.int64))


def _answer(
    due: np.ndarray,
    seats: dict[int, _Seat],
    expert_scenes: dict[int, Scene],
    answers: Answers,
    sound: np.ndarray,
    policy: Policy,
    rules: Thresholds,
) -> None:
    """Let policy and expert answer in the environments ``due``; the expert is shown ``expert_scenes``."""
    rows = due.tolist()
    scenes = [expert_scenes[row] for row in rows]
    experts, memories = plan_batch(scenes, [seats[row].expert for row in rows], rules.expert)
    for b, (row, scene, expert, memory) in enumerate(zip(rows, scenes, experts, memories, strict=True)):
        stamp = scene.stamp
        if sound[b]:
            mine = answers.output(b, stamp, policy)
        else:
            text = "no observation, or no answer that can be meant"
            mine = DriverOutput.failed(stamp, "policy", DriverStatus.ERROR, text, policy.sha256)
        seats[row].answers = Received(mine, stamp, stamp), Received(expert, stamp, stamp)
        seats[row].expert = memory


def _moment(
    seat: _Seat, scene: Scene, truth: Scene | None, profiles: FloatArray, command: DriveCommand
) -> _Moment | None:
    policy, expert = seat.answers
    if policy is None or expert is None:
        return None
    kept = profiles if policy.value.status is DriverStatus.OK else None
    mode = seat.arbiter.mode
    return _Moment(scene.stamp, scene, truth, policy.value, kept, expert.value, command, mode)
