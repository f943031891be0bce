"""One round in one folder: clips -> DAgger -> preference optimisation -> export. Killed anywhere, it goes on there.

ROUND/round.json      what was asked for (checked on resuming), then what came out
ROUND/cache/          encoded clips
ROUND/dagger.pt       checkpoints; *.state while a stage is under way
ROUND/preference.pt
ROUND/model.onnx      with model.manifest.json
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.policy.model import load_model
from takead_ros.policy.vector import VECTOR_1
from takead_training import data
from takead_training.bc import parity_frames
from takead_training.checkpoint import Checkpoint, Provenance, load_checkpoint, load_parent, save_checkpoint
from takead_training.dagger import Mix, train_dagger
from takead_training.data import Clip
from takead_training.export import Parity, export
from takead_training.preference import FOREIGN, Preference, train_preference
from takead_training.samples import Table
from takead_training.trainer import Schedule

FORMAT = "takead-round-1"
BEGUN = ".round.json.tmp"  # all that a kill at the very beginning leaves
Report = Callable[[str, int, int, dict[str, float]], None]  # phase, done, total, figures


@dataclass(frozen=True)
class RoundSettings:
    """What a round does; all of it goes into the model's manifest."""

    mix: Mix = field(default_factory=Mix)
    dagger: Schedule = field(default_factory=lambda: Schedule(epochs=16, rate=5e-4))
    preference: Schedule = field(default_factory=lambda: Schedule(epochs=2, rate=1e-4))
    pairs: Preference = field(default_factory=Preference)
    workers: int = 2  # processes that read clips; the result does not depend on it


@dataclass(frozen=True)
class RoundResult:
    model: Path
    sha256: str
    parity: Parity
    figures: dict[str, dict[str, float]]  # last epoch of each stage
    pairs: dict[str, int]  # preference pairs, and why other frames carry none


def run_round(
    parent: Path, clips: Sequence[Path], demonstrations: Sequence[Path], out: Path, settings: RoundSettings,
    casual: bool = False, report: Report | None = None,
) -> RoundResult:  # fmt: skip
    """Train ``parent`` (an exported model) on takeover ``clips`` and ``demonstrations`` (folders) into folder ``out``.

    The same call goes on with an unfinished round and returns the result of a finished one. Raises TakeadError for
    bad input, and where ``out`` holds something else or a round that was asked for differently.
    """
    report = report or (lambda *_: None)
    net, manifest = load_parent(parent)
    takeovers = data.find_clips(clips, casual)
    demos = data.find_clips(demonstrations) if demonstrations else []
    asked = _asked(manifest.sha256, takeovers, demos, settings)
    record = _open(out, asked)
    if "result" in record:
        return _finished(out, record)
    table, own = _load(takeovers, demos, manifest.sha256, out / "cache", settings.workers, report)
    made = Provenance(
        name=out.name, stage=manifest.stage, parent=manifest.sha256,
        clips=tuple(clip.manifest.clip_id for clip in (*takeovers, *demos)),
        suites=tuple(sorted({c.manifest.provenance.suite for c in (*takeovers, *demos)})),
        seeds=data.seeds_of((*takeovers, *demos)),
        training={name: value for name, value in manifest.training.items() if name != "network"},
    )  # fmt: skip
    figures: dict[str, dict[str, float]] = record.setdefault("figures", {})
    history: dict[str, list[dict[str, float]]] = record.setdefault("history", {})

    dagger = out / "dagger.pt"
    if dagger.exists():
        checkpoint = load_checkpoint(dagger)
    else:
        history["dagger"], used = train_dagger(
            net, table, settings.mix, settings.dagger, out / "dagger.state",
            lambda done, total, values: report("dagger", done, total, values),
        )  # fmt: skip
        figures["dagger"] = history["dagger"][-1]
        frames = parity_frames(table, np.flatnonzero(own), settings.dagger.seed)
        checkpoint = Checkpoint(net, made.after("dagger", used), frames)
        _write(out, record)
        save_checkpoint(checkpoint, dagger)
        (out / "dagger.state").unlink(missing_ok=True)

    preference = out / "preference.pt"
    if preference.exists():
        checkpoint = load_checkpoint(preference)
    else:
        history["preference"], used = train_preference(
            checkpoint.net, table, settings.mix, settings.pairs, settings.preference, out / "preference.state",
            lambda done, total, values: report("preference", done, total, values),
        )  # fmt: skip
        figures["preference"] = history["preference"][-1]
        provenance = checkpoint.provenance.after("preference", used)
        checkpoint = replace(checkpoint, provenance=provenance)
        _write(out, record)
        save_checkpoint(checkpoint, preference)
        (out / "preference.state").unlink(missing_ok=True)

    report("export", 0, 1, {})
    model = out / "model.onnx"
    exported, parity = export(checkpoint, model, overwrite=True)  # left by a kill between export and record, if at all
    report("export", 1, 1, {"position_m": parity.position_m})
    pairs = checkpoint.provenance.training["preference"]["pairs"]
    _write(out, {**record, "result": {"sha256": exported.sha256, "parity": asdict(parity), "pairs": pairs}})
    return RoundResult(model, exported.sha256, parity, figures, pairs)


def _finished(out: Path, record: dict[str, Any]) -> RoundResult:
    """The result of a round that was finished before; its model must still be the one that it made."""
    model = out / "model.onnx"
    if load_model(model).sha256 != record["result"]["sha256"]:
        raise TakeadError(f"{model}: is not the model that this round made; name another folder and train again")
    result = record["result"]
    return RoundResult(model, result["sha256"], Parity(**result["parity"]), record["figures"], result["pairs"])


def _asked(parent: str, takeovers: list[Clip], demos: list[Clip], settings: RoundSettings) -> dict[str, Any]:
    wanted = asdict(settings)
    del wanted["workers"]
    return {
        "format": FORMAT,
        "encoding": VECTOR_1.name,
        "parent": parent,
        "clips": [clip.sha256 for clip in takeovers],
        "demonstrations": [clip.sha256 for clip in demos],
        "settings": wanted,
    }


def _open(out: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """The record of the round in ``out``, begun where there is none."""
    file = out / "round.json"
    if not file.exists():
        if out.exists() and any(path.name != BEGUN for path in out.iterdir()):
            raise TakeadError(f"round folder '{out}': is not empty and holds no round; name another")
        out.mkdir(parents=True, exist_ok=True)
        _write(out, {"asked": asked})
        return {"asked": asked}
    try:
        record: dict[str, Any] = json.loads(file.read_text())
        before = record["asked"]
    except (ValueError, KeyError, TypeError) as error:
        raise TakeadError(f"{file}: not the record of a round ({error})") from error
    asked = json.loads(json.dumps(asked))
    if before != asked:
        differs = [name for name in asked if before.get(name) != asked[name]]
        raise TakeadError(
            f"round '{out}': was begun with other {', '.join(differs)}; repeat the first command or name another folder"
        )
    return record


def _write(out: Path, record: dict[str, Any]) -> None:
    temporary = out / BEGUN
    temporary.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    temporary.replace(out / "round.json")


def _load(
    takeovers: list[Clip], demos: list[Clip], parent: str, cache: Path, workers: int, report: Report
) -> tuple[Table, np.ndarray]:
    """All samples, takeovers first, and which of them (N,) come from the takeover clips.

    A choice that another model than the parent made is marked FOREIGN, so that it is mapped by its plan.
    """
    tables = []
    for phase, clips in (("read takeovers", takeovers), ("read demonstrations", demos)):
        parts = data.load(clips, cache, workers, partial(_counted, report, phase))
        for clip, part in zip(clips, parts, strict=True):
            if clip.manifest.provenance.model_sha256 != parent:
                part["choice"] = np.where(part["choice"] >= 0, FOREIGN, part["choice"])
        tables.append(data.concatenate(parts))
    whole = data.concatenate(tables)
    return whole, np.arange(data.rows(whole)) < data.rows(tables[0])


def _counted(report: Report, phase: str, done: int, total: int) -> None:
    report(phase, done, total, {})
