"""What a loop was asked for and how far it has come: the content of its ``loop.json``."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Literal

from pydantic.dataclasses import dataclass

from takead_ros.domain.errors import TakeadError
from takead_ros.files import read_record
from takead_ros.policy.model import load_model
from takead_ros.runs.episode import Value
from takead_ros.runs.gate import GateDecision
from takead_ros.runs.results import RECORD
from takead_ros.runs.spec import Record, RunSpec, run_spec
from takead_ros.simulators import SIMULATOR

STATE = "loop.json"


@dataclass(frozen=True, kw_only=True, config=RECORD)
class LoopPlan:
    """What a loop does, for each of the suite's families: seeds of demonstrations (once), collection seeds driven in
    each round, and selection seeds of the gate. parameters: of the nodes, where they are not the defaults.

    demonstrated: the suite of the demonstrations (empty: ``suite`` too). record: ``clips`` of takeovers, or ``all`` of
    each drive, so that every frame is learned from with the expert's silent answer. from_first: each round trains the
    first model on all clips so far, instead of its parent further. batched: takeovers and gate by the batched drives of
    the vector world: rows in the place of clips, several times as fast.
    """

    suite: str
    demonstrations: int
    drives: int
    selection: int
    simulator: str = SIMULATOR
    demonstrated: str = ""
    record: Record = "clips"
    from_first: bool = False
    batched: bool = False
    parameters: dict[str, dict[str, Value]] = field(default_factory=dict)

    def spec(self, model: str, seeds: str, suite: str = "") -> RunSpec:
        """``model`` on ``seeds`` (of another ``suite``), as this loop drives."""
        return run_spec(model, suite or self.suite, seeds, self.simulator, self.parameters)


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Round:
    """One round as far as it has come. Models by path (below the loop's folder where they were trained there)."""

    number: int
    parent: str
    parent_sha256: str
    clips: int | None = None
    triggers: dict[str, int] | None = None
    model: str | None = None
    model_sha256: str | None = None
    decision: GateDecision | None = None


@dataclass(frozen=True, kw_only=True, config=RECORD)
class LoopState:
    """The content of loop.json. ``ended``: why no further round makes sense; empty where one does."""

    format: Literal["takead-loop-1"]
    plan: LoopPlan
    trainer: dict[str, str]
    first_model: str
    first_sha256: str
    version: str
    rounds: tuple[Round, ...] = ()
    ended: str = ""

    @property
    def deployed(self) -> tuple[str, str]:
        """Path and sha256 of the model that drives now: the last one promoted, or the first."""
        for done in reversed(self.rounds):
            if done.decision is not None and done.decision.promoted and done.model and done.model_sha256:
                return done.model, done.model_sha256
        return self.first_model, self.first_sha256

    @property
    def latest(self) -> tuple[str, str] | None:
        """Path and sha256 of the last model trained, promoted or not."""
        made = [(done.model, done.model_sha256) for done in self.rounds if done.model and done.model_sha256]
        return made[-1] if made else None


def read_state(folder: Path) -> LoopState:
    """The state of the loop in ``folder``. Raises TakeadError where there is none."""
    return read_record(LoopState, folder / STATE, "the state of 'takead demo' or 'takead train rounds'")


def model_of(folder: Path, path: str, sha256: str) -> Path:
    """The model at ``path`` (below ``folder``, where it is not absolute). Raises TakeadError where it is another one
    than was there before."""
    model = folder / path
    if load_model(model).sha256 != sha256:
        raise TakeadError(f"'{model}': is not the model that this loop began with or trained (sha256 {sha256[:12]})")
    return model
