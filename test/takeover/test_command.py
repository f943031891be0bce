"""The provenance of the command, clocks, and the path that the manoeuvre keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.arbiter_loop import Loop, engaged, in_mode
from support.scenery import TICK, received, scene
from takead_ros.domain.driving import ArbiterMode as M
from takead_ros.domain.driving import DriverOutput, Limit, Plan, Source
from takead_ros.domain.units import SECOND
from takead_ros.takeover.facts import POSES_KEPT
from takead_ros.takeover.inputs import Ask, Now


def test_provenance() -> None:
    loop = engaged()
    loop.run(2, policy=None, expert=None)
    stamp = loop.now.ros - TICK
    loop.tick(
        expert=None, policy=replace(loop.out(steering=0.01, acceleration=0.2), stamp=stamp, model_sha256="cd" * 32)
    )
    command = loop.command
    assert command.stamp == stamp and command.reason == "engaged" and command.model_sha256 == "cd" * 32
    assert command.lateral_age == command.longitudinal_age == pytest.approx(0.1)
    assert command.limits == Limit.NONE
    loop.tick(scene=None, policy=None, expert=None, human=loop.hand(None, -1.0))
    assert loop.command.stamp == stamp and loop.command.lateral_age == pytest.approx(0.15)
    assert loop.command.longitudinal_age == 0.0
    loop.tick(request=loop.ask(), expert=replace(loop.out("expert"), stamp=stamp))
    assert loop.command.model_sha256 == "ab" * 32
    assert loop.command.lateral is Source.EXPERT and loop.command.lateral_age == pytest.approx(0.2)


def test_provenance_of_the_manoeuvre() -> None:
    loop = in_mode(M.MRM)
    last = loop.inputs.scene
    assert last is not None and loop.command.stamp == last.stamp
    assert loop.command.lateral_age == pytest.approx((loop.now.ros - last.stamp) / SECOND)
    empty = Loop()
    empty.dead(1)
    assert empty.command.stamp == empty.now.ros and empty.command.lateral_age == 3600.0
    assert empty.command.longitudinal_age == 3600.0 and empty.command.model_sha256 == ""
    assert empty.command.steering_angle == 0.0 and empty.command.acceleration == -2.0


def test_the_first_command_begins_at_the_wheels_own_angle() -> None:
    loop = Loop()
    loop.tick(scene=scene(loop.now.ros + TICK, 0.5, 10.0, steering_angle=0.1), policy=None, expert=None)
    assert loop.command.steering_angle == pytest.approx(0.1)
    assert loop.command.acceleration == pytest.approx(-loop.p.max_jerk_down_mps3 * 0.05)


def test_a_late_tick_does_not_allow_a_leap() -> None:
    loop = engaged()
    loop.tick(dt=8 * TICK, policy=replace(output_of(loop, 8), steering_angle=0.5))
    assert loop.command.steering_angle == pytest.approx(0.1 * min(1.0, 30 * 2.7 / 100))
    before = loop.command
    loop.tick(dt=0, policy=None, scene=None, expert=None)
    assert loop.command.steering_angle == before.steering_angle


def output_of(loop: Loop, ticks: int) -> DriverOutput:
    return replace(loop.out(), stamp=loop.now.ros + ticks * TICK)


@pytest.mark.parametrize("jump", [-5 * SECOND, -1, 3600 * SECOND])
def test_a_jumping_clock_keeps_the_drivers_as_long_as_they_stay_fresh(jump: int) -> None:
    loop = engaged()
    loop.tick(scene=None, policy=None, expert=None, ros_dt=jump)
    assert loop.mode is M.POLICY and loop.command.lateral_age == pytest.approx(0.05, abs=1e-6)
    loop.run(40)
    assert loop.mode is M.POLICY and loop.state.reason == "engaged"
    loop.tick(scene=None, policy=None, expert=None, ros_dt=jump)
    loop.dead(10)
    assert loop.mode is M.MRM


def test_a_clock_that_runs_fast_has_not_jumped() -> None:
    loop = engaged()
    for _ in range(20):
        loop.tick(ros_dt=SECOND // 10)
    assert loop.mode is M.POLICY
    loop.tick(scene=None, policy=None, expert=None, ros_dt=SECOND + TICK)
    assert loop.mode is M.MRM  # exactly the limit: time has passed, and everything is old
    loop = engaged()
    loop.tick(scene=None, policy=None, expert=None, ros_dt=SECOND + TICK + 1)
    assert loop.mode is M.POLICY


def test_a_paused_clock_stops_the_vehicle_by_the_steady_clock() -> None:
    loop = engaged()
    for _ in range(6):
        loop.tick(ros_dt=0, scene=None, policy=None, expert=None)
    assert loop.mode is M.MRM and loop.state.reason == "no_driver:policy_scene_silent,expert_scene_silent"


def test_an_old_picture_with_new_stamps_stops_the_vehicle() -> None:
    loop = engaged()
    picture = scene(0, loop.x, 10.0)
    for _ in range(120):
        loop.tick(scene=replace(picture, stamp=loop.now.ros + TICK))
    assert loop.mode is M.STOPPED and loop.state.screened.scene.fault == "frozen"


def test_a_world_that_waits_for_its_first_command_is_not_frozen() -> None:
    loop = Loop()
    picture = scene(0, 0.0, 10.0)
    for _ in range(10):
        loop.tick(scene=replace(picture, stamp=loop.now.ros + TICK))
    loop.tick(ask=Ask.ENGAGE, scene=replace(picture, stamp=loop.now.ros + TICK))
    assert loop.state.response is not None and loop.state.response.accepted


def standing(loop: Loop, ticks: int, acceleration: float, x: float = 3.0) -> list[M]:
    """Ticks at standstill, at the very same place, while the policy asks for ``acceleration``."""
    modes = []
    for _ in range(ticks):
        wish = {"policy": loop.out(acceleration=acceleration), "expert": None}
        loop.tick(scene=scene(loop.now.ros + TICK, x, 0.0), **wish)
        modes.append(loop.mode)
    return modes


def test_a_picture_that_stands_while_the_command_pushes_is_frozen() -> None:
    loop = Loop()
    standing(loop, 2, 0.0)
    loop.tick(ask=Ask.ENGAGE, scene=scene(loop.now.ros + TICK, 3.0, 0.0))
    assert set(standing(loop, 60, -1.0)) == {M.POLICY}  # it waits: that is no fault of the picture
    modes = standing(loop, 40, 2.0)
    pushed = modes.index(M.MRM)
    assert 20 <= pushed <= 25 and set(modes[pushed:]) <= {M.MRM, M.STOPPED}
    assert loop.state.takeovers == 1 and loop.state.screened.scene.fault == ""
    assert (loop.state.reason, loop.state.earlier) in (
        ("no_driver:policy_scene_frozen,expert_scene_frozen", "engaged"),
        ("standstill", "no_driver:policy_scene_frozen,expert_scene_frozen"),
    )


def test_a_picture_that_moves_at_last_is_not_frozen() -> None:
    loop = Loop()
    standing(loop, 2, 0.0)
    loop.tick(ask=Ask.ENGAGE, scene=scene(loop.now.ros + TICK, 3.0, 0.0))
    for i in range(8):
        assert set(standing(loop, 15, 2.0, x=3.0 + 1e-6 * i)) == {M.POLICY}


def test_reckoning_without_a_scene() -> None:
    loop = engaged()
    at = loop.state.motion
    assert at is not None
    loop.tick(scene=None)
    assert loop.state.motion is not None and loop.state.motion.x == pytest.approx(at.x + 0.5)
    empty = Loop()
    empty.dead(2)
    assert empty.state.motion is None


def bent(loop: Loop, source: str, y: float) -> DriverOutput:
    plan = Plan(np.arange(1.0, 9.0), np.full(8, y), np.zeros(8), np.full(8, 10.0))
    return replace(loop.out(source), plan=plan)


def test_the_path_is_the_drivers() -> None:
    def kept(loop: Loop) -> float:
        assert loop.state.path is not None
        return loop.state.path.y[-1]

    loop = engaged()
    loop.tick(policy=bent(loop, "policy", 1.0), expert=bent(loop, "expert", 2.0))
    assert kept(loop) == 1.0
    loop.tick(policy=bent(loop, "policy", 3.0), expert=bent(loop, "expert", 4.0), request=loop.ask())
    assert loop.mode is M.EXPERT and kept(loop) == 3.0
    loop.tick(policy=bent(loop, "policy", 5.0), expert=bent(loop, "expert", 6.0))
    assert kept(loop) == 6.0
    loop = engaged()
    for _ in range(10):
        loop.tick(policy=None, expert=bent(loop, "expert", 7.0), human=loop.hand(0.0, 0.0))
    assert loop.mode is M.HUMAN and kept(loop) == 7.0
    loop.tick(policy=None, expert=replace(bent(loop, "expert", 8.0), steering_angle=float("nan")))
    assert kept(loop) == 7.0


def test_a_plan_is_placed_at_the_pose_of_its_own_scene() -> None:
    loop = engaged()
    loop.run(POSES_KEPT + 3)
    assert len(loop.state.poses) == POSES_KEPT
    loop.run(3, policy=None)
    older = loop.state.poses[-2]
    loop.tick(policy=replace(bent(loop, "policy", 1.0), stamp=older[0]))
    assert loop.state.path is not None and loop.state.path.x[0] == pytest.approx(older[1])
    path = loop.state.path
    loop.tick(policy=replace(bent(loop, "policy", 2.0), stamp=loop.now.ros + 1))
    assert loop.state.path is path  # no scene has that stamp


def test_the_command_tells_which_limits_cut_it() -> None:
    loop = engaged()
    loop.tick(policy=loop.out(steering=0.5, acceleration=6.0), expert=None)
    assert loop.command.limits == Limit.STEERING_ANGLE | Limit.STEERING_RATE | Limit.ACCELERATION | Limit.JERK
    loop.run(3)
    assert loop.command.limits == Limit.NONE


@pytest.mark.parametrize(("steering", "acceleration"), [(0.5, 0.0), (0.0, -12.0)])
def test_handback_reaches_a_policy_beyond_the_limits_of_its_speed(steering: float, acceleration: float) -> None:
    loop = engaged(handback_timeout_s=20.0)
    loop.speed = 20.0
    loop.tick(request=loop.ask())
    for _ in range(150):
        wish = {"steering": steering, "acceleration": acceleration}
        loop.tick(policy=loop.out(**wish), expert=loop.out("expert", **wish))
        if loop.mode is M.POLICY:
            break
    assert loop.mode is M.POLICY and loop.state.reason == "converged"


def test_handback_reaches_a_policy_that_asks_for_more_than_the_limits_give() -> None:
    loop = in_mode(M.HANDBACK)
    for _ in range(40):
        loop.tick(policy=loop.out(acceleration=6.0), expert=None)
    assert loop.mode is M.POLICY


def test_hard_steering_without_any_driver_is_judged_against_the_wheel() -> None:
    loop = Loop()
    loop.tick(policy=None, expert=None, human=loop.hand(0.2))
    assert loop.command.lateral is Source.HUMAN and loop.command.longitudinal is Source.NONE
    loop = Loop()
    loop.tick(policy=None, expert=None, human=loop.hand(0.26))
    assert loop.command.longitudinal is Source.HUMAN
    while loop.command.steering_angle < 0.15:
        loop.tick(policy=None, expert=None, human=loop.hand(0.24))
    loop.run(15, policy=None, expert=None, human=loop.hand())
    loop.tick(policy=None, expert=None, human=loop.hand(-0.05))
    assert loop.command.longitudinal is Source.NONE
    loop.tick(policy=None, expert=None, human=loop.hand(-0.2))
    assert loop.command.longitudinal is Source.HUMAN


def test_rejections_are_counted_per_source() -> None:
    loop = engaged()
    for _ in range(3):
        loop.tick(policy=replace(loop.out(), steering_angle=5.0))
    screened = loop.state.screened
    assert (screened.policy.rejected, screened.expert.rejected, screened.scene.rejected, screened.human.rejected) == (
        3,
        0,
        0,
        0,
    )
    assert loop.mode is M.EXPERT and loop.state.reason == "policy_out_of_range"


def test_a_rejected_plan_leaves_the_path_alone() -> None:
    loop = engaged()
    path = loop.state.path
    again = loop.inputs.policy
    assert path is not None and again is not None
    loop.tick(policy=replace(again, steady=loop.now.steady + TICK))
    assert loop.state.screened.policy.fault == "not_advancing" and loop.state.path is path


@pytest.mark.parametrize(("ticks", "of_expert"), [(6, False), (7, True)])
def test_the_path_becomes_the_experts_when_the_policy_is_too_old(ticks: int, of_expert: bool) -> None:
    loop = engaged()
    loop.run(ticks - 1, policy=None, expert=None)
    aside = loop.out("expert")
    loop.tick(policy=None, expert=replace(aside, plan=replace(aside.plan, y=np.full(8, 2.0))))
    assert loop.state.path is not None and (loop.state.path.y[-1] == 2.0) == of_expert


@pytest.mark.parametrize(("latency", "held_back", "age"), [(40, 0, 40), (0, 30, 30), (30, 10, 40)])
def test_how_old_the_objects_are(latency: int, held_back: int, age: int) -> None:
    """By header stamp and by the time since reception (ms), whichever says more, when the scene was taken over."""
    loop = engaged()
    ms = 1_000_000
    stamp = loop.now.ros + TICK - (latency + (held_back if latency else 0)) * ms
    seen = scene(stamp, loop.x + 0.5)
    loop.tick(scene=received(seen, Now(loop.now.ros + TICK, loop.now.steady + TICK), held_back * ms))
    assert loop.now.steady - loop.state.objects_at == age * ms


def test_the_first_mode_is_entered_at_the_first_tick() -> None:
    loop = Loop()
    assert loop.state.entered is None
    loop.tick()
    entered = loop.now
    loop.tick()
    assert loop.state.mode is M.DISENGAGED and loop.state.entered == entered


def test_a_picture_that_is_withdrawn_while_the_command_pushes_is_no_picture() -> None:
    loop = Loop()
    standing(loop, 2, 0.0)
    loop.tick(ask=Ask.ENGAGE, scene=scene(loop.now.ros + TICK, 3.0, 0.0))
    assert set(standing(loop, 10, 2.0)) == {M.POLICY} and loop.command.acceleration > 0.5
    for _ in range(3):
        loop.tick(scene=scene(loop.now.ros + TICK, float("nan"), 0.0), policy=loop.out(acceleration=2.0), expert=None)
    assert loop.state.screened.scene.fault == "not_finite" and loop.mode is M.MRM


def test_a_picture_is_frozen_after_its_time_and_not_at_it() -> None:
    loop = Loop(frozen_push_s=0.5)
    standing(loop, 2, 0.0)
    loop.tick(ask=Ask.ENGAGE, scene=scene(loop.now.ros + TICK, 3.0, 0.0))
    standing(loop, 20, -1.0)
    while loop.state.unmoved_since is None:
        standing(loop, 1, 2.0)
    standing(loop, 10, 2.0)
    assert loop.now.steady - loop.state.unmoved_since == 500_000_000 and loop.mode is M.POLICY
    assert standing(loop, 1, 2.0) == [M.MRM]


@pytest.mark.parametrize(("least", "frozen"), [(1.0, True), (2.5, False)])
def test_what_counts_as_a_push_is_a_parameter(least: float, frozen: bool) -> None:
    loop = Loop(frozen_push_mps2=least)
    standing(loop, 2, 0.0)
    loop.tick(ask=Ask.ENGAGE, scene=scene(loop.now.ros + TICK, 3.0, 0.0))
    assert (M.MRM in standing(loop, 60, 2.0)) == frozen


@pytest.mark.parametrize(("speed", "frozen"), [(2.9, False), (3.1, True)])
def test_from_which_speed_on_a_picture_must_move_is_a_parameter(speed: float, frozen: bool) -> None:
    loop = Loop(frozen_speed_mps=3.0)
    loop.tick(ask=Ask.ENGAGE, scene=scene(loop.now.ros + TICK, 3.0, speed))
    for _ in range(2):
        loop.tick(scene=scene(loop.now.ros + TICK, 3.0, speed))
    assert (loop.state.screened.scene.fault == "frozen") == frozen
