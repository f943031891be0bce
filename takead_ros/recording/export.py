"""Clips as tables for other tools: one Parquet file with a row for each frame, or a LeRobot data set."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.files import new_output, refuse_existing, replacing
from takead_ros.recording import lerobot, reader
from takead_ros.recording.amend import amend
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.clip_folders import Broken
from takead_ros.recording.reader import Frame

STATE = (
    "speed",
    "lateral_speed",
    "yaw_rate",
    "acceleration",
    "lateral_acceleration",
    "steering_angle",
    "lateral_offset",
    "heading_error",
    "remaining",
    "speed_limit",
)
ACTION = ("steering_angle", "acceleration")
Table = tuple[Path, ClipManifest, dict[str, list[Any]]]  # a clip and its columns
FORMATS = {"parquet": "", "lerobot": "v3.0", "lerobot-v2.1": "v2.1"}  # the version of LeRobot's format


def _pyarrow() -> Any:
    if importlib.util.find_spec("pyarrow") is None:
        raise TakeadError("export needs pyarrow; get it with: pip install 'takead_ros[export]'")
    importlib.import_module("pyarrow.parquet")
    return importlib.import_module("pyarrow")


@dataclass(frozen=True)
class Exported:
    """What was written: ``clips``, the number of ``frames``, columns ``left_out`` for lack of values; ``broken``: clips
    that could not be read; ``not_noted``: manifests that could not be told of the export, and why."""

    clips: list[Path]
    frames: int
    left_out: list[str]
    broken: list[Broken]
    not_noted: list[str]


def export_clips(clips: Sequence[tuple[Path, ClipManifest]], out: Path, format_: str) -> Exported:
    """Write ``clips`` to the new file or folder ``out`` and note it in their manifests; bad ones are left out.

    Raises TakeadError for an unknown format, an ``out`` that exists or cannot be written, no clip that can be read, or
    where pyarrow is missing.
    """
    if format_ not in FORMATS:
        raise TakeadError(f"format '{format_}': expected one of {', '.join(FORMATS)}")
    refuse_existing(out)
    if not clips:
        raise TakeadError("no clips to export; expected at least one")
    arrow = _pyarrow()
    tables: list[Table] = []
    broken: list[Broken] = []
    for clip, manifest in clips:
        try:
            tables.append((clip, manifest, clip_columns(clip, manifest, len(tables))))
        except TakeadError as problem:
            broken.append(Broken(clip, str(problem)))
    if not tables:
        raise TakeadError(f"no clip can be exported: {broken[0].why}")
    with new_output(out):
        frames, left_out = _write(arrow, tables, out, format_)
    written = [clip for clip, *_ in tables]
    return Exported(written, frames, left_out, broken, note_exports(written, f"{format_}:{out.name}"))


def note_exports(clips: Sequence[Path], name: str) -> list[str]:
    """Note in the manifests of ``clips`` that they were exported as ``name``; those that could not be told, and why."""
    not_noted = []
    for clip in clips:
        try:
            amend(clip, _note_export(name))
        except (OSError, TakeadError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else problem
            not_noted.append(f"{clip}: {why}")
    return not_noted


def _write(arrow: Any, tables: Sequence[Table], out: Path, format_: str) -> tuple[int, list[str]]:
    """Write ``tables`` to the new place ``out``; the number of frames, and the columns that were left out."""
    if format_ == "parquet":
        whole = arrow.concat_tables([arrow.Table.from_pydict(columns) for *_, columns in tables])
        with replacing(out) as partial:
            arrow.parquet.write_table(whole, partial)
        return int(whole.num_rows), []
    named = [lerobot.ClipTable(manifest.clip_id, _task(manifest), columns) for _, manifest, columns in tables]
    with _work_folder(out) as work:
        return lerobot.write_lerobot(arrow, named, STATE, ACTION, work, FORMATS[format_])


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write into, which becomes ``out`` when the block ends without an error.

    Raises TakeadError where ``out`` exists, is in use, or cannot be written.
    """
    refuse_existing(out)
    with new_output(out), _work_folder(out) as work:
        yield work


@contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{out.name[:80]}.", suffix=".part", dir=out.parent))
        try:
            yield work
            work.chmod(0o777 & ~_umask())
            work.rename(out)
        finally:
            shutil.rmtree(work, ignore_errors=True)  # made above, under a name of its own
    except OSError as problem:
        raise TakeadError(
            f"output '{out}': {problem.strerror or problem}; expected a writable place with space left"
        ) from problem


def _note_export(name: str) -> Callable[[ClipManifest], None]:
    def change(manifest: ClipManifest) -> None:
        manifest.exported = sorted({*manifest.exported, name})

    return change


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def clip_columns(clip: Path, manifest: ClipManifest, episode: int) -> dict[str, list[Any]]:
    """Columns of one clip, a row for each frame. State and actions as in ``STATE`` and ``ACTION``, SI units; a plan is
    T x (x m, y m, yaw rad, speed m/s) in ``base_link``, flattened; what is not there is NaN or empty."""
    rows = [_row(frame) for frame in reader.frames(clip)]
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    count = len(rows)
    begin = rows[0]["stamp"] if rows else 0
    columns["timestamp"] = [(row["stamp"] - begin) / 1e9 for row in rows]
    columns["frame_index"] = list(range(count))
    columns["episode_index"] = [episode] * count
    columns["clip_id"] = [manifest.clip_id] * count
    columns["classification"] = [manifest.judged] * count
    columns["next.done"] = [i == count - 1 for i in range(count)]
    return columns


def _row(frame: Frame) -> dict[str, Any]:
    ego, route, command = frame.scene.ego, frame.scene.route, frame.command
    nan = float("nan")
    state = [getattr(ego, name) for name in STATE[:6]] + [route.lateral_offset, route.heading_error, route.remaining]
    return {
        "stamp": frame.stamp,
        "label": frame.label.value,
        "mode": frame.mode.name.lower() if frame.mode is not None else "",
        "driver": command.lateral.name.lower() if command else "",
        "observation.state": [*state, nan if route.speed_limit is None else route.speed_limit],
        "action": [command.steering_angle, command.acceleration] if command else [nan, nan],
        "action.policy": _action(frame.policy),
        "action.expert": _action(frame.expert),
        "plan.policy": _plan(frame.policy),
        "plan.expert": _plan(frame.expert),
        "cause": frame.expert.cause.kind if frame.expert else "",
    }


def _action(output: DriverOutput | None) -> list[float]:
    if output is None or output.status is not DriverStatus.OK:
        return [float("nan"), float("nan")]
    return [output.steering_angle, output.acceleration]


def _plan(output: DriverOutput | None) -> list[float]:
    if output is None or output.status is not DriverStatus.OK:
        return []
    plan = output.plan
    return [float(value) for value in np.stack([plan.x, plan.y, plan.yaw, plan.speed], axis=1).ravel()]


def _task(manifest: ClipManifest) -> str:
    return f"{manifest.provenance.scenario or 'drive'}: {manifest.trigger}"
