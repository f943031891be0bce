"""How predicted road users move: what stands stays, nobody goes backwards, and torch moves them alike."""

from __future__ import annotations

import numpy as np
import pytest

from takead_ros.prediction.features import STEP_S, STEPS
from takead_ros.prediction.motion import SIDEWAYS_MPS2, advanced, unrolled

NO = np.zeros(1, bool)


def test_who_brakes_comes_to_stand_and_stays() -> None:
    way = unrolled(np.tile([-4.0, 0.0], (1, STEPS, 1)), np.array([6.0]), NO)[0]
    np.testing.assert_allclose(way[:, 3], np.maximum(6.0 - 4.0 * STEP_S * np.arange(1, STEPS + 1), 0.0))
    np.testing.assert_allclose(way[-1, :3], [4.5, 0.0, 0.0])  # v^2 / 2a
    still, speed = advanced(np.zeros((1, 3)), np.zeros(1), np.array([[-1.0, 0.2]]), NO, 0.1)
    assert (still == 0.0).all() and speed == 0.0


def test_small_steps_lead_where_a_large_one_does() -> None:
    control, pose, speed = np.array([[1.5, 0.05]]), np.zeros((1, 3)), np.array([5.0])
    whole, fast = advanced(pose, speed, control, NO, STEP_S)
    for _ in range(10):
        pose, speed = advanced(pose, speed, control, NO, STEP_S / 10.0)
    np.testing.assert_allclose(pose, whole, atol=0.02)
    np.testing.assert_allclose(speed, fast)


def test_a_vehicle_turns_by_its_way_and_a_person_on_the_spot() -> None:
    control = np.array([[0.0, 0.2]])
    for foot, turn in ((False, 0.0), (True, 0.2 * STEP_S)):
        after, _ = advanced(np.zeros((1, 3)), np.zeros(1), control, np.array([foot]), STEP_S)
        assert after[0, 2] == pytest.approx(turn)
    fast, _ = advanced(np.zeros((1, 3)), np.array([20.0]), control, NO, STEP_S)
    assert fast[0, 2] == pytest.approx(SIDEWAYS_MPS2 / 20.0 * STEP_S)  # as much as its tyres hold


def test_torch_moves_them_alike() -> None:
    torch = pytest.importorskip("torch", reason="the training extra is not installed")
    from takead_training.prediction.network import unrolled as torch_unrolled

    rng = np.random.default_rng(0)
    controls = rng.uniform((-9.0, -0.3), (4.0, 0.3), (200, STEPS, 2))
    speed, foot = rng.uniform(0.0, 20.0, 200), rng.random(200) < 0.3
    plain = unrolled(controls, speed, foot)
    found = torch_unrolled(*(torch.from_numpy(np.asarray(one, np.float64)) for one in (controls, speed, foot)))
    np.testing.assert_allclose(found.numpy(), plain, atol=1e-9)
