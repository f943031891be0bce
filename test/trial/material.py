"""What the trial's commands work on, made once by the commands themselves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from support import bundles
from takead_ros.cli.main import run
from takead_ros.files import write_record
from takead_ros.resources import resource
from takead_ros.runs.results import EpisodeResult, PassName, RunSettings, evaluation

GOLDEN = Path(__file__).parents[1] / "recording" / "golden"
QUICK = "--threads 1 --workers 1"


@dataclass(frozen=True)
class Said:
    """What one command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def all(self) -> str:
        return " ".join((self.stdout + " " + self.stderr).split())


def takead(arguments: list[str]) -> Said:
    """The command line in this process, by the same entry as the program's own."""
    stdout, stderr = StringIO(), StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr):
        code = run(arguments)
    return Said(code, stdout.getvalue(), stderr.getvalue())


def clip_name() -> str:
    return next(path.name for path in GOLDEN.iterdir())


def copy_clips(target: Path) -> None:
    """The folder with the golden clip, as ``target``."""
    shutil.copytree(GOLDEN, target)


def _shelf(folder: Path) -> None:
    copy_clips(folder / "shelf")


def _model(folder: Path) -> None:
    for name in ("novice.onnx", "novice.manifest.json"):
        shutil.copy(resource("models") / name, folder / name.replace("novice", "m"))


def _road_users(folder: Path) -> None:
    for name in ("agents.onnx", "agents.manifest.json"):
        shutil.copy(resource("models") / name, folder / name.replace("agents", "ru"))


def _bundles(folder: Path) -> None:
    """Bundles of the novice: releases 3 (signed) and 2 (unsigned), the keys, and an installed one of release 3."""
    (folder / "bundles").mkdir()
    bundles.write_keys(folder / "bundles")
    (folder / "bundles" / "b.tar.zst").write_bytes(bundles.make())
    (folder / "bundles" / "in_use.tar.zst").write_bytes(bundles.make())
    (folder / "bundles" / "old.tar.zst").write_bytes(bundles.make(release=2, key=None))
    (folder / "bundles" / "mine.yaml").write_bytes(bundles.PARAMETERS)


def _evaluations(folder: Path) -> None:
    """Two evaluations of the same episodes, as ``takead eval`` writes them; the figures are made up."""
    for name, score, takeovers in (("before", 60.0, 1), ("after", 100.0, 0)):
        results = [_result(seed, score, takeovers) for seed in range(4)]
        write_record(folder / f"{name}.json", evaluation(f"{name}.onnx", _settings(), _passes(results)))


def _run(folder: Path) -> None:
    """A finished run for ``takead report``, whose old policy was never taken over."""
    for name, score in (("before", 60.0), ("after", 100.0)):
        results = [_result(seed, score, 0) for seed in range(4)]
        write_record(folder / "run" / f"{name}.json", evaluation(f"{name}.onnx", _settings(), _passes(results)))


def _result(seed: int, score: float, takeovers: int) -> EpisodeResult:
    return EpisodeResult(
        suite="cut_in", scenario="cut_in", seed=seed, ability="merging", threat=True, driving_score=score,
        success=score == 100.0, success_rate=float(score == 100.0), route_completion=1.0, penalty=score / 100.0,
        infractions=(), takeovers=takeovers, takeovers_per_km=5.0 * takeovers, expert_share=0.1 * takeovers,
        min_ttc=1.0, comfort=1.0, efficiency=None, duration=20.0, distance=200.0, mean_speed=10.0, end="goal",
        triggers=("collision_predicted",) * takeovers, driver="assisted",
    )  # fmt: skip


def _settings() -> RunSettings:
    return RunSettings(
        model_sha256="", suite="cut_in", families=("cut_in",), seeds=(0, 1, 2, 3), version="0",
        simulator="metadrive 0.4.3", parameters={},
    )  # fmt: skip


def _passes(results: list[EpisodeResult]) -> dict[PassName, list[EpisodeResult]]:
    return {"unassisted": results, "assisted": results}


def _checkpoint(folder: Path) -> None:
    _well(f"train bc driven --out cloned.pt --epochs 1 {QUICK}")
    shutil.rmtree(folder / "cache")


def _round(folder: Path) -> None:
    _well(
        "train round --parent novice --clips shelf --out round1 --dagger-epochs 1 --preference-epochs 1 --draws 64 "
        + QUICK
    )


def _driven(folder: Path) -> None:
    _well("drive --model expert --suite intersection_right --seeds training:0 --bags driven --record all")


def _well(command: str) -> None:
    said = takead(command.split())
    assert said.code == 0, said.all


# name of a file or folder (a prefix of it) -> what makes it; in the order in which they build on each other
MATERIAL: dict[str, Callable[[Path], None]] = {
    "shelf": _shelf,
    "m": _model,
    "ru": _road_users,
    "bundles": _bundles,
    "before": _evaluations,
    "after": lambda folder: None,
    "run": _run,
    "driven": _driven,
    "cloned": _checkpoint,
    "round1": _round,
}


def make(folder: Path) -> Path:
    """All of it in ``folder``."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        for made in MATERIAL.values():
            made(folder)
    finally:
        os.chdir(here)
    return folder


def copy(name: str, source: Path, target: Path) -> None:
    """The files of one material."""
    for path in source.iterdir():
        if path.name == name or path.name.startswith(f"{name}."):
            shutil.copytree(path, target / path.name) if path.is_dir() else shutil.copy(path, target / path.name)
