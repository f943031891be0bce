"""``takead compare`` on two evaluations written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.results import episode_result
from takead_ros.files import write_record
from takead_ros.runs.results import RunSettings
from takead_ros.runs.results import evaluation as summed_up

pytestmark = pytest.mark.slow


def evaluation(path: Path, model: str, scores: list[float], takeovers: int = 1) -> Path:
    """One episode for each score, in two families in turn."""
    results = [
        episode_result(
            scenario=("cut_in", "accident")[seed % 2],
            seed=seed,
            driving_score=score,
            success=score == 100.0,
            success_rate=float(score == 100.0),
            penalty=score / 100.0,
            takeovers=takeovers,
            takeovers_per_km=5.0 * takeovers,
            expert_share=0.1 * takeovers,
            min_ttc=1.0,
            triggers=("collision_predicted",) * takeovers,
        )
        for seed, score in enumerate(scores)
    ]
    settings = RunSettings(
        model_sha256="",
        suite="demo",
        families=("accident", "cut_in"),
        seeds=tuple(range(len(scores))),
        version="0",
        simulator="metadrive 0.4.3",
        parameters={},
    )
    path.unlink(missing_ok=True)
    write_record(path, summed_up(model, settings, {"unassisted": results, "assisted": results}))
    return path


def edited(old: str, new: str) -> Callable[[Path], object]:
    """Replaces the first ``old`` of a file."""

    def edit(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit


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
    assert "old.onnx" in result.stdout and "10/1/1" in result.stdout
    takeovers = next(line for line in result.stdout.splitlines() if "Takeovers per km" in line)
    assert "12/0/0" in takeovers  # fewer is better


@pytest.mark.parametrize(
    ("damage", "parts"),
    [
        (lambda path: path.unlink(), ["new.json", "No such file"]),
        (lambda path: path.write_text("{"), ["new.json", "expected JSON"]),
        (lambda path: path.write_text("{}"), ["new.json", "expected JSON", "required"]),
        (lambda path: path.write_text("[" * 100_000), ["new.json", "recursion"]),
        (lambda path: path.write_bytes(b"\xff\xfe"), ["new.json", "expected JSON"]),
        (edited('"driving_score": 60.0', '"driving_score": NaN'), ["new.json", "driving_score", "finite"]),
        (edited('"driving_score": 60.0', '"driving_score": Infinity'), ["new.json", "driving_score", "finite"]),
        (edited('"driving_score": 60.0', '"driving_score": "high"'), ["new.json", "driving_score", "number"]),
        (edited('"driving_score": 60.0', '"driving_score": null'), ["new.json", "driving_score", "number"]),
        (edited('"infractions": []', '"infractions": 3'), ["new.json", "infractions"]),
        (edited('"infractions": []', '"infractions": [{"a": 1}]'), ["new.json", "infractions.0"]),
        (edited('"scenario": "cut_in"', '"scenario": null'), ["new.json", "scenario"]),
        (edited('"seed": 0', '"seed": [0]'), ["new.json", "seed"]),
        (edited('"suite"', '"sweet"'), ["new.json", "suite"]),
        (lambda path: evaluation(path, "new.onnx", [60.0] * 3), ["no pairs"]),
    ],
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


def test_the_table_fits_80_columns_and_names_are_printed_as_they_are(takead: Any, tmp_path: Path) -> None:
    old = evaluation(tmp_path / "old.json", "[bold]x.onnx", [60.0] * 12)
    new = evaluation(tmp_path / "new.json", "[red]:x:.onnx", [100.0] * 12)
    result = takead("compare", old, new, COLUMNS="80")
    assert result.returncode == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80 and "…" not in result.stdout
    assert "[bold]x.onnx" in result.stdout and "[red]:x:.onnx" in result.stdout
    assert "+40.0 .. +40.0" in result.stdout


def test_one_figure_is_the_same_in_every_place(takead: Any, tmp_path: Path) -> None:
    """Takeovers per km and expert share are pooled in the evaluation's file, in the comparison and in its table."""
    old = evaluation(tmp_path / "old.json", "old.onnx", [60.0] * 12, takeovers=2)
    result = takead("compare", old, old, "--json", tmp_path / "same.json")
    assert result.returncode == 0, result.stderr
    own, pair = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("old", "same"))
    for key in ("takeovers_per_km", "expert_share", "driving_score"):
        assert own[key] == pair["differences"][key]["old"] == own["passes"]["assisted"][key]
    assert f"{own['takeovers_per_km']:.2f}" in result.stdout
