"""How an episode was driven: time to collision, post-encroachment time, comfort, efficiency."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.logs import STEP, episode, objects, turned
from takead_ros.domain.scene import Objects
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.episode_log import End, Traffic
from takead_ros.measures.ride_quality import comfort, efficiency, min_time_to_collision, post_encroachment_time


def test_time_to_collision_by_hand() -> None:
    standing = tuple(objects((30.0, 0.0, 0.0, 0.0, 0.0)) for _ in range(21))
    log = episode(seconds=1.0, others=standing)
    # at the end the ego is at 10 m: 20 m between centres, 16 m between bumpers, 10 m/s
    assert min_time_to_collision(log) == pytest.approx(1.7, abs=0.06)
    beside = tuple(objects((30.0, 3.0, 0.0, 0.0, 0.0)) for _ in range(21))
    assert min_time_to_collision(replace(log, objects=Traffic.of(beside))) == np.inf
    assert min_time_to_collision(replace(log, speed=np.zeros(21))) == np.inf


def test_comfort_counts_segments() -> None:
    assert comfort(episode()) == 1.0
    braking = np.zeros(201)
    braking[55:65] = -9.0  # within the second segment, the smoothing included
    assert comfort(episode(acceleration=braking)) == pytest.approx(0.8)
    assert comfort(episode(yaw_rate=np.full(201, 1.2))) == 0.0


def test_efficiency_against_the_traffic() -> None:
    traffic = tuple(objects((t * 0.25, 4.0, 0.0, 5.0, 0.0)) for t in range(201))
    log = episode(others=traffic, speed=10.0)
    assert efficiency(log) == pytest.approx(200.0)
    assert efficiency(episode()) is None


def test_a_checkpoint_that_was_not_finished_is_no_efficiency() -> None:
    """Half as fast as the traffic, then standing in the middle of a checkpoint until the end."""
    log = episode(speed=5.0, others=(objects((10.0, 3.0, 0.0, 10.0, 0.0)),) * 201)
    stuck = replace(
        log,
        route_length=100.0,
        end=End.BLOCKED,
        route_s=np.minimum(log.route_s, 42.0),
        speed=np.where(log.route_s < 42.0, 5.0, 0.0),
        x=np.minimum(log.x, 42.0),
    )
    assert efficiency(stuck) == pytest.approx(50.0)


def crossing(late: float, heading: float = np.pi / 2) -> tuple[Objects, ...]:
    """A car across the ego's way at x = 50 m, its centre there ``late`` s after the ego's; both drive 10 m/s."""
    cos, sin = np.cos(heading), np.sin(heading)
    ahead = [10.0 * (t * STEP - 5.0 - late) for t in range(201)]
    return tuple(objects((50.0 + cos * d, sin * d, heading, 10.0 * cos, 10.0 * sin)) for d in ahead)


def test_post_encroachment_time_by_hand() -> None:
    # boxes of 4 m x 2 m at 10 m/s: the ego's rear leaves the other's strip 0.3 s after its centre was in its middle,
    # the other's front comes to the ego's strip 0.3 s before its own centre does
    for late in (1.0, 2.0, -1.5):
        log = episode(others=crossing(late))
        assert post_encroachment_time(log) == pytest.approx(abs(late) - 0.6, abs=0.11)
    assert post_encroachment_time(episode(others=crossing(0.0))) == 0.0
    assert post_encroachment_time(episode(others=crossing(1.0, heading=0.2))) == np.inf  # same direction: a headway
    assert post_encroachment_time(episode(others=crossing(5.9))) == np.inf
    assert post_encroachment_time(episode()) == np.inf
    assert score_episode(episode(others=crossing(1.0))).post_encroachment_time == pytest.approx(0.4, abs=0.11)
    assert score_episode(episode()).post_encroachment_time is None


@settings(max_examples=15, deadline=None)
@given(late=st.floats(0.0, 4.0), later=st.floats(0.0, 1.0), angle=st.floats(-3.1, 3.1), dx=st.floats(-500.0, 500.0))
def test_post_encroachment_time_grows_with_the_gap_and_not_with_the_map(
    late: float, later: float, angle: float, dx: float
) -> None:
    log = episode(others=crossing(late))
    found = post_encroachment_time(log)
    assert post_encroachment_time(episode(others=crossing(late + later))) >= found - 1e-9
    assert post_encroachment_time(turned(log, angle, dx, -dx)) == pytest.approx(found, abs=0.11)


def test_comfort_bounds_are_nuplans() -> None:
    ramp = np.clip(np.arange(201) * STEP, 0.0, 4.0)
    assert comfort(episode(acceleration=-ramp)) == 1.0  # 4 m/s^2, 1 m/s^3
    assert comfort(episode(acceleration=-1.1 * ramp)) == pytest.approx(0.2)  # past 4.05 m/s^2 from 3.7 s on
    assert comfort(episode(acceleration=np.full(201, 2.3))) == 1.0
    assert comfort(episode(acceleration=np.full(201, 2.5))) == 0.0
    assert comfort(episode(lateral_acceleration=np.full(201, 4.8))) == 1.0
    assert comfort(episode(lateral_acceleration=np.full(201, -5.0))) == 0.0
    assert comfort(episode(yaw_rate=np.full(201, 0.9))) == 1.0
    weaving = 0.9 * np.sin(np.arange(201) * STEP * 2.5)  # yaw acceleration up to 2.25 rad/s^2
    assert comfort(episode(yaw_rate=weaving)) == 0.0


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.2, 1.0), seed=st.integers(0, 99))
def test_gentler_driving_is_never_less_comfortable(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    wild = np.convolve(rng.normal(0.0, 6.0, 260), np.ones(20) / 20, mode="valid")[:201]
    log = episode(acceleration=wild)
    assert comfort(replace(log, acceleration=scale * wild)) >= comfort(log)
