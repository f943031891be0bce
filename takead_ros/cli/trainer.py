"""``takead train round`` and ``collect`` as processes of their own: the trainer that the loop is given."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder, write_atomically
from takead_ros.nodes.configuration import parameter_file
from takead_ros.runs.loop import COLLECTED
from takead_ros.runs.results import Evaluation, read_evaluation
from takead_ros.runs.spec import RunSpec
from takead_ros.runs.workplace import Workplace

PATIENCE_S = 60.0  # for a training to keep its state after Ctrl-C


class TrainRound:
    """Runs them, the first with further ``options``, as a user would. Ctrl-C reaches them and they are waited for.

    A process of its own gives its memory back, and keeps torch out of this one.
    """

    def __init__(self, options: Sequence[str], workers: int) -> None:
        self._options, self._workers = tuple(options), workers

    @property
    def settings(self) -> Mapping[str, str]:
        """Its options; the number of workers does not change the model."""
        return {"options": " ".join(self._options)}

    def train(
        self,
        parent: Path,
        base: Path,
        clips: Sequence[Path],
        demonstrations: Sequence[Path],
        out: Path,
        encoded: Path,
    ) -> Path:
        """As ``runs.loop.Trainer`` says. Raises TakeadError where the process fails."""
        arguments = ["--parent", str(parent), "--out", str(out), "--workers", str(self._workers), *self._options]
        arguments += ["--cache", str(encoded)]
        if base != parent:
            arguments += ["--base", str(base)]
        arguments += [word for folder in clips for word in (_kind_of(folder), str(folder))]
        arguments += [word for folder in demonstrations for word in ("--demos", str(folder))]
        self._run("round", arguments)
        return out / "model.onnx"

    def collect(self, spec: RunSpec, out: Path) -> Evaluation:
        """As ``runs.loop.Trainer`` says. Raises TakeadError where the process fails."""
        found = out.with_name(f"{out.name}.json")
        found.unlink(missing_ok=True)  # of a call that was killed after it; the rows are what counts, and they stay
        arguments = ["--model", spec.model, "--suite", spec.suite.name, "--seeds", ",".join(map(str, spec.seeds))]
        arguments += ["--out", str(out), "--workers", str(self._workers), "--json", str(found)]
        if spec.parameters:
            file = writable_folder(out.parent) / f"{out.name}.yaml"
            write_atomically(file, parameter_file(spec.parameters))
            arguments += ["--params", str(file)]
        self._run("collect", arguments)
        return read_evaluation(found)

    def _run(self, verb: str, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "takead_ros.cli.main", "train", verb, *arguments]
        # In a session of its own a terminal's Ctrl-C reaches it once, from here: twice would drop its work in progress.
        child = subprocess.Popen(command, preexec_fn=_end_with_parent, start_new_session=True)
        try:
            code = child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
            raise
        if code:
            raise TakeadError(f"'takead train {verb}' ended with exit code {code} (see above); expected 0")


def _kind_of(folder: Path) -> str:
    """The option of 'takead train round' for a folder of takeovers."""
    return "--collected" if folder.name == COLLECTED else "--clips"


def readers(place: Workplace) -> int:
    """How many processes read clips for a training, which is done here wherever the drives are."""
    return place.workers if place.kind == "processes" else min(place.workers, os.cpu_count() or 1)


def _end_with_parent() -> None:
    """In a child before it starts: the kernel sends it SIGTERM when the parent is gone, however that came about."""
    set_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)
