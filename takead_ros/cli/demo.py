"""``takead demo``: the whole loop once, small. Each stage leaves its result in the run's folder and is not repeated."""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

from takead_ros import __version__
from takead_ros.cli.drive import drive, open_run
from takead_ros.cli.evaluate import PASSES, evaluate
from takead_ros.console import stderr, stdout, write_json
from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder
from takead_ros.resources import resource
from takead_ros.runs.journal import Ledger
from takead_ros.runs.results import comparison, comparison_table, job
from takead_ros.runs.workers import Fleet

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)

SETTINGS = "run.json"


@dataclass(frozen=True)
class Plan:
    """Sizes of a demo: seeds for each of the suite's families, epochs of the two training phases."""

    suite: str
    demonstrations: int
    drives: int
    tests: int
    dagger_epochs: int
    preference_epochs: int
    draws: int  # samples that an epoch of training draws

    def seeds(self, split: str, count: int) -> str:
        return f"{split}:0-{count - 1}"


class Demo:
    """One run in ``folder``. Every method is a stage: it returns at once where its result is there already."""

    def __init__(self, folder: Path, plan: Plan, model: Path, fleet: Fleet, workers: int) -> None:
        self.folder, self.plan, self.fleet, self.workers = folder, plan, fleet, workers
        self.before = job(str(model), plan.suite, plan.seeds("test", plan.tests))
        self._open()

    def _open(self) -> None:
        """Begin the run, or check that the folder holds an unfinished one of the same settings."""
        settings = json.loads(
            json.dumps({"plan": asdict(self.plan), "model_sha256": self.before.model_sha256, "version": __version__})
        )
        file = self.folder / SETTINGS
        if self.folder.exists() and not self.folder.is_dir():
            raise TakeadError(f"output '{self.folder}': is a file, expected a folder")
        if not file.exists():
            if self.folder.is_dir() and any(path.name != f"{SETTINGS}.part" for path in self.folder.iterdir()):
                raise TakeadError(
                    f"output folder '{self.folder}' is not empty and holds no demo; expected a new folder "
                    "(nothing is overwritten)"
                )
            write_json(file, settings)
            return
        writable_folder(self.folder)
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise TakeadError(f"'{file}': not JSON ({problem}); expected the settings of a demo") from problem
        if found != settings:
            raise TakeadError(
                f"output folder '{self.folder}' holds a demo with other settings ({SETTINGS}: {found}); expected "
                f"{settings}, or another folder: --out FOLDER (nothing is overwritten)"
            )

    def demonstrate(self) -> None:
        """The expert drives on training seeds; whole episodes are recorded."""
        work = job("expert", self.plan.suite, self.plan.seeds("training", self.plan.demonstrations))
        bags = self.folder / "demonstrations"
        drive(work, "all", bags, self.fleet, open_run(bags, work, "all"), "expert's demonstrations")

    def collect(self) -> dict[str, Any]:
        """The old policy drives on collection seeds and is taken over; each takeover becomes a clip."""
        work = job(self.before.model, self.plan.suite, self.plan.seeds("collection", self.plan.drives))
        bags = self.folder / "drive"
        content = drive(work, "clips", bags, self.fleet, open_run(bags, work, "clips"), "driving with takeovers")
        clips = sum(len(episode["clips"]) for episode in content["episodes"])
        counts = ", ".join(f"{name} {count}" for name, count in sorted(content["triggers"].items()))
        stdout.print(f"  {clips} takeover clips ({counts or 'no takeover'}): takead clips ls {bags}")
        if not clips:
            raise TakeadError(
                f"'{bags}': the policy was never taken over, so there is nothing to learn from; expected takeovers on "
                "the collection seeds (a weaker model, or more seeds)"
            )
        write_json(self.folder / "drive.json", content)
        return content

    def train(self) -> Path:
        """DAgger and preference optimisation, then export with its parity gate; returns the new model."""
        self._takead(
            "train", "round", "--parent", self.before.model, "--clips", self.folder / "drive",
            "--demos", self.folder / "demonstrations", "--out", self.folder / "round",
            "--dagger-epochs", self.plan.dagger_epochs, "--preference-epochs", self.plan.preference_epochs,
            "--draws", self.plan.draws, "--workers", self.workers, "--threads", self.workers,
        )  # fmt: skip
        model = self.folder / "round" / "model.onnx"
        self._takead("model", "verify", model)
        return model

    def compare(self, model: Path) -> dict[str, Any]:
        """Old and new model on the same held-out seeds, alone and assisted."""
        parts = {}
        for name, path in (("before", self.before.model), ("after", str(model))):
            file = self.folder / f"{name}.json"
            work = job(path, self.plan.suite, self.plan.seeds("test", self.plan.tests))
            ledger = Ledger(self.folder / f"{name}.episodes.jsonl", {**work.settings(), "passes": list(PASSES)})
            label = "old policy, held-out seeds" if name == "before" else "new policy, held-out seeds"
            parts[name] = evaluate(work, PASSES, self.fleet, ledger, label)
            write_json(file, parts[name])
        content = comparison(parts["before"], parts["after"])
        write_json(self.folder / "comparison.json", content)
        return content

    def _takead(self, *arguments: object) -> None:
        """Run another verb as its own process, as a user would; Ctrl-C reaches it and it is waited for."""
        command = [sys.executable, "-m", "takead_ros.cli.main", *map(str, arguments)]
        child = subprocess.Popen(command, preexec_fn=_end_with_parent)
        try:
            code = child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(timeout=60.0)
            except subprocess.TimeoutExpired:
                child.kill()
            raise
        if code:
            raise TakeadError(f"'takead {' '.join(map(str, arguments[:2]))}' ended with exit code {code} (see above)")


def _end_with_parent() -> None:
    """In a child before it starts: the kernel sends it SIGTERM when the demo is gone, however that came about."""
    set_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)


@app.command(
    epilog="Example: [bold]takead demo --out runs/demo --workers 2[/bold]   (Ctrl-C, and the same command goes on)"
)
def demo(
    out: Path = typer.Option(Path("runs/demo"), help="Folder of the run; an unfinished run in it is continued."),
    model: Path | None = typer.Option(None, help="The policy to begin with (default: the shipped baseline)."),
    workers: int = typer.Option(2, min=1, help="Processes; the results do not depend on it."),
    suite: str = typer.Option("demo", hidden=True),
    demonstrations: int = typer.Option(4, min=1, hidden=True, help="Training seeds for each family."),
    drives: int = typer.Option(6, min=1, hidden=True, help="Collection seeds for each family."),
    tests: int = typer.Option(6, min=1, hidden=True, help="Test seeds for each family."),
    dagger_epochs: int = typer.Option(16, min=1, hidden=True),
    preference_epochs: int = typer.Option(2, min=1, hidden=True),
    draws: int = typer.Option(12_000, min=1, hidden=True),
) -> None:
    """The whole loop once: drive the shipped policy, be taken over, learn from it, drive better.

    Writes bags, clips, the new model, the comparison and report.html to the run's folder. About 10 minutes on 2 cores.
    """
    plan = Plan(suite, demonstrations, drives, tests, dagger_epochs, preference_epochs, draws)
    stdout.print(
        f"[bold]takead demo[/bold]: drives a policy, lets the expert take over, learns from it, compares. "
        f"About 10 minutes on 2 cores ({workers} workers).\n"
        f"Everything goes to {out}; Ctrl-C at any time, the same command goes on where it stopped."
    )
    begin = time.monotonic()
    try:
        with Fleet(workers) as fleet:
            _run(out, plan, model or resource("models/baseline.onnx"), fleet, workers)
    except KeyboardInterrupt as stop:
        stderr.print(f"stopped; what is finished is kept in {out}, the same command goes on")
        raise typer.Exit(130) from stop
    stdout.print(f"finished in {(time.monotonic() - begin) / 60.0:.1f} minutes")


def _run(out: Path, plan: Plan, model: Path, fleet: Fleet, workers: int) -> None:
    from takead_ros.cli.report import write_report

    run = Demo(out, plan, model, fleet, workers)

    def stage(number: int, title: str, work: Callable[[], Any]) -> Any:
        stdout.print(f"[bold]{number}/6[/bold] {title}")
        return work()

    sha256 = run.before.model_sha256
    stage(1, f"the shipped policy {model.name} (sha256 {sha256[:12]}) is loaded and verified; the expert demonstrates",
          run.demonstrate)  # fmt: skip
    stage(2, "drive it on collection seeds, the expert ready to take over", run.collect)
    new = stage(3, "train one round on the takeovers: DAgger, then preference optimisation; export, verify", run.train)
    content = stage(4, "old and new policy on the same held-out seeds", lambda: run.compare(new))
    stage(5, "one takeover, old and new side by side; report", lambda: write_report(out))
    stdout.print("[bold]6/6[/bold] result")
    stdout.print(comparison_table(content))
    stdout.print(f"report: {out / 'report.html'}")
