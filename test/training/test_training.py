from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from support.tables import make_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.vocabulary import kinematic_anchors
from takead_ros.recording.clip import Label
from takead_training.bc import imitation_loss, train_bc
from takead_training.checkpoint import Provenance, load_checkpoint, save_checkpoint
from takead_training.dagger import BUCKETS, Mix, bucket_rows, draw, train_dagger
from takead_training.net import PolicyNet
from takead_training.preference import FOREIGN, Preference, find_pairs, train_preference
from takead_training.samples import LABELS, Table
from takead_training.trainer import Schedule, choice_figures, fit, prepare, tensors

pytestmark = pytest.mark.slow

QUICK = Schedule(epochs=3, batch=32, rate=1e-3, threads=1)


def same_weights(first: PolicyNet, second: PolicyNet) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def fresh_net(seed: int = 0) -> PolicyNet:
    torch.manual_seed(seed)
    return PolicyNet(kinematic_anchors())


class CtrlCError(Exception):
    """Stands for Ctrl-C."""


def interrupt_at(epoch: int):  # type: ignore[no-untyped-def]
    def progress(done: int, total: int, figures: dict[str, float]) -> None:
        if done == epoch:
            raise CtrlCError

    return progress


def test_a_batch_can_be_learned_by_heart(tmp_path: Path) -> None:
    prepare(QUICK)
    net, data = fresh_net(), tensors(make_table(24))
    rows = np.arange(24)
    before = choice_figures(net, data, rows)
    fit(
        net, data, lambda epoch: np.tile(rows, 5), lambda out, batch: imitation_loss(net, out, batch),
        Schedule(epochs=20, batch=24, rate=2e-3, threads=1), tmp_path / "state",
    )  # fmt: skip
    after = choice_figures(net, data, rows)
    assert after["ade_m"] < 0.25 < 2.0 < before["ade_m"]
    assert after["match"] > 0.6
    with torch.no_grad():
        control = net(data)["control"]
    assert float((control[:, 1] - data["control"][:, 1]).abs().mean()) < 0.3


def test_same_data_and_seed_give_the_same_weights(tmp_path: Path) -> None:
    table = make_table(150)
    one, _ = train_bc(table, Provenance("a", "bc"), QUICK, tmp_path / "a")
    two, _ = train_bc(table, Provenance("a", "bc"), QUICK, tmp_path / "b")
    other, _ = train_bc(table, Provenance("a", "bc"), Schedule(3, 32, 1e-3, seed=1, threads=1), tmp_path / "c")
    assert same_weights(one.net, two.net)
    assert not same_weights(one.net, other.net)


@pytest.mark.parametrize("stage", ["bc", "dagger", "preference"])
def test_an_interrupted_training_goes_on_to_the_very_same_weights(tmp_path: Path, stage: str) -> None:
    table = with_choices(make_table(150))

    def run(state: Path, progress=None) -> PolicyNet:  # type: ignore[no-untyped-def]
        if stage == "bc":
            return train_bc(table, Provenance("a", "bc"), QUICK, state, progress)[0].net
        net = fresh_net()
        if stage == "dagger":
            train_dagger(net, table, Mix(draws=96), QUICK, state, progress)
        else:
            train_preference(net, table, Mix(draws=96), Preference(), QUICK, state, progress)
        return net

    whole = run(tmp_path / "whole")
    with pytest.raises(CtrlCError):
        run(tmp_path / "cut", interrupt_at(2))
    assert same_weights(run(tmp_path / "cut"), whole)


def test_a_state_of_another_schedule_is_refused(tmp_path: Path) -> None:
    table = make_table(150)
    train_bc(table, Provenance("a", "bc"), QUICK, tmp_path / "state")
    with pytest.raises(TakeadError, match="was begun with"):
        train_bc(table, Provenance("a", "bc"), Schedule(epochs=9, threads=1), tmp_path / "state")
    (tmp_path / "state").write_bytes(b"PK not really")
    with pytest.raises(TakeadError, match="not a training state or cut short"):
        train_bc(table, Provenance("a", "bc"), QUICK, tmp_path / "state")


def test_checkpoint_round_trip_and_refusals(tmp_path: Path) -> None:
    made, _ = train_bc(make_table(150), Provenance("a", "bc", clips=("x",), seeds=(3,)), QUICK, tmp_path / "state")
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
    with pytest.raises(TakeadError, match="format 'other'"):
        load_checkpoint(tmp_path / "c.pt")


def test_too_few_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match="at least 100"):
        train_bc(make_table(20), Provenance("a", "bc"), QUICK, tmp_path / "state")


def test_buckets_leave_out_transitions_and_are_drawn_by_share() -> None:
    table = make_table(600)
    buckets = bucket_rows(table)
    masked = {LABELS.index(Label.TAKEOVER_START), LABELS.index(Label.HANDBACK)}
    assert not masked & set(table["label"][np.concatenate(list(buckets.values()))])
    rows = draw(table, Mix(draws=1000), seed=1, epoch=0)
    assert len(rows) == pytest.approx(1000, abs=len(BUCKETS))
    share = np.isin(rows, buckets["demonstration"]).mean()
    assert share == pytest.approx(0.45, abs=0.01)
    np.testing.assert_array_equal(rows, draw(table, Mix(draws=1000), seed=1, epoch=0))
    assert not np.array_equal(rows, draw(table, Mix(draws=1000), seed=1, epoch=1))


def test_an_empty_bucket_leaves_its_share_to_the_others() -> None:
    table = make_table(150)
    table["label"][:] = LABELS.index(Label.PRE)
    assert len(draw(table, Mix(draws=500), seed=0, epoch=0)) == 500
    table["label"][:] = LABELS.index(Label.HANDBACK)
    with pytest.raises(TakeadError, match="none of the samples"):
        draw(table, Mix(draws=500), seed=0, epoch=0)


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
    pairs = find_pairs(table, net.anchors, margin=0.02)
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
    table = with_choices(make_table(150))
    net = fresh_net()
    settings = Preference(loss=loss, weight=10.0)  # type: ignore[arg-type]
    pairs = find_pairs(table, net.anchors, settings.margin)
    kept = pairs.chosen >= 0
    rows = {name: values[torch.from_numpy(kept)] for name, values in tensors(table).items()}

    def margin() -> float:
        with torch.no_grad():
            logs = torch.log_softmax(net(rows)["logits"], -1).numpy()
        return float((logs[np.arange(kept.sum()), pairs.chosen[kept]] - logs[:, pairs.rejected[kept][0]]).mean())

    before = margin()
    history, used = train_preference(net, table, Mix(draws=200), settings, QUICK, tmp_path / "state")
    assert margin() > before + 0.5
    assert history[-1]["right"] > 0.7 and used["loss"] == loss


def test_without_pairs_the_weights_stay(tmp_path: Path) -> None:
    table, net = make_table(200), fresh_net()
    history, _ = train_preference(net, table, Mix(draws=100), Preference(), QUICK, tmp_path / "state")
    assert history == [{"pairs": 0.0}] and same_weights(net, fresh_net())


@pytest.mark.parametrize(
    "settings",
    [{"loss": "ppo"}, {"beta": 0.0}, {"weight": -1.0}, {"share": 1.0}],
    ids=lambda value: next(iter(value)),
)
def test_bad_preference_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(TakeadError, match="expected"):
        Preference(**settings)  # type: ignore[arg-type]
