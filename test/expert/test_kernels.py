"""The expert's kernels about motion: gaps, conflicts, car following, speed profiles."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from takead_ros import compiled as jit
from takead_ros.domain.geometry import box_corners
from takead_ros.domain.kernels import Box, box_gap
from takead_ros.expert import planner
from takead_ros.expert.arrays import (
    Attention,
    Boxes,
    Caps,
    Comfort,
    Ego,
    Encounters,
    Lines,
    Paces,
    Proposals,
    Stops,
)
from takead_ros.expert.kernels import conflicts, courses, limits, motion

pytestmark = pytest.mark.slow
REAL = {"allow_nan": False, "allow_infinity": False}


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    assert planner.plan is not None  # imports every kernel
    jit.prepare()


def box(x: float, y: float, yaw: float, length: float, width: float) -> shapely.Polygon:
    return shapely.Polygon(box_corners(*(np.array(value) for value in (x, y, yaw, length, width))))


EGO = Ego(0.0, 0.0, 0.0, 0.0, 0.0, 4.6, 1.9, 2.7)


def gap_of(x: float, y: float, yaw: float, own: float, length: float, width: float) -> float:
    """Signed gap m between the ego's box at the origin, turned by ``own`` rad, and another."""
    turned = np.cos(own), np.sin(own), 2.3, 0.95
    return box_gap(Box(0.0, 0.0, *turned), Box(x, y, np.cos(yaw), np.sin(yaw), 0.5 * length, 0.5 * width))


@settings(max_examples=300, deadline=None)
@given(
    st.floats(-12, 12, **REAL),
    st.floats(-12, 12, **REAL),
    st.floats(-4, 4, **REAL),
    st.floats(-4, 4, **REAL),
    st.floats(0.3, 12, **REAL),
    st.floats(0.3, 3, **REAL),
)
def test_separation_agrees_with_shapely(
    x: float, y: float, yaw: float, own: float, length: float, width: float
) -> None:
    gap = gap_of(x, y, yaw, own, length, width)
    ego, other = box(0.0, 0.0, own, 4.6, 1.9), box(x, y, yaw, length, width)
    distance, shared = ego.distance(other), ego.intersection(other).area
    if gap < -1e-9:
        assert shared > 0.0
    elif gap > 1e-9:
        assert shared < 1e-9
        assert distance / np.sqrt(2.0) - 1e-9 <= gap <= distance + 1e-9  # corner to corner it is less


def scored(rng: np.random.Generator, proposals: int, others: int) -> dict[str, np.ndarray]:
    """Random arguments of ``conflicts``: proposals along x, others around them, every second one crossing."""
    steps, crossing = 9, np.arange(0, others, 2)
    poses = {
        "x": np.cumsum(rng.uniform(0, 3, (proposals, steps)), 1), "y": rng.normal(0, 1, (proposals, steps)),
        "yaw": rng.normal(0, 0.3, (proposals, steps)), "v": rng.choice([0.0, 0.2, 4.0], (proposals, steps)),
        "other_x": rng.uniform(-5, 30, (others, steps)), "other_y": rng.normal(0, 4, (others, steps)),
        "other_yaw": np.repeat(rng.uniform(-3, 3, (others, 1)), steps, 1),
        "cross_x": rng.uniform(-5, 30, (len(crossing), 3, steps)),
        "cross_y": rng.normal(0, 4, (len(crossing), 3, steps)),
        "cross_yaw": rng.uniform(-3, 3, (len(crossing), 3, steps)),
    }  # fmt: skip
    return {
        **poses, "other_length": rng.uniform(0.5, 8, others), "other_width": rng.uniform(0.4, 2.5, others),
        "room": rng.choice([0.35, 0.9], others), "ignore": rng.random(others) < 0.2, "crossing": crossing,
        "when": rng.random((len(crossing), steps)) < 0.7, "times": 0.25 * np.arange(steps),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_conflicts_are_the_gaps_and_times_that_their_definition_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = scored(rng, 4, int(rng.integers(0, 7)))
    proposals = Proposals(a["x"], a["x"], a["y"], a["yaw"], a["v"], np.zeros((4, 8)), np.full(4, -1))
    still = np.zeros_like(a["other_x"])
    boxes = Boxes(a["other_x"], a["other_y"], a["other_yaw"], still, a["other_length"], a["other_width"])
    attention = Attention(a["ignore"], a["crossing"], a["when"], a["cross_x"], a["cross_y"], a["cross_yaw"])
    first, impact, nearness, worst = conflicts.conflicts(proposals, EGO, boxes, a["room"], attention, a["times"])

    def gaps(x: np.ndarray, y: np.ndarray, yaw: np.ndarray, rows: np.ndarray) -> np.ndarray:
        found = np.empty((4, *x.shape))
        for k, n, t in np.ndindex(found.shape):
            size = a["other_length"][rows[n]], a["other_width"][rows[n]]
            found[k, n, t] = gap_of(x[n, t] - a["x"][k, t], y[n, t] - a["y"][k, t], yaw[n, t], a["yaw"][k, t], *size)
        return found

    hard = gaps(a["other_x"], a["other_y"], a["other_yaw"], np.arange(len(a["room"])))
    soft, crosses = hard.copy(), np.zeros(hard.shape[1:], dtype=bool)
    crosses[a["crossing"]] = a["when"]
    for shift in range(3):
        poses = (np.ascontiguousarray(a[name][:, shift]) for name in ("cross_x", "cross_y", "cross_yaw"))
        closer = np.minimum(soft[:, a["crossing"]], gaps(*poses, a["crossing"]))
        soft[:, a["crossing"]] = np.where(a["when"], closer, soft[:, a["crossing"]])
    moving, minded = (a["v"] > 0.3)[:, None], ~a["ignore"][:, None]
    touches = (hard < conflicts.TOUCH) & moving & minded
    weight = np.where(moving, 1.0, np.where(crosses, conflicts.IN_THE_WAY, 0.0)) * (1.0 - a["times"] / 10.0) * minded
    near = np.clip((a["room"][:, None] - soft) / a["room"][:, None], 0.0, 1.0) * weight
    when = np.where(touches, a["times"], np.inf)
    np.testing.assert_array_equal(first, when.min((1, 2), initial=np.inf))
    np.testing.assert_allclose(nearness, near.max((1, 2), initial=0.0), atol=1e-12)
    for k in range(4):
        if touches[k].any():
            n, t = np.argwhere(when[k] == first[k])[0]
            assert (worst[k], impact[k]) == (n, a["v"][k, t])
        elif nearness[k] > 0.1:
            assert worst[k] == near[k].max(1).argmax()
        else:
            assert worst[k] == -1


@settings(max_examples=100, deadline=None)
@given(
    st.floats(0, 30, **REAL),
    st.floats(0.1, 200, **REAL),
    st.floats(0, 30, **REAL),
    st.floats(0.5, 4, **REAL),
    st.floats(0.5, 4, **REAL),
)
def test_idm_is_the_published_formula(speed: float, gap: float, lead: float, a: float, b: float) -> None:
    desired = 3.0 + max(0.0, speed * 1.4 + speed * (speed - lead) / (2.0 * np.sqrt(a * b)))
    expected = a * (1.0 - (desired / gap) ** 2)
    found = motion.idm(speed, gap, lead, 3.0, 1.4, a, 1.0 / (2.0 * np.sqrt(a * b)))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@example(-1.0, 4.0, 3.0, 0.0, -1.9719584966394692e-179)  # a standing lead whose braking is a rounding error
@given(
    st.floats(-20, 3, **REAL),
    st.floats(0, 25, **REAL),
    st.floats(0.1, 80, **REAL),
    st.floats(0, 25, **REAL),
    st.floats(-8, 0, **REAL),
)
def test_calm_brakes_no_harder_than_idm_and_hard_enough(
    pull: float, speed: float, gap: float, lead: float, change: float
) -> None:
    answer = motion.calm(pull, speed, gap, lead, change, 2.0)
    assert answer >= pull - 1e-12
    v, x, lead_v, lead_x = speed, 0.0, lead, gap
    for _ in range(4000):  # the constant answer, less the 2 m/s^2 that IDM may add, avoids the collision
        v, lead_v = max(v + min(answer, 0.0) * 0.005, 0.0), max(lead_v + change * 0.005, 0.0)
        x, lead_x = x + v * 0.005, lead_x + lead_v * 0.005
        if v == 0.0:
            break
    if pull < answer and gap > 2.0:
        assert lead_x - x > -2.0


def test_speed_profiles_keep_to_the_caps_with_the_deceleration() -> None:
    rng = np.random.default_rng(3)
    cap, rate = rng.uniform(0, 15, (5, 60)), rng.uniform(0.7, 1.3, (5, 60))
    found = motion.speed_profile(cap, rate, 2.0)
    arc = np.cumsum(1.0 / rate, axis=1)
    reachable = np.sqrt(cap[:, None] ** 2 + 4.0 * np.maximum(arc[:, None] - arc[:, :, None], 0.0))
    later = np.where(np.arange(60) >= np.arange(60)[:, None], reachable, np.inf)
    np.testing.assert_allclose(found, later.min(2), atol=1e-9)


def test_caps_hold_on_their_stretch_and_give_way_to_the_side() -> None:
    nothing = np.zeros((2, 50))
    offset = np.stack([np.zeros(50), np.full(50, 2.0)])  # the second path runs 2 m farther left
    lines = Lines(offset, nothing, nothing, nothing, nothing, np.ones((2, 50)))
    sign = (10.0, 14.0, 5.0, 0.0, 0.0, 0.0, 0.0, np.inf)  # the same for both
    van = (20.0, 26.0, 3.0, 1.5, 24.0, -3.2, 1.15, 3.0)
    caps = Caps(*(np.array(column) for column in zip(sign, van, strict=True)))
    cap, why = limits.cap_speeds(lines, caps, 12.0, 2.5, 1e6, 1.9)
    between = 3.2 - 1.15 - 0.95
    expected = np.full((2, 50), 12.0)
    expected[:, 11:14] = 5.0
    expected[0, 21:26] = 3.0 + 1.5 * between  # from 3 m on there is no cap, and the second path is 3.1 m away
    np.testing.assert_allclose(cap, expected)
    np.testing.assert_array_equal(why, np.where(expected == 12.0, limits.LIMIT, np.where(expected == 5.0, 0, 1)))


def followed(lead_speed: float, gap: float, speed: float) -> tuple[np.ndarray, np.ndarray]:
    """Places (T,) m and speeds (T,) m/s of one proposal behind a lead at constant speed, at 0.1 s."""
    knots = 0.1 * np.arange(401)
    rear = (gap + lead_speed * knots)[None, None]
    met = Encounters(
        np.ascontiguousarray(rear),
        np.full((1, 401), lead_speed),
        np.full(1, np.inf),
        np.full(1, np.inf),
        np.zeros(1, dtype=bool),
        np.zeros(1, dtype=bool),
    )
    along, speeds, _, lead = motion.advance(
        np.full((1, 400), 30.0),
        np.ones((1, 400)),
        met,
        Stops(np.array([3.0]), np.inf, np.array([np.inf])),
        Paces(np.array([20.0]), np.array([np.inf]), 1),
        Comfort(2.0, 2.0, 8.0, 1.4),
        knots,
        EGO._replace(speed=speed),
    )
    assert lead[0] in (-1, 0)
    return along[0], speeds[0]


@pytest.mark.parametrize(("lead_speed", "gap", "speed"), [(8.0, 30.0, 12.0), (3.0, 60.0, 15.0), (12.0, 12.0, 12.0)])
def test_following_settles_at_the_headway_that_idm_asks_for(lead_speed: float, gap: float, speed: float) -> None:
    along, speeds = followed(lead_speed, gap, speed)
    between = gap + lead_speed * 0.1 * np.arange(401) - along - 2.3
    assert between.min() > 0.5
    assert speeds[-1] == pytest.approx(lead_speed, abs=0.05)
    assert between[-1] == pytest.approx(3.0 + 1.4 * lead_speed, abs=0.5)  # no free-road term: it is the target's


def test_travel_brakes_to_a_stand_and_gains_speed_for_a_second() -> None:
    times = np.array([[0.0, 1.0, 2.0, 5.0]] * 3)
    distance, speed = courses.travel(np.array([8.0, 8.0, 8.0]), np.array([0.0, -4.0, 2.0]), times)
    np.testing.assert_allclose(distance, [[0, 8, 16, 40], [0, 6, 8, 8], [0, 9, 19, 49]])
    np.testing.assert_allclose(speed, [[8, 8, 8, 8], [8, 4, 0, 0], [8, 10, 10, 10]])
