from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from support.tables import make_data, make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vector import VECTOR_1
from takead_ros.policy.vocabulary import kinematic_anchors
from takead_ros.recording.clip import Label
from takead_training.architectures.network import PolicyNetwork
from takead_training.architectures.registry import ARCHITECTURES
from takead_training.checkpoint import Checkpoint, ModelProvenance, load_checkpoint, save_checkpoint
from takead_training.data.columns import FOREIGN, LABELS, Table
from takead_training.data.dataset import Dataset
from takead_training.data.mix import bucket_counts, bucket_rows, draw_rows
from takead_training.settings import BUCKETS, DEFAULT_ARCHITECTURE, Aggregation, Imitation, Mix, Preference, Schedule
from takead_training.stages.bc import BC, Cloning, train_bc
from takead_training.stages.dagger import DAGGER
from takead_training.stages.fit import batch_of, choice_figures, fit, make_deterministic
from takead_training.stages.imitation import COLUMNS, imitation_loss
from takead_training.stages.losses import log_probabilities
from takead_training.stages.preference import PREFERENCE, find_pairs
from takead_training.stages.registry import STAGES, stage_of
from takead_training.stages.stage import Outcome, Task, run_stages

pytestmark = pytest.mark.slow

QUICK = Schedule(epochs=3, batch=32, rate=1e-3, threads=1)


def same_weights(first: PolicyNetwork, second: PolicyNetwork) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def fresh_net(seed: int = 0) -> PolicyNetwork:
    torch.manual_seed(seed)
    return ARCHITECTURES[DEFAULT_ARCHITECTURE](kinematic_anchors())


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


def test_checkpoint_round_trip_and_refusals(tmp_path: Path) -> None:
    made = Checkpoint(
        fresh_net(), ModelProvenance("a", "bc", clips=("x",), seeds=(3,)), make_data(4).batch(np.arange(4), ())
    )
    save_checkpoint(made, tmp_path / "a.pt")
    back = load_checkpoint(tmp_path / "a.pt")
    assert same_weights(back.net, made.net) and back.provenance == made.provenance
    np.testing.assert_array_equal(back.frames["objects"], made.frames["objects"])
    data = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "b.pt").write_bytes(data[: len(data) // 2])
    for path, message in ((tmp_path / "b.pt", "cut short"), (tmp_path / "none.pt", "No such file")):
        with pytest.raises(TakeadError, match=message):
            load_checkpoint(path)
    torch.save({"format": "other"}, tmp_path / "c.pt")
    with pytest.raises(TakeadError, match="not what its sha256 says"):
        load_checkpoint(tmp_path / "c.pt")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p["state"]["logits.bias"].mul_(1.0001), "not what its sha256 says .changed"),
        (lambda p: p["provenance"].update(name="better"), "not what its sha256 says .changed"),
        (lambda p: p.pop("sha256"), "not what its sha256 says .none"),
    ],
    ids=["weight", "provenance", "digest"],
)
def test_a_checkpoint_that_was_changed_is_refused(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    made = Checkpoint(fresh_net(), ModelProvenance("a", "bc"), make_data(4).batch(np.arange(4), ()))
    save_checkpoint(made, tmp_path / "a.pt")
    payload = torch.load(tmp_path / "a.pt", weights_only=True)
    change(payload)
    torch.save(payload, tmp_path / "a.pt")
    with pytest.raises(TakeadError, match=message):
        load_checkpoint(tmp_path / "a.pt")


def test_a_checkpoint_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    net = fresh_net()
    with torch.no_grad():
        net.get_parameter("speed.bias")[0] = torch.nan
    save_checkpoint(
        Checkpoint(net, ModelProvenance("a", "bc"), make_data(4).batch(np.arange(4), ())), tmp_path / "a.pt"
    )
    with pytest.raises(TakeadError, match="not finite"):
        load_checkpoint(tmp_path / "a.pt")


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
            stages, fresh_net(), data, ModelProvenance("a", "bc", training={"bc": {}}), data.batch(np.arange(4), ()),
            lambda number, stage: tmp_path / f"{number}.pt", lambda *_: None, done,
        )  # fmt: skip

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
    assert set(stage.columns) <= set(make_table(2)) and stage.asked()["stage"] == name
    assert len(set(stage.columns)) == len(stage.columns)


def test_buckets_leave_out_transitions_and_are_drawn_by_share() -> None:
    table = make_table(600)
    data = Dataset.of(VECTOR_1, table)
    buckets = bucket_rows(data)
    masked = {LABELS.index(Label.TAKEOVER_START), LABELS.index(Label.HANDBACK)}
    assert not masked & set(table["label"][np.concatenate(list(buckets.values()))])
    mix = Mix(draws=1000)
    rows = draw_rows(data, mix, seed=1, epoch=0)
    assert len(rows) == pytest.approx(1000, abs=len(BUCKETS)) and all(len(rows) for rows in buckets.values())
    for name, share in mix.shares.items():
        wanted = share / sum(mix.shares.values())
        assert np.isin(rows, buckets[name]).mean() == pytest.approx(wanted, abs=0.01), name
    np.testing.assert_array_equal(rows, draw_rows(data, mix, seed=1, epoch=0))
    assert not np.array_equal(rows, draw_rows(data, mix, seed=1, epoch=1))


def test_frames_far_from_a_takeover_are_relabelled_ones() -> None:
    table = make_table(300)
    table["label"][:] = LABELS.index(Label.PRE)
    table["until_takeover_s"][:], table["since_takeover_s"][:] = 1e4, 1e4
    table["until_takeover_s"][:50], table["since_takeover_s"][50:90] = 4.9, 1.9
    found = {name: len(rows) for name, rows in bucket_rows(Dataset.of(VECTOR_1, table)).items()}
    assert found == {"demonstration": 0, "whole": 0, "pre": 50, "takeover": 0, "post": 40, "relabelled": 210}


def test_labels_that_no_vehicle_could_follow_are_left_out_and_counted() -> None:
    table = make_table(300)
    table["followable"][:100] = 0
    data = Dataset.of(VECTOR_1, table)
    assert draw_rows(data, Mix(draws=500), 0, 0).min() >= 100
    assert draw_rows(data, Mix(draws=500, followable=False), 0, 0).min() < 100
    whole = sum(len(rows) for rows in bucket_rows(data).values())
    counts = bucket_counts(data, Mix())
    assert sum(counts.values()) == whole and counts["not_followable"] > 20


def test_an_empty_bucket_leaves_its_share_to_the_others() -> None:
    table = make_table(150)
    table["label"][:] = LABELS.index(Label.PRE)
    table["until_takeover_s"][:] = 1.0
    assert len(draw_rows(Dataset.of(VECTOR_1, table), Mix(draws=500), seed=0, epoch=0)) == 500
    table["label"][:] = LABELS.index(Label.HANDBACK)
    with pytest.raises(TakeadError, match="none of the samples"):
        draw_rows(Dataset.of(VECTOR_1, table), Mix(draws=500), seed=0, epoch=0)


def with_choices(table: Table) -> Table:
    """Everywhere the policy chose to drive on as it was (anchor 67 or so), and the expert was safer in half of them."""
    random = np.random.default_rng(5)
    count = len(table["speed"])
    straight = int(np.abs(kinematic_anchors()).sum((1, 2)).argmin())
    table["choice"] = np.full(count, straight, np.int64)
    table["choice_profile"] = np.broadcast_to(kinematic_anchors()[straight], table["profile"].shape).astype(np.float32)
    table["policy_score"] = np.full(count, 0.5, np.float32)
    table["expert_score"] = np.where(random.random(count) < 0.5, 0.9, 0.5).astype(np.float32)
    return table


def test_pairs_are_where_the_expert_is_safer_and_chose_differently() -> None:
    table = with_choices(make_table(400))
    table["choice"][:20] = -1
    table["choice"][20:40] = FOREIGN
    net = fresh_net()
    pairs = find_pairs(Dataset.of(VECTOR_1, table), net.anchors, margin=0.02)
    kept = pairs.chosen >= 0
    assert pairs.counts["pairs"] == kept.sum() > 20
    assert np.all(table["expert_score"][kept] > table["policy_score"][kept] + 0.02)
    assert np.all(pairs.chosen[kept] != pairs.rejected[kept])
    assert not kept[:20].any()
    assert np.all(pairs.rejected[20:40][kept[20:40]] >= 0)
    transition = np.isin(table["label"], [LABELS.index(Label.TAKEOVER_START), LABELS.index(Label.HANDBACK)])
    assert not kept[transition].any()
    assert sum(n for name, n in pairs.counts.items() if name != "frames") == pairs.counts["frames"] == 380


@pytest.mark.parametrize("loss", ["dpo", "simpo"])
def test_preference_training_makes_the_policy_prefer_the_expert(tmp_path: Path, loss: str) -> None:
    data = Dataset.of(VECTOR_1, with_choices(make_table(150)))
    net = fresh_net()
    settings = Preference(loss=loss, weight=10.0, mix=Mix(draws=200), schedule=QUICK, may_fall=9.0)  # type: ignore[arg-type]
    pairs = find_pairs(data, net.anchors, settings.margin)
    kept = np.flatnonzero(pairs.chosen >= 0)
    rows = batch_of(data, kept, ())

    def margin() -> float:
        with torch.no_grad():
            logits = net(rows)["logits"]
        chosen, rejected = (torch.from_numpy(side[kept]) for side in (pairs.chosen, pairs.rejected))
        return float((log_probabilities(logits, chosen) - log_probabilities(logits, rejected)).mean())

    before = margin()
    outcome = PREFERENCE.train(Task(net, data, tmp_path / "state"), settings)
    assert margin() > before + 0.5
    assert outcome.history[-1]["right"] > 0.7 and outcome.used["loss"] == loss


def test_a_falling_chosen_side_stops_the_preference_and_undoes_the_epoch(tmp_path: Path) -> None:
    data = Dataset.of(VECTOR_1, with_choices(make_table(150)))
    # A rise of more than 20 nats is asked for: no epoch can be accepted.
    settings = Preference(mix=Mix(draws=96), schedule=QUICK, may_fall=-20.0)
    net = fresh_net()
    outcome = PREFERENCE.train(Task(net, data, tmp_path / "state"), settings)
    assert len(outcome.history) == 1 and outcome.history[0]["stopped"] == 1.0
    assert same_weights(net, fresh_net())
    again = PREFERENCE.train(Task(fresh_net(), data, tmp_path / "state"), settings)
    assert again.history == outcome.history and same_weights(again.net, fresh_net())


def test_without_pairs_the_weights_stay(tmp_path: Path) -> None:
    net = fresh_net()
    settings = Preference(mix=Mix(draws=100), schedule=QUICK)
    outcome = PREFERENCE.train(Task(net, make_data(200), tmp_path / "state"), settings)
    assert outcome.history == [{"pairs": 0.0}] and same_weights(net, fresh_net())


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "ppo"},
        {"rejected": "any"},
        {"beta": 0.0},
        {"weight": -1.0},
        {"share": 1.0},
        {"beta": float("nan")},
        {"gamma": float("inf")},
        {"may_fall": float("nan")},
    ],
    ids=lambda value: next(iter(value)),
)
def test_bad_preference_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(TakeadError, match="expected"):
        Preference(**settings)  # type: ignore[arg-type]
