"""What a training runs on: the CPU as before, bit for bit; several processes with one result; refusals."""

from __future__ import annotations

import pickle
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from support.ranks import checked_loss, digest
from support.tables import make_data, make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors
from takead_training.architectures.network import PolicyNetwork
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.checkpoint import load_torch
from takead_training.data.dataset import ClipRows, Dataset, mapped
from takead_training.data.mix import draw_rows
from takead_training.settings import DEFAULT_ARCHITECTURE, Aggregation, Imitation, Mix, Schedule
from takead_training.stages import fit as fitting
from takead_training.stages.dagger import DAGGER
from takead_training.stages.devices import Devices
from takead_training.stages.fit import batch_of, fit, make_deterministic
from takead_training.stages.imitation import COLUMNS, imitate
from takead_training.stages.stage import Task

pytestmark = pytest.mark.slow

QUICK = Schedule(epochs=2, batch=32, threads=1)
LOSS = partial(imitate, Imitation(speed_dropout=0.3))


def fresh_net() -> PolicyNetwork:
    make_deterministic(QUICK)
    return ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors())


def rows_of(count: int, epoch: int) -> np.ndarray:
    return np.random.default_rng(epoch).permutation(count)


def test_on_the_cpu_it_is_the_plain_loop_bit_for_bit(tmp_path: Path) -> None:
    data, net, plain = make_data(150), fresh_net(), fresh_net()
    make_deterministic(QUICK)
    fit(net, data, COLUMNS, partial(rows_of, 150), LOSS, QUICK, tmp_path / "state")

    make_deterministic(QUICK)
    optimiser = torch.optim.AdamW(plain.parameters(), lr=QUICK.rate, weight_decay=QUICK.decay, fused=True)
    for step in range(10):
        chosen = rows_of(150, step // 5)[step % 5 * 32 :][:32]
        loss, _ = LOSS(plain.train(), batch_of(data, chosen, COLUMNS))
        optimiser.param_groups[0]["lr"] = QUICK.rate * fitting.rate_share(step, 10)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 5.0)
        optimiser.step()
    assert digest(net) == digest(plain) != digest(fresh_net())


def test_progress_is_told_in_steps_from_the_first_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the time that is left is known long before the first epoch is over."""
    monkeypatch.setattr(fitting, "TELL_S", 0.0)
    told: list[tuple[int, int]] = []
    data, report = make_data(150), lambda done, total, figures: told.append((done, total))
    fit(fresh_net(), data, COLUMNS, partial(rows_of, 150), LOSS, QUICK, tmp_path / "state", report)
    assert sorted(set(told)) == [(step, 10) for step in range(1, 11)]


def test_two_processes_keep_the_same_weights_and_learn_as_one_does(tmp_path: Path) -> None:
    data, two = make_data(150), Devices(count=2)
    mix = Mix(draws=101)  # the last batch has two shares of different size

    def train(name: str, devices: Devices) -> tuple[PolicyNetwork, list[dict[str, float]], list[tuple[int, int]]]:
        told: list[tuple[int, int]] = []
        net, rows = fresh_net(), partial(draw_rows, data, mix, QUICK.seed)
        state, report = tmp_path / name, lambda *at: told.append(at[:2])
        return net, fit(net, data, COLUMNS, rows, checked_loss, QUICK, state, report, devices=devices), told

    (one, alone, _), (net, shared, told) = train("one", Devices()), train("two", two)
    assert told[-1] == (8, 8) and len(shared) == 2
    for epoch, other in zip(alone, shared, strict=True):
        assert epoch == pytest.approx(other, rel=2e-3) and epoch["steps"] == other["steps"] == 4.0
    for name, values in one.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], values, rtol=0.0, atol=2e-3)
    assert digest(net) != digest(fresh_net())
    assert load_torch(tmp_path / "two", "state")["schedule"] == {**asdict(QUICK), "devices": asdict(two)}
    with pytest.raises(TakeadError, match="was begun with"):  # other devices give other bits
        train("two", Devices())


def test_what_goes_wrong_in_one_of_two_processes_is_the_error_of_the_training(tmp_path: Path) -> None:
    table = make_table(150)
    table["control"][:] = np.nan
    task = Task(fresh_net(), Dataset.of(VECTOR_1, table), tmp_path / "state", devices=Devices(count=2))
    with pytest.raises(TakeadError, match=r"the loss is nan in epoch 1, step 1"):
        DAGGER.train(task, Aggregation(Mix(draws=96), QUICK))
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("tpu", 1, "32"), "--accelerator 'tpu': expected one of auto, cpu, cuda"),
        (("cpu", 0, "32"), "--devices 0: expected 1 to"),
        (("cpu", 1000, "32"), "--devices 1000: expected 1 to"),
        (("cpu", 1, "16"), "--precision '16': expected one of 32, bf16-mixed"),
        (("cpu", 1, "bf16-mixed"), "--precision bf16-mixed: needs CUDA, this is --accelerator cpu"),
    ],
)
def test_what_is_not_there_is_refused(asked: tuple[str, int, str], message: str) -> None:
    with pytest.raises(TakeadError, match=message):
        Devices(*asked)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_without_cuda_auto_is_the_cpu_and_cuda_is_refused() -> None:
    assert Devices("auto") == Devices()
    with pytest.raises(TakeadError, match=r"--accelerator cuda: torch .* finds no CUDA device here"):
        Devices("cuda")


def test_rows_of_a_shard_are_pickled_by_where_they_lie(tmp_path: Path) -> None:
    rows = make_data(40).parts[0]
    files = []
    for name, values in (("inputs", rows.inputs), ("targets", rows.targets)):
        files.append(tmp_path / f"{name}.npy")
        np.save(files[-1], values)
    parts = [
        ClipRows(mapped(files[0])[at : at + 20], mapped(files[1])[at : at + 20], str(at), None, (*files, at))
        for at in (0, 20)
    ]
    data = Dataset(VECTOR_1, parts).with_columns(extra=np.arange(40))
    stored = pickle.dumps(data)
    assert len(stored) < 20_000 < rows.inputs.nbytes
    back = pickle.loads(stored)
    some = np.array([3, 39, 20])
    for name, values in data.batch(some, ("speed", "extra")).items():
        np.testing.assert_array_equal(back.batch(some, ("speed", "extra"))[name], values)
