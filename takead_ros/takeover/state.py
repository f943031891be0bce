"""What the arbiter remembers between two ticks, and what it makes of the inputs before it decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from takead_ros.domain.driving import ArbiterMode, DriverOutput, Source, TakeoverRequest, Trigger
from takead_ros.domain.scene import Objects
from takead_ros.takeover import mrm
from takead_ros.takeover.inputs import SECOND, Inputs, Now, Track, Tracks
from takead_ros.takeover.parameters import ArbiterParameters

UNWATCHED = "unwatched"  # a policy whose monitor is lost may not drive: nobody would ask for the expert
ENGAGED = frozenset({ArbiterMode.POLICY, ArbiterMode.EXPERT, ArbiterMode.HUMAN, ArbiterMode.HANDBACK})
PUSH_MPS2 = 0.5  # a command of more than this sets a vehicle going
POSES_KEPT = 12  # ego poses of the last scenes, to place a plan made on one of them


@dataclass(frozen=True)
class Response:
    """Answer to engage or disengage: ``code`` for machines ("ok" when accepted), ``message`` for people."""

    accepted: bool
    code: str
    message: str


@dataclass(frozen=True)
class Takeover:
    """The takeover that is going on; ``number`` counts from 1."""

    number: int
    who: Source
    trigger: Trigger
    severity: float
    time_to_event: float | None


@dataclass(frozen=True)
class Grip:
    """The human's last touch of an axis: the value asked for and when (ns, steady; None: never)."""

    value: float = 0.0
    touched: int | None = None

    def within(self, now: Now, hold_s: float) -> bool:
        return self.touched is not None and now.steady - self.touched <= hold_s * SECOND


class State(NamedTuple):
    """Begin with ``State()``. ``last``: steering (rad) and acceleration (m/s^2) of the last command; ``started``: ns by
    the steady clock of the first tick; ``objects``: those of the last sound scene, ``looked``: when (ns, steady) that
    was; ``unmoved_since``: since when (ns, steady) the ego stands to the last digit while the command pushes it on.
    None: there was none yet, or it does not."""

    mode: ArbiterMode = ArbiterMode.DISENGAGED
    reason: str = "start"
    entered: Now | None = None
    tracks: Tracks = Tracks()
    tick: Now | None = None
    started: int | None = None
    last: tuple[float, float] | None = None
    motion: mrm.Motion | None = None
    poses: tuple[tuple[int, float, float, float], ...] = ()
    path: mrm.Path | None = None
    objects: Objects = Objects.empty()
    looked: int = 0
    unmoved_since: int | None = None
    wheel: Grip = Grip()
    pedals: Grip = Grip()
    agreed_since: int | None = None
    still_since: int | None = None
    takeover: Takeover | None = None
    takeovers: int = 0
    was_engaged: bool = False
    response: Response | None = None


@dataclass(frozen=True, eq=False)
class Facts:
    """What holds at this tick. A driver that may not drive now is None, and ``*_fault`` says why.

    ``wheel``, ``pedals``: a human holds that axis. ``human_lost``: he did when his heartbeat ended.
    """

    scene: bool
    policy: DriverOutput | None
    policy_fault: str
    expert: DriverOutput | None
    expert_fault: str
    wheel: bool
    pedals: bool
    human_lost: bool
    request: TakeoverRequest | None
    agreed: bool
    still: bool

    @property
    def human(self) -> bool:
        return self.wheel or self.pedals

    @property
    def automation(self) -> DriverOutput | None:
        """Who drives the axes that a human does not: the expert where one is asked for or needed, else the policy."""
        if self.expert is not None and (self.policy is None or self.request is not None):
            return self.expert
        return self.policy


def observe(state: State, inputs: Inputs, now: Now, dt: float, p: ArbiterParameters) -> State:
    """``state`` after looking at the inputs: messages screened, ego reckoned, path kept, the human's touch noted."""
    tracks = state.tracks
    if state.tick is not None:
        ros, steady = now.ros - state.tick.ros, now.steady - state.tick.steady
        if ros < 0 or ros > p.clock_jump_s * SECOND + steady:
            tracks = tracks.redated(ros - steady)
    before, tracks = tracks, tracks.screened(inputs, now, state.mode is not ArbiterMode.DISENGAGED, p)
    unmoved_since = _unmoved(state, before, tracks, now)
    state = _moved(state, before, tracks, now, dt)
    if state.mode is ArbiterMode.EXPERT or tracks.policy.age(now) > p.policy_max_age_s:
        path = _placed(state, before.expert, tracks.expert)
    else:
        path = _placed(state, before.policy, tracks.policy)
    wheel, pedals = _touched(state, before, tracks, p)
    started = state.started if state.started is not None else now.steady
    return state._replace(
        tracks=tracks, path=path, wheel=wheel, pedals=pedals, started=started, unmoved_since=unmoved_since,
        response=None,
    )  # fmt: skip


def _unmoved(state: State, before: Tracks, tracks: Tracks, now: Now) -> int | None:
    """``unmoved_since`` after this tick's scene. Standing at the very same place is no sign of a frozen picture; not to
    move although the command pushes is one, at a speed too low for ``check_scene``."""
    new, old = tracks.scene.accepted, before.scene.accepted
    if state.last is None or state.last[1] < PUSH_MPS2 or new is None or old is None:
        return None
    if new is old:
        return state.unmoved_since
    here, there = new.value.ego, old.value.ego
    if (here.x, here.y, here.yaw) != (there.x, there.y, there.yaw):
        return None
    return state.unmoved_since if state.unmoved_since is not None else now.steady


def _moved(state: State, before: Tracks, tracks: Tracks, now: Now, dt: float) -> State:
    """``state`` with the ego's motion and what is around it, from a new sound scene; else the motion is reckoned."""
    new = tracks.scene.accepted
    if new is not None and new is not before.scene.accepted:
        ego = new.value.ego
        return state._replace(
            motion=mrm.Motion.of(ego),
            poses=(*state.poses[1 - POSES_KEPT :], (new.stamp, ego.x, ego.y, ego.yaw)),
            objects=new.value.objects,
            looked=now.steady - max(now.ros - new.stamp, now.steady - new.steady, 0),
        )
    if state.motion is None or state.last is None:
        return state
    return state._replace(motion=state.motion.reckoned(*state.last, dt))


def _placed(state: State, old: Track[DriverOutput], new: Track[DriverOutput]) -> mrm.Path | None:
    """The path of the driver's newly accepted plan in ``map``, where the pose that it was made at is known; else the
    one that there is."""
    output = new.accepted
    if output is None or output is old.accepted:
        return state.path
    for stamp, x, y, yaw in reversed(state.poses):
        if stamp == output.value.stamp:
            return mrm.Path.of(output.value.plan, x, y, yaw)
    return state.path


def _touched(state: State, before: Tracks, tracks: Tracks, p: ArbiterParameters) -> tuple[Grip, Grip]:
    """Wheel and pedals after a newly accepted human command. A released stick holds its angle for the rest of the
    hold, a released pedal coasts; steering far from what the automation steers takes the pedals as well."""
    new = tracks.human.accepted
    if new is None or new is before.human.accepted or "human" not in p.drivers:
        return state.wheel, state.pedals
    human, wheel, pedals = new.value, state.wheel, state.pedals
    if human.longitudinal is Source.HUMAN:
        pedals = Grip(human.acceleration, new.steady)
    elif pedals.touched is not None:
        pedals = replace(pedals, value=-p.human_coast_mps2)
    if human.lateral is Source.HUMAN:
        wheel = Grip(human.steering_angle, new.steady)
        hard = abs(human.steering_angle - _reference(state, tracks)) > p.human_hard_steering_rad
        if human.longitudinal is not Source.HUMAN and hard:
            pedals = Grip(-p.human_coast_mps2, new.steady)
    return wheel, pedals


def _reference(state: State, tracks: Tracks) -> float:
    """What the automation steers (rad): the expert while it drives, else the policy, else the last command."""
    preferred = (tracks.policy, tracks.expert)
    for track in reversed(preferred) if state.mode is ArbiterMode.EXPERT else preferred:
        if track.accepted is not None:
            return track.accepted.value.steering_angle
    return state.last[0] if state.last is not None else 0.0


def look(state: State, now: Now, p: ArbiterParameters) -> tuple[State, Facts]:
    """The facts of this tick, and ``state`` with its running conditions (agreement, standstill) brought up to date."""
    tracks, future = state.tracks, p.future_tolerance_s
    scene_fault = tracks.scene.why_unfit(now, p.scene_max_age_s, p.scene_max_silence_s, future)
    policy_fault = tracks.policy.why_unfit(now, p.policy_max_age_s, p.policy_max_silence_s, future)
    expert_fault = tracks.expert.why_unfit(now, p.expert_max_age_s, p.expert_max_silence_s, future)
    human_fault = tracks.human.why_unfit(now, p.human_max_age_s, p.human_max_silence_s, future)
    request_fault = tracks.request.why_unfit(now, p.request_max_age_s, p.request_max_silence_s, future)
    if state.unmoved_since is not None and now.steady - state.unmoved_since > p.frozen_push_s * SECOND:
        scene_fault = "frozen"
    if scene_fault:  # without it neither speed nor place is known: nobody's plan can be checked or limited
        policy_fault, expert_fault = f"scene_{scene_fault}", f"scene_{scene_fault}"
    elif p.supervised and request_fault and not policy_fault:
        policy_fault = f"{UNWATCHED}_{request_fault}"
    policy_fault = policy_fault if "policy" in p.drivers else "no_driver"
    expert_fault = expert_fault if "expert" in p.drivers else "no_driver"
    policy = tracks.policy.accepted.value if tracks.policy.accepted and not policy_fault else None
    expert = tracks.expert.accepted.value if tracks.expert.accepted and not expert_fault else None
    request = tracks.request.accepted.value if tracks.request.accepted and not request_fault else None

    agrees = policy is not None and (expert is None or agreement(policy, expert, p))
    agreed_since = (state.agreed_since if state.agreed_since is not None else now.steady) if agrees else None
    stands = state.motion is None or abs(state.motion.speed) < p.standstill_mps
    still_since = (state.still_since if state.still_since is not None else now.steady) if stands else None
    held = [grip.within(now, p.human_hold_s) for grip in (state.wheel, state.pedals)]
    return state._replace(agreed_since=agreed_since, still_since=still_since), Facts(
        scene=not scene_fault,
        policy=policy,
        policy_fault=policy_fault,
        expert=expert,
        expert_fault=expert_fault,
        wheel=held[0] and not human_fault,
        pedals=held[1] and not human_fault,
        human_lost=any(held) and bool(human_fault),
        request=request if request is not None and request.trigger is not Trigger.NONE else None,
        agreed=agreed_since is not None and now.steady - agreed_since >= p.exit_sustain_s * SECOND,
        still=still_since is not None and now.steady - still_since >= p.standstill_s * SECOND,
    )


def agreement(policy: DriverOutput, expert: DriverOutput, p: ArbiterParameters) -> bool:
    """Whether the two would do nearly the same: symmetric in both, absolute on both axes."""
    return (
        abs(policy.steering_angle - expert.steering_angle) <= p.exit_steering_rad
        and abs(policy.acceleration - expert.acceleration) <= p.exit_acceleration_mps2
    )
