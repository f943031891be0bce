"""One round in one folder: clips -> stages -> export. Killed anywhere, it goes on there.

ROUND/round.json      what was asked for (checked on resuming), then what came out
ROUND/cache/          encoded clips, where no other folder for them was named
ROUND/1-dagger.pt     a checkpoint for each stage; *.state while it is under way
ROUND/model.onnx      with model.manifest.json
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, JsonValue

from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked, parse_record, read_record, to_json, writable_folder, write_record
from takead_ros.policy.format import PolicyFormat
from takead_ros.policy.model import load_model
from takead_training.checkpoint import Frames, ModelProvenance, load_parent
from takead_training.data import cache
from takead_training.data.clips import Found, RefusedClip, find_clips, seeds_of, suites_of
from takead_training.data.collect import Collected
from takead_training.data.columns import FOREIGN
from takead_training.data.dataset import Dataset
from takead_training.export.export_model import export_model
from takead_training.export.parity import Parity
from takead_training.stages.dagger import DAGGER
from takead_training.stages.devices import Devices
from takead_training.stages.preference import PREFERENCE
from takead_training.stages.stage import Outcome, Stage, run_stages

FORMAT = "takead-round-2"
PARITY_FRAMES = 64
Report = Callable[[str, int, int, dict[str, float]], None]  # phase, done, total, figures


@dataclass(frozen=True)
class RoundSettings:
    """What a round does; all of it goes into the model's manifest."""

    stages: tuple[Stage[Any], ...] = (DAGGER, PREFERENCE)
    seed: int = 0  # of the choice of frames for the parity gate
    workers: int = 2  # processes that read clips; the result does not depend on it
    devices: Devices = field(default_factory=Devices)  # what the gradient steps run on

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names):
            raise TakeadError(f"--stages '{','.join(names)}': expected stages, each at most once")


@dataclass(frozen=True)
class RoundResult:
    model: Path
    sha256: str
    parity: Parity
    figures: dict[str, dict[str, float]]  # last epoch of each stage
    pairs: dict[str, int]  # preference pairs, and why other frames carry none
    refused: tuple[str, ...] = ()  # clips that nothing was learned from, and why

    def as_dict(self) -> dict[str, Any]:
        """All figures side by side, as plain values."""
        return {
            "model": str(self.model),
            "sha256": self.sha256,
            "refused": len(self.refused),
            **{f"pairs_{name}": count for name, count in self.pairs.items()},
            **{f"{stage}_{name}": value for stage, found in self.figures.items() for name, value in found.items()},
            **{f"parity_{name}": value for name, value in asdict(self.parity).items()},
        }


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sha256: str
    parity: Parity
    pairs: dict[str, int]


class _Record(BaseModel):
    """round.json."""

    model_config = ConfigDict(extra="forbid")
    asked: dict[str, JsonValue]
    refused: list[str] = []
    figures: dict[str, dict[str, float]] = {}
    history: dict[str, list[dict[str, float]]] = {}
    result: _Result | None = None


def run_round(
    parent: Path,
    clips: Sequence[Path],
    demonstrations: Sequence[Path],
    out: Path,
    settings: RoundSettings,
    casual: bool = False,
    report: Report | None = None,
    base: Path | None = None,
    unseeded: bool = False,
    collected: Sequence[Path] = (),
    encoded: Path | None = None,
) -> RoundResult:
    """Train on takeovers of ``parent`` (an exported model) and on ``demonstrations`` (folders) into ``out``.

    Takeovers are folders of ``clips``, or of rows that were ``collected`` (``data.collect``), or both. ``encoded``: the
    folder in which encoded clips are kept, for rounds that learn from the same ones (by default a round's own).

    Training starts from ``base`` (an exported model), else from ``parent``: with the baseline as ``base`` and the clips
    of all rounds so far, each round retrains from the same start on the aggregate. ``casual``, ``unseeded``: see
    ``data.clips.find_clips``. The same call goes on with an unfinished round and returns the result of a finished one.
    Raises TakeadError for bad input, and where ``out`` holds something else or a round that was asked for differently.
    """
    report = report or (lambda *_: None)
    driver = load_model(parent).manifest
    net, manifest = load_parent(base or parent)
    if not clips and not collected:
        raise TakeadError("round: neither --clips nor --collected; expected takeovers to learn from")
    takeovers = find_clips(clips, casual, unseeded) if clips else Found(())
    rows = [Collected(folder, net.format) for folder in collected]
    demos = find_clips(demonstrations, False, unseeded) if demonstrations else Found(())
    choosers = {driver.sha256} if driver.anchors_sha256 == manifest.anchors_sha256 else set()
    asked = _asked(driver.sha256, manifest.sha256, net.format, takeovers, demos, settings)
    if rows:
        asked["collected"] = [one.digest for one in rows]
    with locked(writable_folder(out)):
        record = _open(out, asked)
        if record.result is not None:
            return _finished(out, record)
        data, own, refused = _load(
            takeovers, rows, demos, net.format, choosers, encoded or out / "cache", settings, report
        )
        record.refused = [one.why for one in (*takeovers.refused, *demos.refused, *refused)]
        unread = {one.path for one in refused}
        learned = [clip for clip in (*takeovers.clips, *demos.clips) if clip.path not in unread]
        made = ModelProvenance(
            name=out.name,
            stage=manifest.stage,
            parent=manifest.sha256,
            clips=(
                *(clip.manifest.clip_id for clip in learned),
                *(name for one in rows for name in one.names.values()),
            ),
            suites=tuple(sorted({*suites_of(learned), *(one.settings.suite for one in rows)})),
            seeds=tuple(sorted({*seeds_of(learned), *(seed for one in rows for seed in one.settings.seeds)})),
            training={name: value for name, value in manifest.training.items() if name != "network"},
        )

        def done(stage: Stage[Any], outcome: Outcome) -> None:
            record.history[stage.name], record.figures[stage.name] = outcome.history, outcome.history[-1]
            write_record(out / "round.json", record)

        checkpoint = run_stages(
            settings.stages,
            net,
            data,
            made,
            parity_frames(data, own, settings.seed),
            lambda number, stage: out / f"{number + 1}-{stage.name}.pt",
            report,
            done,
            settings.devices,
        )
        report("export", 0, 1, {})
        model = out / "model.onnx"
        exported, parity = export_model(
            checkpoint, model, overwrite=True
        )  # left by a kill before the record, if at all
        report("export", 1, 1, {"position_m": parity.position_m})
        pairs = checkpoint.provenance.training.get(PREFERENCE.name, {}).get("pairs", {})
        record.result = _Result(sha256=exported.sha256, parity=parity, pairs=pairs)
        write_record(out / "round.json", record)
    return RoundResult(model, exported.sha256, parity, record.figures, pairs, tuple(record.refused))


def parity_frames(data: Dataset, rows: np.ndarray, seed: int) -> Frames:
    """Some recorded, encoded frames among ``rows`` for the export's parity gate."""
    chosen = np.random.default_rng((seed, 0xF4A3)).permutation(rows)[:PARITY_FRAMES]
    return data.batch(chosen, ())


def _finished(out: Path, record: _Record) -> RoundResult:
    """The result of a round that was finished before; its model must still be the one that it made."""
    model, result = out / "model.onnx", record.result
    if result is None or load_model(model).sha256 != result.sha256:
        raise TakeadError(f"{model}: is not the model that this round made; name another folder and train again")
    return RoundResult(model, result.sha256, result.parity, record.figures, result.pairs, tuple(record.refused))


def _asked(
    parent: str, base: str, format: PolicyFormat, takeovers: Found, demos: Found, settings: RoundSettings
) -> dict[str, JsonValue]:
    wanted = {
        "format": FORMAT,
        "encoding": format.name,
        "parent": parent,
        "base": base,
        "clips": [clip.sha256 for clip in takeovers.clips],
        "demonstrations": [clip.sha256 for clip in demos.clips],
        "stages": [stage.description() for stage in settings.stages],
        "seed": settings.seed,
    }
    if not settings.devices.plain:
        wanted["devices"] = asdict(settings.devices)
    return parse_record(dict[str, JsonValue], to_json(wanted), "round", "a record")


def _open(out: Path, asked: dict[str, JsonValue]) -> _Record:
    """The record of the round in ``out``, begun where there is none."""
    file = out / "round.json"
    if not file.exists():
        if any(not path.name.startswith(".") for path in out.iterdir()):  # a lock, or what a kill left of a record
            raise TakeadError(f"round folder '{out}': is not empty and holds no round; name another")
        record = _Record(asked=asked)
        write_record(file, record)
        return record
    record = read_record(_Record, file, "the record of a round")
    if record.asked != asked:
        differs = [name for name in {**record.asked, **asked} if record.asked.get(name) != asked.get(name)]
        raise TakeadError(
            f"round '{out}': was begun with other {', '.join(differs)}; repeat the first command or name another folder"
        )
    return record


def _load(
    takeovers: Found,
    collected: Sequence[Collected],
    demos: Found,
    format: PolicyFormat,
    choosers: set[str],
    folder: Path,
    settings: RoundSettings,
    report: Report,
) -> tuple[Dataset, np.ndarray, list[RefusedClip]]:
    """All rows, takeovers first; which of them (R,) come from takeovers; and the clips that cannot be read.

    A choice of another model than ``choosers`` (sha256) is marked FOREIGN, so that it is mapped by its plan.
    """
    loaded, refused = [], list[RefusedClip]()
    for phase, found in (("read takeovers", takeovers), ("read demonstrations", demos)):
        told = partial(_counted, report, phase)
        data, unread = cache.load(found.clips, folder, format, settings.workers, told)
        loaded.append(data)
        refused.extend(unread)
    loaded.insert(1, Dataset(format, [part for one in collected for part in one.parts]))
    whole = Dataset(format, [part for data in loaded for part in data.parts])
    models = {clip.manifest.clip_id: clip.manifest.provenance.model_sha256 for clip in (*takeovers.clips, *demos.clips)}
    models |= {name: one.settings.model_sha256 for one in collected for name in one.names.values()}
    foreign = np.array([models[part.clip] not in choosers for part in whole.parts], dtype=bool)
    choice = whole.column("choice")
    mine = foreign[whole.part_of(np.arange(len(whole)))]
    rows, own = np.arange(len(whole)), len(loaded[0]) + len(loaded[1])
    marked = whole.with_columns(
        choice=np.where((choice >= 0) & mine, FOREIGN, choice), of_round=(rows < own).astype(np.int64)
    )
    return marked, rows[:own], refused


def _counted(report: Report, phase: str, done: int, total: int) -> None:
    report(phase, done, total, {})
