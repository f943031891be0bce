"""The outer loop: collect takeovers -> train a round -> gate against the parent -> promote it or keep the parent.

LOOP/loop.json           what was asked for, and every round so far; written after each stage
LOOP/demonstrations/     the expert's own drives, on training seeds
LOOP/round-1/clips/      the parent driven on collection seeds, a clip for each takeover; drive.json sums it up
LOOP/round-1/collected/  in the place of clips where the loop is ``batched``: the rows that takeovers teach
LOOP/round-1/training/   the trainer's folder, with the new model
LOOP/encoded/            the clips of all rounds, encoded once
LOOP/round-1/gate.json   parent and new model on the same selection seeds
LOOP/selection/          each model's evaluation there, by its sha256: a promoted model is not evaluated twice
LOOP/before.json, after.json, comparison.json    of the final comparison (``runs.final``), which alone drives test seeds

Stopped at any point (Ctrl-C, kill), the same call goes on there. Each round collects on seeds of its own and trains on
the clips of all rounds so far (DAgger, Ross et al. 2011).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from takead_ros import __version__
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import SPLIT_SIZE, parse_seeds
from takead_ros.files import locked, to_json, writable_folder, write_record
from takead_ros.policy.model import load_model
from takead_ros.runs.drive import EpisodeWorkers, check_folder, drive
from takead_ros.runs.episode import EXPERT
from takead_ros.runs.evaluate_batched import BatchWorkers, check_batched
from takead_ros.runs.gate import decide_promotion
from takead_ros.runs.kept import Shows, by_batches, by_nodes, kept_evaluation
from takead_ros.runs.loop_state import STATE, LoopPlan, LoopState, Round, model_of, read_state
from takead_ros.runs.results import PASSES, Evaluation, comparison
from takead_ros.runs.spec import RunSpec
from takead_ros.scenarios.suites import load_suite

COLLECTED = "collected"  # the folder of a batched round's takeovers


class Trainer(Protocol):
    """Makes a better model of takeovers; handed in, so that nothing here needs torch."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What decides the model, beside the data."""

    def train(
        self,
        parent: Path,
        base: Path,
        clips: Sequence[Path],
        demonstrations: Sequence[Path],
        out: Path,
        encoded: Path,
    ) -> Path:
        """Train ``base`` on folders of ``clips`` (of drives of ``parent``, and of rounds before) and
        ``demonstrations``; returns the new model, somewhere in ``out``. Encoded clips are kept in ``encoded``.

        The same call goes on with what an interrupted one left in ``out``, and returns at once where it was finished.
        """

    def collect(self, spec: RunSpec, out: Path) -> Evaluation:
        """Drive ``spec`` in the batched vector world with takeovers; what they teach lies in ``out``, for ``train``."""


class Loop:
    """One loop in ``folder``, begun or continued; used as a context manager, which holds the folder's lock.

    ``progress`` opens the display of one piece of work. Raises TakeadError where the folder holds something else, a
    loop that was asked for differently, or is in use by another process.
    """

    def __init__(
        self,
        folder: Path,
        plan: LoopPlan,
        model: Path,
        trainer: Trainer,
        workers: EpisodeWorkers,
        batches: BatchWorkers,
        progress: Shows,
        tell: Callable[[str], None],
    ) -> None:
        self.folder, self._trainer, self._workers, self._batches = folder, trainer, workers, batches
        self._progress, self._tell = progress, tell
        for option, split in (("demonstrations", "training"), ("drives", "collection"), ("selection", "selection")):
            parse_seeds(f"{split}:0-{getattr(plan, option) - 1}", f"--{option}")  # not when its turn comes
        first = plan.spec(str(model), "selection:0")
        load_suite(plan.demonstrated or plan.suite)
        if plan.batched:
            check_batched(first)
        self._fresh = LoopState(
            format="takead-loop-1",
            plan=plan,
            trainer=dict(trainer.settings),
            first_model=first.model,
            first_sha256=first.model_sha256,
            version=__version__,
        )
        self.state = self._fresh
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Loop:
        check_folder(self.folder, STATE)
        writable_folder(self.folder)
        with contextlib.ExitStack() as stack:
            stack.enter_context(locked(self.folder))
            file = self.folder / STATE
            if file.exists():
                self.state = read_state(self.folder)
                _check_same(file, self.state, self._fresh)
            else:
                write_record(file, self.state)
            self._stack = stack.pop_all()  # held until the end; given back here where something does not fit
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, rounds: int) -> LoopState:
        """Go on until ``rounds`` rounds are decided, or no further one makes sense (``ended``)."""
        plan = self.state.plan
        if rounds * plan.drives > SPLIT_SIZE:
            raise TakeadError(f"--rounds {rounds}: {plan.drives} collection seeds each are more than there are")
        self._demonstrate()
        for number in range(1, rounds + 1):
            if self.state.ended:
                break
            if number > len(self.state.rounds):
                model, sha256 = self.state.deployed
                self._write(Round(number=number, parent=model, parent_sha256=sha256))
            self._round(number)
        return self.state

    def _round(self, number: int) -> None:
        now = self.state.rounds[number - 1]
        if now.decision is not None:
            return
        parent, folder = self._model(now.parent, now.parent_sha256), self.folder / f"round-{number}"
        if now.model is None or now.model_sha256 is None:
            if now.clips is None:
                self._tell(f"round {number}: drive {parent.name} on collection seeds, the expert ready to take over")
                content = self._collect(number, parent, folder)
                clips = sum(len(episode.clips) for episode in content.episodes)
                now = self._write(replace(now, clips=clips, triggers=content.triggers))
            counts = ", ".join(f"{name} {count}" for name, count in (now.triggers or {}).items())
            where = "" if self.state.plan.batched else f": takead clips ls {folder / 'clips'}"
            self._tell(f"  {now.clips} takeover clips ({counts or 'no takeover'}){where}")
            if not now.triggers:
                self._end(f"round {number}: {parent.name} was never taken over on its collection seeds")
                return
            self._tell(f"round {number}: train on the takeovers, export, verify")
            clips_of = [self.folder / f"round-{n}" / self._lessons for n in range(1, number + 1)]
            first = self._model(self.state.first_model, self.state.first_sha256)
            base = first if self.state.plan.from_first else parent
            model = self._trainer.train(
                parent,
                base,
                clips_of,
                [self.folder / "demonstrations"],
                folder / "training",
                self.folder / "encoded",
            )
            sha256 = load_model(model).sha256
            now = self._write(replace(now, model=str(model.relative_to(self.folder)), model_sha256=sha256))
        self._tell(f"round {number}: gate: parent and new model on the same selection seeds")
        old = self._select(parent, now.parent_sha256)
        new = self._select(self._model(now.model or "", now.model_sha256 or ""), now.model_sha256 or "")
        found = comparison(old, new)
        write_record(folder / "gate.json", found)
        decision = decide_promotion(found)
        self._write(replace(now, decision=decision))
        verdict = "promoted" if decision.promoted else "not promoted, the parent stays"
        self._tell(f"  {verdict}: {'; '.join(decision.reasons)}")

    def _demonstrate(self) -> None:
        plan = self.state.plan
        spec = plan.spec(EXPERT, f"training:0-{plan.demonstrations - 1}", plan.demonstrated)
        self._tell("demonstrations: the expert drives")
        with self._progress() as progress:
            drive(spec, "all", self.folder / "demonstrations", self._workers, progress, "expert's demonstrations")

    def _collect(self, number: int, parent: Path, folder: Path) -> Evaluation:
        drives = self.state.plan.drives
        seeds = f"collection:{(number - 1) * drives}-{number * drives - 1}"
        spec = self.state.plan.spec(str(parent), seeds)
        if self.state.plan.batched:
            content = self._trainer.collect(spec, folder / self._lessons)
        else:
            with self._progress() as progress:
                content = drive(
                    spec, self.state.plan.record, folder / "clips", self._workers, progress, "driving with takeovers"
                )
        write_record(folder / "drive.json", content)
        return content

    def _select(self, model: Path, sha256: str) -> Evaluation:
        """``model`` alone on the selection seeds; driven where that was not done before."""
        plan = self.state.plan
        spec = plan.spec(str(model), f"selection:0-{plan.selection - 1}")
        file = self.folder / "selection" / f"{sha256[:12]}.json"
        way = by_batches(spec, self._batches) if plan.batched else by_nodes(spec, self._workers)
        return kept_evaluation(way, PASSES[:1], file, self._progress, f"selection seeds, {sha256[:8]}")

    @property
    def _lessons(self) -> str:
        """The folder of a round's takeovers."""
        return COLLECTED if self.state.plan.batched else "clips"

    def _model(self, path: str, sha256: str) -> Path:
        """The model at ``path``, checked to be the one that was there before."""
        return model_of(self.folder, path, sha256)

    def _write(self, now: Round) -> Round:
        before = self.state.rounds[: now.number - 1]
        self.state = replace(self.state, rounds=(*before, now))
        write_record(self.folder / STATE, self.state)
        return now

    def _end(self, why: str) -> None:
        self.state = replace(self.state, ended=why)
        write_record(self.folder / STATE, self.state)


def _check_same(file: Path, stored: LoopState, fresh: LoopState) -> None:
    for name in ("plan", "trainer", "first_sha256", "version"):
        before, now = getattr(stored, name), getattr(fresh, name)
        if before != now:
            raise TakeadError(
                f"'{file}' holds a loop with other settings: {name} {_plain(before)}, this one has {_plain(now)}; "
                "expected the same (to continue) or another folder: --out FOLDER (nothing is overwritten)"
            )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else to_json(value)
