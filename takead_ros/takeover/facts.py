"""What the arbiter makes of the inputs before it decides.

``observe`` brings the state up to date, ``derive_facts`` says what holds at this tick.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from takead_ros.domain.driving import ArbiterMode, DriverOutput, Source, TakeoverRequest, Trigger
from takead_ros.domain.units import SECOND
from takead_ros.takeover.inputs import Inputs, Now, ScreenedInput, ScreenedInputs
from takead_ros.takeover.memory import ArbiterMemory, Grip
from takead_ros.takeover.mrm import DeadReckoning, PlanPath
from takead_ros.takeover.parameters import ArbiterParameters

UNWATCHED = "unwatched"  # a policy whose monitor is lost may not drive: nobody would ask for the expert
POSES_KEPT = 12  # ego poses of the last scenes, to place a plan made on one of them


@dataclass(frozen=True, eq=False)
class Facts:
    """What holds at this tick."""

    scene: bool  # it may be driven on
    policy: DriverOutput | None  # None: it may not drive now
    policy_fault: str  # why not
    expert: DriverOutput | None  # None: it may not drive now
    expert_fault: str  # why not
    wheel: bool  # a human holds the steering
    pedals: bool  # a human holds throttle or brake
    human_lost: bool  # he held an axis when his heartbeat ended
    request: TakeoverRequest | None  # what the monitor asks for now
    agreed: bool  # policy and expert have long enough wanted nearly the same
    still: bool  # the ego has stood for long enough
    arrived: bool  # the route ends here, or within the way that a comfortable stop takes

    @property
    def human(self) -> bool:
        return self.wheel or self.pedals

    @property
    def driven_by_hand(self) -> bool:
        return self.wheel and self.pedals

    def automation(self) -> DriverOutput | None:
        """Who drives the axes that a human does not: the expert where one is asked for or needed, else the policy."""
        if self.expert is not None and (self.policy is None or self.request is not None):
            return self.expert
        return self.policy


def observe(state: ArbiterMemory, inputs: Inputs, now: Now, dt: float, p: ArbiterParameters) -> ArbiterMemory:
    """``state`` after looking at the inputs: messages screened, ego reckoned, path kept, the human's touch noted."""
    screened = state.screened
    if state.tick is not None:
        ros, steady = now.ros - state.tick.ros, now.steady - state.tick.steady
        if ros < 0 or ros > p.clock_jump_s * SECOND + steady:
            screened = screened.redated(ros - steady)
    before, screened = screened, screened.screened(inputs, now, state.mode is not ArbiterMode.DISENGAGED, p)
    unmoved_since = _unmoved(state, before, screened, now, p)
    state = _moved(state, before, screened, now, dt)
    if state.mode is ArbiterMode.EXPERT or screened.policy.age(now) > p.policy_max_age_s:
        path = _placed(state, before.expert, screened.expert)
    else:
        path = _placed(state, before.policy, screened.policy)
    wheel, pedals = _touched(state, before, screened, p)
    return state._replace(
        screened=screened,
        path=path,
        wheel=wheel,
        pedals=pedals,
        unmoved_since=unmoved_since,
        response=None,
        started=state.started if state.started is not None else now.steady,
        entered=state.entered or now,
    )


def _unmoved(
    state: ArbiterMemory, before: ScreenedInputs, screened: ScreenedInputs, now: Now, p: ArbiterParameters
) -> int | None:
    """``unmoved_since`` after this tick's scene. Standing at the very same place is no sign of a frozen picture; not to
    move although the command pushes is one, at a speed too low for ``check_scene``."""
    new, old = screened.scene.accepted, before.scene.accepted
    if state.last is None or state.last[1] < p.frozen_push_mps2 or new is None or old is None:
        return None
    if new is old:
        return state.unmoved_since
    here, there = new.value.ego, old.value.ego
    if (here.x, here.y, here.yaw) != (there.x, there.y, there.yaw):
        return None
    return state.unmoved_since if state.unmoved_since is not None else now.steady


def _moved(
    state: ArbiterMemory, before: ScreenedInputs, screened: ScreenedInputs, now: Now, dt: float
) -> ArbiterMemory:
    """``state`` with the ego's motion and what is around it, from a new sound scene; else the motion is reckoned."""
    new = screened.scene.accepted
    if new is not None and new is not before.scene.accepted:
        ego = new.value.ego
        return state._replace(
            motion=DeadReckoning.of(ego),
            poses=(*state.poses[1 - POSES_KEPT :], (new.stamp, ego.x, ego.y, ego.yaw)),
            goal_m=new.value.route.remaining,
            objects=new.value.objects,
            objects_at=now.steady - max(now.ros - new.stamp, now.steady - new.steady, 0),
        )
    if state.motion is None or state.last is None:
        return state
    motion = state.motion.reckoned(*state.last, dt)
    return state._replace(motion=motion, goal_m=state.goal_m - 0.5 * (state.motion.speed + motion.speed) * dt)


def _placed(
    state: ArbiterMemory, old: ScreenedInput[DriverOutput], new: ScreenedInput[DriverOutput]
) -> PlanPath | None:
    """The path of the driver's newly accepted plan in ``map``, where the pose that it was made at is known; else the
    one that there is."""
    output = new.accepted
    if output is None or output is old.accepted:
        return state.path
    for stamp, x, y, yaw in reversed(state.poses):
        if stamp == output.value.stamp:
            return PlanPath.of(output.value.plan, x, y, yaw)
    return state.path


def _touched(
    state: ArbiterMemory, before: ScreenedInputs, screened: ScreenedInputs, p: ArbiterParameters
) -> tuple[Grip, Grip]:
    """Wheel and pedals after a newly accepted human command. A released stick holds its angle for the rest of the
    hold, a released pedal coasts; steering far from what the automation steers takes the pedals as well."""
    new = screened.human.accepted
    if new is None or new is before.human.accepted or "human" not in p.drivers:
        return state.wheel, state.pedals
    human, wheel, pedals = new.value, state.wheel, state.pedals
    if human.longitudinal is Source.HUMAN:
        pedals = Grip(human.acceleration, new.steady)
    elif pedals.touched is not None:
        pedals = replace(pedals, value=-p.human_coast_mps2)
    if human.lateral is Source.HUMAN:
        wheel = Grip(human.steering_angle, new.steady)
        hard = abs(human.steering_angle - _reference(state, screened)) > p.human_hard_steering_rad
        if human.longitudinal is not Source.HUMAN and hard:
            pedals = Grip(-p.human_coast_mps2, new.steady)
    return wheel, pedals


def _reference(state: ArbiterMemory, screened: ScreenedInputs) -> float:
    """What the automation steers (rad): the expert while it drives, else the policy, else the last command."""
    preferred = (screened.policy, screened.expert)
    for source in reversed(preferred) if state.mode is ArbiterMode.EXPERT else preferred:
        if source.accepted is not None:
            return source.accepted.value.steering_angle
    return state.last[0] if state.last is not None else 0.0


def derive_facts(state: ArbiterMemory, now: Now, p: ArbiterParameters) -> tuple[ArbiterMemory, Facts]:
    """The facts of this tick, and ``state`` with its running conditions (agreement, standstill) brought up to date."""
    screened, future = state.screened, p.future_tolerance_s
    scene_fault = screened.scene.why_unfit(now, p.scene_max_age_s, p.scene_max_silence_s, future)
    policy_fault = screened.policy.why_unfit(now, p.policy_max_age_s, p.policy_max_silence_s, future)
    expert_fault = screened.expert.why_unfit(now, p.expert_max_age_s, p.expert_max_silence_s, future)
    human_fault = screened.human.why_unfit(now, p.human_max_age_s, p.human_max_silence_s, future)
    request_fault = screened.request.why_unfit(now, p.request_max_age_s, p.request_max_silence_s, future)
    if state.unmoved_since is not None and now.steady - state.unmoved_since > p.frozen_push_s * SECOND:
        scene_fault = "frozen"
    if scene_fault:  # without it neither speed nor place is known: nobody's plan can be checked or limited
        policy_fault, expert_fault = f"scene_{scene_fault}", f"scene_{scene_fault}"
    elif p.supervised and request_fault and not policy_fault:
        policy_fault = f"{UNWATCHED}_{request_fault}"
    policy_fault = policy_fault if "policy" in p.drivers else "no_driver"
    expert_fault = expert_fault if "expert" in p.drivers else "no_driver"
    policy = screened.policy.accepted.value if screened.policy.accepted and not policy_fault else None
    expert = screened.expert.accepted.value if screened.expert.accepted and not expert_fault else None
    request = screened.request.accepted.value if screened.request.accepted and not request_fault else None

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
        arrived=p.goal_stop and not scene_fault and state.goal_m <= _stopping_m(state, p),
    )


def _stopping_m(state: ArbiterMemory, p: ArbiterParameters) -> float:
    """How far from the end of the route (m) the stop there begins."""
    speed = state.motion.speed if state.motion is not None else 0.0
    return max(p.goal_reach_m, speed * speed / (2.0 * p.goal_deceleration_mps2))


def agreement(policy: DriverOutput, expert: DriverOutput, p: ArbiterParameters) -> bool:
    """Whether the two would do nearly the same: symmetric in both, absolute on both axes."""
    return (
        abs(policy.steering_angle - expert.steering_angle) <= p.exit_steering_rad
        and abs(policy.acceleration - expert.acceleration) <= p.exit_acceleration_mps2
    )
