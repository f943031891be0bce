"""The auxiliary task: what is to be forecast, and a head that is there in training only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from support.blocked_road import blocked
from support.tables import make_table
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.data.clip_frames import ClipFrames
from takead_training.data.columns import TARGETS_LAYOUT, inputs_layout
from takead_training.data.dataset import ClipRows, Dataset
from takead_training.data.forecasts import COLUMN, with_forecasts
from takead_training.settings import DEFAULT_ARCHITECTURE, Aggregation, Imitation, Mix, Schedule
from takead_training.stages.dagger import DAGGER
from takead_training.stages.forecasting import Forecasting, forecast_loss
from takead_training.stages.stage import Task

FRAMES = 30  # of blocked(), every 0.1 s; the car in it keeps 25 m ahead of an ego at 8 m/s


def test_a_label_says_how_far_the_object_then_moves() -> None:
    found = with_forecasts(blocked(FRAMES)).column(COLUMN)
    for row, ahead_s in ((0, 1.0), (0, 2.0), (9, 2.0), (19, 1.0)):
        np.testing.assert_allclose(found[row, 0, round(ahead_s) - 1], [8.0 * ahead_s, 0.0], atol=1e-4)
    assert np.isnan(found[10:, 0, 1]).all() and np.isnan(found[20:]).all()  # the clip ends before
    assert np.isnan(found[:, 1:]).all()  # there is one object


def test_a_label_is_in_the_egos_frame_and_of_the_same_object() -> None:
    data = blocked(FRAMES)
    world = data.parts[0].world
    assert world is not None
    quarter = turned(world(), 0.5 * np.pi)
    part = ClipRows(data.parts[0].inputs, data.parts[0].targets, "turned", lambda: quarter)
    label = with_forecasts(Dataset(VECTOR_1, [part])).column(COLUMN)
    np.testing.assert_allclose(label[0, 0, 0], [8.0, 0.0], atol=1e-4)  # the whole world is turned, the ego in it too
    ids = quarter.who.copy()
    ids[5:, 0] = 77  # from frame 5 on it is somebody else
    other = ClipRows(part.inputs, part.targets, "swapped", lambda: replace(quarter, who=ids))
    label = with_forecasts(Dataset(VECTOR_1, [other])).column(COLUMN)
    assert np.isnan(label[:5]).all() and np.isfinite(label[5:20, 0, 0]).all()


def turned(world: ClipFrames, angle: float) -> ClipFrames:
    """The same clip on a map that is turned."""
    cos, sin = np.cos(angle), np.sin(angle)
    objects, ego = world.objects.copy(), world.ego.copy()
    for values in (objects, ego):
        x, y = values[:, 0].copy(), values[:, 1].copy()
        values[:, 0], values[:, 1], values[:, 2] = cos * x - sin * y, sin * x + cos * y, values[:, 2] + angle
    return replace(world, objects=objects, ego=ego)


def test_what_is_not_known_has_no_label() -> None:
    data = blocked(FRAMES)
    table = {name: data.batch(np.arange(FRAMES), TARGETS_LAYOUT.names)[name] for name in TARGETS_LAYOUT.names}
    table["perturbed"] = np.ones(FRAMES, np.int64)
    moved = ClipRows(data.parts[0].inputs, TARGETS_LAYOUT.pack(table), "moved", data.parts[0].world)
    plain = make_table(5)
    unknown = ClipRows(inputs_layout(VECTOR_1).pack(plain), TARGETS_LAYOUT.pack(plain))
    assert np.isnan(with_forecasts(Dataset(VECTOR_1, [moved, unknown])).column(COLUMN)).all()


def test_only_what_is_known_counts() -> None:
    said = torch.zeros(2, 3, 2, 2, requires_grad=True)
    wanted = torch.full((2, 3, 2, 2), torch.nan)
    assert float(forecast_loss(said, wanted).detach()) == 0.0
    wanted[0, 1, 0] = torch.tensor([10.0, 0.0])  # 2 of the scale: 1.5 by Huber, and 0 beside it
    loss = forecast_loss(said, wanted)
    (gradient,) = torch.autograd.grad(loss, said)
    assert float(loss.detach()) == pytest.approx(0.75)
    assert torch.isfinite(gradient).all() and int((gradient != 0.0).sum()) == 1


def test_a_stage_learns_to_forecast_and_leaves_the_head_behind(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors())
    names = set(net.state_dict())
    settings = Aggregation(Mix(draws=64), Schedule(epochs=8, batch=16, rate=2e-3, threads=1), Imitation(forecast=1.0))
    outcome = DAGGER.train(Task(net, blocked(FRAMES), tmp_path / "state"), settings)
    assert outcome.history[-1]["forecast"] < 0.3 * outcome.history[0]["forecast"]
    assert outcome.net is net and set(net.state_dict()) == names
    assert outcome.used["imitation"]["forecast"] == 1.0
    assert any(name.startswith("head.") for name in Forecasting(net).state_dict())
