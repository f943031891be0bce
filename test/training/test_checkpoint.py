"""Checkpoints: a round trip, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from support.nets import fresh_net, same_weights
from support.tables import make_data
from takead_ros.domain.errors import TakeadError
from takead_training.checkpoint import Checkpoint, ModelProvenance, load_checkpoint, save_checkpoint

pytestmark = pytest.mark.slow


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
