"""Training by stages: the same weights from the same data, going on after a break, and what ends it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from support.nets import QUICK, fresh_net, same_weights
from support.tables import make_data, make_table, with_choices
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_ros.recording.clip import Label
from takead_training.architectures.network import PolicyNetwork
from takead_training.checkpoint import Checkpoint, ModelProvenance
from takead_training.data.columns import LABELS, Table
from takead_training.data.dataset import Dataset
from takead_training.settings import Aggregation, Imitation, Mix, Preference, Schedule
from takead_training.stages.bc import BC, Cloning, train_bc
from takead_training.stages.dagger import DAGGER
from takead_training.stages.fit import batch_of, choice_figures, fit, make_deterministic
from takead_training.stages.imitation import COLUMNS, imitation_loss
from takead_training.stages.preference import PREFERENCE
from takead_training.stages.registry import STAGES, stage_of
from takead_training.stages.stage import Outcome, Task, run_stages

pytestmark = pytest.mark.slow


def cloned(table: Table, state: Path, schedule: Schedule = QUICK, progress=None) -> PolicyNetwork:  # type: ignore[no-untyped-def]
    return train_bc(Task(None, Dataset.of(VECTOR_1, table), state, progress), Cloning(schedule)).net


class CtrlCError(Exception):
    """Stands for Ctrl-C."""


def interrupt_at(epoch: int):  # type: ignore[no-untyped-def]
    def progress(done: int, total: int, figures: dict[str, float]) -> None:
        if done * QUICK.epochs >= epoch * total:
            raise CtrlCError

    return progress


def test_a_batch_can_be_learned_by_heart(tmp_path: Path) -> None:
    make_deterministic(QUICK)
    net, data = fresh_net(), make_data(24)
    rows = np.arange(24)
    before = choice_figures(net, data, rows)
    fit(
        net,
        data,
        COLUMNS,
        lambda epoch: np.tile(rows, 5),
        lambda net, batch: imitation_loss(net, net(batch), batch, Imitation()),
        Schedule(epochs=20, batch=24, rate=2e-3, threads=1),
        tmp_path / "state",
    )
    after = choice_figures(net, data, rows)
    assert after["ade_m"] < 0.25 < 2.0 < before["ade_m"]
    assert after["match"] > 0.6
    batch = batch_of(data, rows, ("control",))
    with torch.no_grad():
        control = net(batch)["control"]
    assert float((control[:, 1] - batch["control"][:, 1]).abs().mean()) < 0.3


def test_same_data_and_seed_give_the_same_weights(tmp_path: Path) -> None:
    table = make_table(150)
    one, two = cloned(table, tmp_path / "a"), cloned(table, tmp_path / "b")
    assert same_weights(one, two)
    assert not same_weights(one, cloned(table, tmp_path / "c", Schedule(3, 32, 1e-3, seed=1, threads=1)))


@pytest.mark.parametrize("name", ["bc", "dagger", "preference"])
def test_an_interrupted_training_goes_on_to_the_very_same_weights(tmp_path: Path, name: str) -> None:
    table = with_choices(make_table(150))

    def run(state: Path, progress=None) -> PolicyNetwork:  # type: ignore[no-untyped-def]
        settings = {
            "bc": Cloning(QUICK),
            "dagger": Aggregation(Mix(draws=96), QUICK),
            "preference": Preference(mix=Mix(draws=96), schedule=QUICK),
        }[name]
        net = None if name == "bc" else fresh_net()
        return STAGES[name].train(Task(net, Dataset.of(VECTOR_1, table), state, progress), settings).net

    whole = run(tmp_path / "whole")
    with pytest.raises(CtrlCError):
        run(tmp_path / "cut", interrupt_at(2))
    assert same_weights(run(tmp_path / "cut"), whole)


def test_a_state_of_another_schedule_is_refused(tmp_path: Path) -> None:
    table = make_table(150)
    cloned(table, tmp_path / "state")
    with pytest.raises(TakeadError, match="was begun with"):
        cloned(table, tmp_path / "state", Schedule(epochs=9, threads=1))
    (tmp_path / "state").write_bytes(b"PK not really")
    with pytest.raises(TakeadError, match="not a training state or cut short"):
        cloned(table, tmp_path / "state")


@pytest.mark.parametrize("name", ["bc", "dagger", "preference"])
@pytest.mark.parametrize("column", ["control", "target_speed", "objects"])
def test_training_stops_at_a_loss_that_is_not_finite(tmp_path: Path, name: str, column: str) -> None:
    table = with_choices(make_table(150))
    table["label"][:] = LABELS.index(Label.DEMONSTRATION)
    table[column][40:50] = np.nan
    stage = {
        "bc": BC.with_settings(Cloning(QUICK)),
        "dagger": DAGGER.with_settings(Aggregation(Mix(draws=300), QUICK)),
        "preference": PREFERENCE.with_settings(Preference(mix=Mix(draws=300), schedule=QUICK)),
    }[name]
    net = None if name == "bc" else fresh_net()
    with pytest.raises(TakeadError, match=r"(loss|gradient) is nan in epoch 1, step"):
        stage.train(Task(net, Dataset.of(VECTOR_1, table), tmp_path / "state"), stage.settings)
    assert not (tmp_path / "state").exists()


def test_weights_that_leave_the_finite_numbers_stop_the_training(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match=r"not finite|is nan|is inf"):
        cloned(make_table(150), tmp_path / "state", Schedule(epochs=3, batch=32, rate=1e36, threads=1))


def test_too_few_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match="at least 100"):
        cloned(make_table(20), tmp_path / "state")


def test_stages_run_one_after_the_other_and_a_finished_one_is_not_run_again(tmp_path: Path) -> None:
    data = Dataset.of(VECTOR_1, with_choices(make_table(150)))
    stages = [
        DAGGER.with_settings(Aggregation(Mix(draws=64), QUICK)),
        PREFERENCE.with_settings(Preference(mix=Mix(draws=64), schedule=QUICK)),
    ]
    ran: list[str] = []

    def go() -> Checkpoint:
        def done(stage, outcome: Outcome) -> None:  # type: ignore[no-untyped-def]
            ran.append(stage.name)

        return run_stages(
            stages,
            fresh_net(),
            data,
            ModelProvenance("a", "bc", training={"bc": {}}),
            data.batch(np.arange(4), ()),
            lambda number, stage: tmp_path / f"{number}.pt",
            lambda *_: None,
            done,
        )

    first = go()
    assert ran == ["dagger", "preference"] and first.provenance.stage == "preference"
    assert list(first.provenance.training) == ["bc", "dagger", "preference"]
    assert not list(tmp_path.glob("*.state"))
    (tmp_path / "1.pt").unlink()
    assert same_weights(go().net, first.net) and ran == ["dagger", "preference", "preference"]
    with pytest.raises(TakeadError, match="no network to train on"):
        stages[0].train(Task(None, data, tmp_path / "s"), stages[0].settings)


@pytest.mark.parametrize("name", list(STAGES))
def test_a_stage_reads_only_the_columns_that_it_names(name: str) -> None:
    stage = stage_of(name)
    assert set(stage.columns) <= set(make_table(2)) and stage.description()["stage"] == name
    assert len(set(stage.columns)) == len(stage.columns)
