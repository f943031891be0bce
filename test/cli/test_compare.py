"""``takead compare`` on two evaluations written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from takead_ros.measures.driving_score import EpisodeResult

pytestmark = pytest.mark.slow


def evaluation(path: Path, model: str, scores: list[float], takeovers: int = 1, **keys: Any) -> Path:
    """One episode for each score, in two families in turn."""
    episodes = []
    for seed, score in enumerate(scores):
        result = EpisodeResult(
            "demo", ("cut_in", "accident")[seed % 2], seed, "merging", True, score, score == 100.0,
            float(score == 100.0), 1.0, score / 100.0, (), takeovers, 5.0 * takeovers, 0.1 * takeovers, 1.0, 1.0, None,
            20.0, 200.0, 10.0, "goal",
        ).as_dict()  # fmt: skip
        episodes.append({**result, "assisted": result})
    content = {
        "episodes": episodes, "episode_count": len(scores), "suite": "demo", "seeds": list(range(len(scores))),
        "model": model, "model_sha256": "", "simulator": "metadrive 0.4.3", **keys,
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


def test_differences_intervals_wins_and_losses(takead: Any, tmp_path: Path) -> None:
    old = evaluation(tmp_path / "old.json", "old.onnx", [60.0] * 11 + [100.0], takeovers=2)
    new = evaluation(tmp_path / "new.json", "new.onnx", [100.0] * 10 + [60.0, 60.0])
    result = takead("compare", old, new, "--json", tmp_path / "out" / "compared.json")
    assert result.returncode == 0, result.stderr
    found = json.loads((tmp_path / "out" / "compared.json").read_text())
    score = found["differences"]["driving_score"]
    assert (score["old"], score["higher"], score["equal"], score["lower"]) == (pytest.approx(63.33, abs=0.01), 10, 1, 1)
    assert score["difference"] == pytest.approx(30.0) and score["low"] < 30.0 < score["high"]
    assert set(found["scenarios"]) == {"accident", "cut_in"}
    assert found["scenarios"]["cut_in"]["difference"] == pytest.approx(40.0 * 5 / 6)
    assert "old.onnx" in result.stdout and "10 / 1 / 1" in result.stdout
    takeovers = next(line for line in result.stdout.splitlines() if "Takeovers per km" in line)
    assert "12 / 0 / 0" in takeovers  # fewer is better


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (lambda path: path.unlink(), ["new.json", "No such file"]),
        (lambda path: path.write_text("{"), ["new.json", "expected JSON"]),
        (lambda path: path.write_text("{}"), ["new.json", "episodes", "missing"]),
        (lambda path: evaluation(path, "new.onnx", [60.0] * 3), ["no pairs"]),
    ],
    ids=["none", "no JSON", "other JSON", "other episodes"],
)
def test_bad_input(
    takead: Any, one_error: Any, tmp_path: Path, damage: Callable[[Path], object], parts: list[str]
) -> None:
    old, new = (evaluation(tmp_path / f"{name}.json", name, [60.0] * 4) for name in ("old", "new"))
    damage(new)
    one_error(takead("compare", old, new), *parts)


def test_nothing_is_overwritten(takead: Any, one_error: Any, tmp_path: Path) -> None:
    old = evaluation(tmp_path / "old.json", "old.onnx", [60.0] * 4)
    one_error(takead("compare", old, old, "--json", old), "old.json", "exists")
