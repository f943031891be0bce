"""Clips as tables for other tools: one Parquet file with a row for each frame, or a LeRobot data set (v2.1)."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from takead_ros.domain.driving import DriverOutput, DriverStatus
from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder
from takead_ros.recording import reader
from takead_ros.recording.clip import MANIFEST_FILE, ClipManifest
from takead_ros.recording.reader import Frame
from takead_ros.recording.writer import write_durably

FRAMES_PER_SECOND = 10
STATE = (
    "speed", "lateral_speed", "yaw_rate", "acceleration", "lateral_acceleration", "steering_angle",
    "lateral_offset", "heading_error", "remaining", "speed_limit",
)  # fmt: skip
ACTION = ("steering_angle", "acceleration")
FORMATS = ("parquet", "lerobot")


def _pyarrow() -> Any:
    if importlib.util.find_spec("pyarrow") is None:
        raise TakeadError("export needs pyarrow; get it with: pip install 'takead_ros[export]'")
    importlib.import_module("pyarrow.parquet")
    return importlib.import_module("pyarrow")


def export(clips: Sequence[Path], out: Path, format_: str) -> int:
    """Write ``clips`` to the new file or folder ``out`` and note it in their manifests; returns the number of frames.

    Raises TakeadError for an unknown format, an ``out`` that exists, no clips, or where pyarrow is missing.
    """
    if format_ not in FORMATS:
        raise TakeadError(f"format '{format_}': expected one of {', '.join(FORMATS)}")
    if out.exists():
        raise TakeadError(f"output '{out}' exists already; expected a new path (nothing is overwritten)")
    if not clips:
        raise TakeadError("no clips to export; expected at least one")
    arrow = _pyarrow()
    manifests = [reader.manifest(clip) for clip in clips]
    tables = [
        table(clip, manifest, number) for number, (clip, manifest) in enumerate(zip(clips, manifests, strict=True))
    ]
    writable_folder(out.parent)
    if format_ == "parquet":
        whole = arrow.concat_tables([arrow.Table.from_pydict(columns) for columns in tables])
        arrow.parquet.write_table(whole, out)
    else:
        _lerobot(arrow, tables, manifests, out)
    for clip, manifest in zip(clips, manifests, strict=True):
        manifest.exported = sorted({*manifest.exported, f"{format_}:{out.name}"})
        write_durably(clip / MANIFEST_FILE, manifest.to_json())
    return sum(len(columns["frame_index"]) for columns in tables)


def table(clip: Path, manifest: ClipManifest, episode: int) -> dict[str, list[Any]]:
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


def _lerobot(arrow: Any, tables: list[dict[str, list[Any]]], manifests: list[ClipManifest], out: Path) -> None:
    """A LeRobot v2.1 data set: vector features only, a clip for each episode, the trigger as its task."""
    tasks = sorted({_task(manifest) for manifest in manifests})
    data, meta = out / "data" / "chunk-000", out / "meta"
    data.mkdir(parents=True)
    meta.mkdir()
    index = 0
    features = {
        "observation.state": _feature("float32", [len(STATE)], STATE),
        "action": _feature("float32", [2], ACTION),
        "action.policy": _feature("float32", [2], ACTION),
        "action.expert": _feature("float32", [2], ACTION),
        "label": _feature("string", [1]),
        "timestamp": _feature("float32", [1]),
        "next.done": _feature("bool", [1]),
        **{name: _feature("int64", [1]) for name in ("frame_index", "episode_index", "index", "task_index")},
    }
    episodes, statistics = [], []
    for number, (columns, manifest) in enumerate(zip(tables, manifests, strict=True)):
        count = len(columns["frame_index"])
        columns = {**columns, "index": list(range(index, index + count))}
        columns["task_index"] = [tasks.index(_task(manifest))] * count
        index += count
        arrays = {name: arrow.array(columns[name], type=_type(arrow, feature)) for name, feature in features.items()}
        arrow.parquet.write_table(arrow.Table.from_pydict(arrays), data / f"episode_{number:06d}.parquet")
        episodes.append({"episode_index": number, "tasks": [_task(manifest)], "length": count})
        numeric = [name for name, feature in features.items() if feature["dtype"] not in ("string", "bool")]
        statistics.append({"episode_index": number, "stats": {name: _stats(columns[name]) for name in numeric}})
    info = {
        "codebase_version": "v2.1", "robot_type": "car", "total_episodes": len(tables), "total_frames": index,
        "total_tasks": len(tasks), "total_videos": 0, "total_chunks": 1, "chunks_size": max(1000, len(tables)),
        "fps": FRAMES_PER_SECOND, "splits": {"train": f"0:{len(tables)}"}, "video_path": None, "features": features,
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
    }  # fmt: skip
    write_durably(meta / "info.json", json.dumps(info, indent=2) + "\n")
    write_durably(meta / "tasks.jsonl", _lines({"task_index": i, "task": task} for i, task in enumerate(tasks)))
    write_durably(meta / "episodes.jsonl", _lines(episodes))
    write_durably(meta / "episodes_stats.jsonl", _lines(statistics))


def _task(manifest: ClipManifest) -> str:
    return f"{manifest.provenance.scenario or 'drive'}: {manifest.trigger}"


def _feature(dtype: str, shape: list[int], names: Sequence[str] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "names": list(names) if names else None}


def _type(arrow: Any, feature: dict[str, Any]) -> Any:
    element = getattr(arrow, {"bool": "bool_"}.get(feature["dtype"], feature["dtype"]))()
    return element if feature["shape"] == [1] else arrow.list_(element, feature["shape"][0])


def _stats(values: list[Any]) -> dict[str, list[float | None]]:
    """Per column, over the finite values; None where there are none."""
    rows = np.array(values, dtype=float).reshape(len(values), -1)

    def over(reduce: Any) -> list[float | None]:
        finite = (column[np.isfinite(column)] for column in rows.T)
        return [float(reduce(column)) if len(column) else None for column in finite]

    return {"min": over(np.min), "max": over(np.max), "mean": over(np.mean), "std": over(np.std), "count": [len(rows)]}


def _lines(items: Any) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)
