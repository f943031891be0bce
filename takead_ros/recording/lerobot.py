"""LeRobot data sets of clips: the current format (v3.0) and the one before it (v2.1), vector features only.

An episode is a stretch of a clip in which no frame is missing, at 10 frames a second. LeRobot takes no value that is
not there: a driver's column is left out where some frame lacks it, and so is a part of the state that is unknown
somewhere. Source: lerobot 0.4.4 and 0.3.3, ``datasets/utils.py`` and ``lerobot_dataset.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import FloatArray
from takead_ros.recording.writer import write_durably

FRAMES_PER_SECOND = 10
SHORTEST, LONGEST = 0.75, 1.5  # of the time between two frames: below, the earlier one goes; above, the episode ends
DRIVERS = ("action.policy", "action.expert")
QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)


class ClipTable(NamedTuple):
    """A clip's id, what it shows in words, and its columns as ``export.clip_columns`` gives them."""

    clip_id: str
    task: str
    columns: dict[str, list[Any]]


@dataclass(frozen=True)
class _Episode:
    clip_id: str
    task: str
    rows: dict[str, list[Any]]  # by feature

    def __len__(self) -> int:
        return len(self.rows["frame_index"])


def write_lerobot(
    arrow: Any, clips: Sequence[ClipTable], state: Sequence[str], action: Sequence[str], out: Path, version: str
) -> tuple[int, list[str]]:
    """Write ``clips`` as a data set of ``version`` into the folder ``out``, which exists and is empty.

    ``state`` and ``action`` name the parts of those columns. Returns the number of frames and what was left out.
    Raises TakeadError where no two frames follow each other.
    """
    pieces = [(clip, rows) for clip in clips for rows in _stretches(clip.columns)]
    if not pieces:
        raise TakeadError("nothing to export: no two frames with a command follow each other in these clips")
    every = [(clip.columns, row) for clip, rows in pieces for row in rows]
    known = [
        i for i in range(len(state)) if all(np.isfinite(columns["observation.state"][row][i]) for columns, row in every)
    ]
    drivers = [name for name in DRIVERS if all(np.isfinite(columns[name][row]).all() for columns, row in every)]
    left_out = [name for i, name in enumerate(state) if i not in known] + [n for n in DRIVERS if n not in drivers]
    tasks = sorted({clip.task for clip, _ in pieces})
    episodes = list(_episodes(pieces, known, drivers, tasks))
    features = {
        "observation.state": _feature("float32", [len(known)], [state[i] for i in known]),
        **{name: _feature("float32", [len(action)], action) for name in ("action", *drivers)},
        "label": _feature("string", [1]),
        "timestamp": _feature("float32", [1]),
        "next.done": _feature("bool", [1]),
        **{name: _feature("int64", [1]) for name in ("frame_index", "episode_index", "index", "task_index")},
    }
    (_write_v3 if version == "v3.0" else _write_v21)(arrow, episodes, features, tasks, out)
    return sum(map(len, episodes)), left_out


def _stretches(columns: dict[str, list[Any]]) -> Iterator[list[int]]:
    """Rows that follow each other at 10 Hz and have a command, at least two at a time."""
    period = 1e9 / FRAMES_PER_SECOND
    rows: list[int] = []
    for row, (stamp, action) in enumerate(zip(columns["stamp"], columns["action"], strict=True)):
        if not np.isfinite(action).all():
            continue
        passed = (stamp - columns["stamp"][rows[-1]]) / period if rows else 1.0
        if passed < SHORTEST:  # a clip's first scene may come half a period before the next
            rows[-1] = row
            continue
        if passed > LONGEST:
            if len(rows) > 1:
                yield rows
            rows = []
        rows.append(row)
    if len(rows) > 1:
        yield rows


def _episodes(
    pieces: Iterable[tuple[ClipTable, list[int]]], known: list[int], drivers: list[str], tasks: list[str]
) -> Iterator[_Episode]:
    index = 0
    for number, (clip, rows) in enumerate(pieces):
        count, columns = len(rows), clip.columns
        yield _Episode(
            clip.clip_id,
            clip.task,
            {
                "observation.state": [[columns["observation.state"][row][i] for i in known] for row in rows],
                **{name: [columns[name][row] for row in rows] for name in ("action", *drivers, "label")},
                "timestamp": [i / FRAMES_PER_SECOND for i in range(count)],
                "next.done": [i == count - 1 for i in range(count)],
                "frame_index": list(range(count)),
                "episode_index": [number] * count,
                "index": list(range(index, index + count)),
                "task_index": [tasks.index(clip.task)] * count,
            },
        )
        index += count


def _write_v21(arrow: Any, episodes: list[_Episode], features: dict[str, Any], tasks: list[str], out: Path) -> None:
    data, meta = out / "data" / "chunk-000", out / "meta"
    data.mkdir(parents=True)
    meta.mkdir()
    listed, statistics = [], []
    for number, episode in enumerate(episodes):
        arrow.parquet.write_table(_table(arrow, [episode], features), data / f"episode_{number:06d}.parquet")
        described = {"episode_index": number, "tasks": [episode.task], "length": len(episode)}
        listed.append({**described, "clip_id": episode.clip_id})
        statistics.append({"episode_index": number, "stats": _statistics([episode], features, ())})
    info = _info("v2.1", episodes, features, tasks) | {
        "total_videos": 0,
        "total_chunks": 1,
        "chunks_size": max(1000, len(episodes)),
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
    }
    write_durably(meta / "info.json", _json(info, 2))
    write_durably(meta / "tasks.jsonl", "".join(_json({"task_index": i, "task": task}) for i, task in enumerate(tasks)))
    write_durably(meta / "episodes.jsonl", "".join(map(_json, listed)))
    write_durably(meta / "episodes_stats.jsonl", "".join(map(_json, statistics)))


def _write_v3(arrow: Any, episodes: list[_Episode], features: dict[str, Any], tasks: list[str], out: Path) -> None:
    data, meta = out / "data" / "chunk-000", out / "meta"
    data.mkdir(parents=True)
    (meta / "episodes" / "chunk-000").mkdir(parents=True)
    arrow.parquet.write_table(_table(arrow, episodes, features), data / "file-000.parquet")
    rows = []
    for number, episode in enumerate(episodes):
        first = episode.rows["index"][0]
        figures = _statistics([episode], features, QUANTILES)
        rows.append(
            {
                "episode_index": number,
                "tasks": [episode.task],
                "length": len(episode),
                "clip_id": episode.clip_id,
                "dataset_from_index": first,
                "dataset_to_index": first + len(episode),
                **{f"{kind}/{part}": 0 for kind in ("data", "meta/episodes") for part in ("chunk_index", "file_index")},
                **{f"stats/{name}/{key}": value for name, stat in figures.items() for key, value in stat.items()},
            }
        )
    table = arrow.Table.from_pylist(rows)
    arrow.parquet.write_table(table, meta / "episodes" / "chunk-000" / "file-000.parquet")
    arrow.parquet.write_table(_tasks(arrow, tasks), meta / "tasks.parquet")
    info = _info("v3.0", episodes, features, tasks) | {
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
    }
    write_durably(meta / "info.json", _json(info, 2))
    write_durably(meta / "stats.json", _json(_statistics(episodes, features, QUANTILES), 2))


def _info(version: str, episodes: list[_Episode], features: dict[str, Any], tasks: list[str]) -> dict[str, Any]:
    return {
        "codebase_version": version,
        "robot_type": "car",
        "total_episodes": len(episodes),
        "total_frames": sum(map(len, episodes)),
        "total_tasks": len(tasks),
        "fps": FRAMES_PER_SECOND,
        "splits": {"train": f"0:{len(episodes)}"},
        "video_path": None,
        "features": features,
    }


def _table(arrow: Any, episodes: list[_Episode], features: dict[str, Any]) -> Any:
    return arrow.Table.from_pydict(
        {
            name: arrow.array(
                [value for episode in episodes for value in episode.rows[name]], type=_type(arrow, feature)
            )
            for name, feature in features.items()
        }
    )


def _tasks(arrow: Any, tasks: list[str]) -> Any:
    """The tasks as pandas would write a frame whose index they are: LeRobot asks for them by that index."""
    index = "__index_level_0__"
    kinds = (("task_index", "task_index", "int64", "int64"), (None, index, "unicode", "object"))
    described = {
        "index_columns": [index],
        "column_indexes": [
            {
                "name": None,
                "field_name": None,
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": {"encoding": "UTF-8"},
            }
        ],
        "columns": [
            {"name": name, "field_name": field, "pandas_type": kind, "numpy_type": numpy, "metadata": None}
            for name, field, kind, numpy in kinds
        ],
        "pandas_version": "2.2.0",
    }
    table = arrow.Table.from_pydict(
        {
            "task_index": arrow.array(range(len(tasks)), type=arrow.int64()),
            index: arrow.array(tasks, type=arrow.string()),
        }
    )
    return table.replace_schema_metadata({"pandas": json.dumps(described, allow_nan=False)})


def _feature(dtype: str, shape: list[int], names: Sequence[str] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "names": list(names) if names else None}


def _type(arrow: Any, feature: dict[str, Any]) -> Any:
    element = getattr(arrow, {"bool": "bool_"}.get(feature["dtype"], feature["dtype"]))()
    return element if feature["shape"] == [1] else arrow.list_(element, feature["shape"][0])


def _statistics(
    episodes: Sequence[_Episode], features: dict[str, Any], quantiles: Sequence[float]
) -> dict[str, dict[str, list[float]]]:
    """Of every numeric feature, over all frames of ``episodes``."""
    found = {}
    for name, feature in features.items():
        if feature["dtype"] in ("string", "bool"):
            continue
        rows: FloatArray = np.array([value for episode in episodes for value in episode.rows[name]], dtype=float)
        rows = rows.reshape(len(rows), -1)
        found[name] = {
            **{
                key: reduce(rows, axis=0).tolist()
                for key, reduce in (("min", np.min), ("max", np.max), ("mean", np.mean), ("std", np.std))
            },
            "count": [len(rows)],
            **{f"q{round(100 * share):02d}": np.quantile(rows, share, axis=0).tolist() for share in quantiles},
        }
    return found


def _json(content: Any, indent: int | None = None) -> str:
    return json.dumps(content, indent=indent, allow_nan=False) + "\n"
