"""LeRobot data sets: what is in them, and that LeRobot's own dataset class loads them.

The last tests need LeRobot itself, which asks for an older PyTorch than this project (0.4.4: below 2.11) and so has
an environment of its own; ``docs/recording.md`` gives the commands. 0.4 reads the current format, 0.3 the one before.
Where it is missing they are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support import stream
from takead_ros.domain.driving import Source, Trigger
from takead_ros.domain.errors import TakeadError
from takead_ros.recording import amend, clip_folders, export, lerobot
from takead_ros.recording.export import ACTION, STATE

arrow = pytest.importorskip("pyarrow.parquet", reason="the export extra is not installed")


@pytest.fixture(scope="module")
def takeovers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip in the middle of a drive, and one that begins with it, as every demonstration does."""
    folder = tmp_path_factory.mktemp("takeovers")
    human = stream.Takeover(8.0, 9.5, 10.0, Source.HUMAN, Trigger.HUMAN_OVERRIDE, 0.1, requested=False)
    stream.record(folder / "a", stream.run(16.0, (stream.Takeover(8.0, 10.0, 11.0, severity=0.9),)))
    stream.record(folder / "b", stream.run(16.0, (human,)))
    return folder


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two whole runs of the expert, without any policy."""
    folder = tmp_path_factory.mktemp("demonstrations")
    for name in "ab":
        sink = stream.DirectSink(folder / name, "none")
        recorder = stream.Recorder(replace(stream.CONFIG, whole_run=True), stream.TOPICS, stream.PROVENANCE, sink)
        for message in stream.run(6.0, ()):
            if not message.topic.endswith("/policy/output"):
                recorder.receive(*message)
        recorder.finish(6 * stream.SECOND)
    return folder


def exported(folder: Path, out: Path, format_: str) -> export.Exported:
    shelf = clip_folders.read_clips(folder)
    assert not shelf.broken
    return export.export_clips(shelf.clips, out, format_)


def columns(count: int, period: float = 0.1, first: float | None = None) -> dict[str, list[Any]]:
    """A clip's table: frames every ``period`` s, the first one ``first`` s before the second."""
    stamps = [round(1e9 * period * i) for i in range(count)]
    if first is not None:
        stamps[1:] = [stamp - round(1e9 * (period - first)) for stamp in stamps[1:]]
    return {
        "stamp": stamps, "label": ["pre"] * count, "observation.state": [[float(i)] * len(STATE) for i in range(count)],
        "action": [[0.1, float(i)] for i in range(count)], "action.policy": [[0.0, 0.0]] * count,
        "action.expert": [[0.2, 0.0]] * count,
    }  # fmt: skip


def written(tmp_path: Path, *tables: dict[str, list[Any]]) -> tuple[int, list[str], list[dict[str, Any]]]:
    """Frames, what was left out, and the rows of each episode."""
    clips = [lerobot.ClipTable(f"clip{i}", "drive: stuck", table) for i, table in enumerate(tables)]
    pyarrow = pytest.importorskip("pyarrow")
    (tmp_path / "set").mkdir()
    frames, left_out = lerobot.write_lerobot(pyarrow, clips, STATE, ACTION, tmp_path / "set", "v2.1")
    files = sorted((tmp_path / "set" / "data" / "chunk-000").iterdir())
    return frames, left_out, [arrow.read_table(file).to_pydict() for file in files]


def test_timestamps_are_even_where_a_clip_begins_with_its_episode(tmp_path: Path) -> None:
    """The first scene comes half a period before the second: the earlier of the two goes."""
    frames, _, (episode,) = written(tmp_path, columns(20, first=0.05))
    assert frames == 19 and episode["timestamp"] == pytest.approx(0.1 * np.arange(19), abs=1e-6)
    assert episode["observation.state"][0] == [1.0] * len(STATE)


def test_a_missing_frame_ends_an_episode(tmp_path: Path) -> None:
    """Nobody is told that half a second passed within a tenth."""
    table = columns(20)
    table = {name: [value for i, value in enumerate(values) if i not in (8, 9)] for name, values in table.items()}
    table["action"][14] = [float("nan"), float("nan")]
    frames, _, episodes = written(tmp_path, table)
    assert [len(episode["timestamp"]) for episode in episodes] == [8, 6, 3] and frames == 17
    assert [episode["next.done"].count(True) for episode in episodes] == [1, 1, 1]
    index = [value for episode in episodes for value in episode["index"]]
    assert index == list(range(17)) and episodes[2]["episode_index"] == [2] * 3


def test_what_some_frame_lacks_is_left_out_and_said(tmp_path: Path) -> None:
    table, nan = columns(10), float("nan")
    table["action.policy"] = [[nan, nan], *table["action.policy"][1:]]
    table["observation.state"] = [[*row[:-1], nan] for row in table["observation.state"]]
    _, left_out, (episode, other) = written(tmp_path, table, columns(10))
    assert left_out == [STATE[-1], "action.policy"] and "action.policy" not in {*episode, *other}
    info = json.loads((tmp_path / "set" / "meta" / "info.json").read_text())
    assert info["features"]["observation.state"]["names"] == list(STATE[:-1])


def test_nothing_to_export_is_said(tmp_path: Path) -> None:
    with pytest.raises(TakeadError, match="no two frames with a command follow each other"):
        written(tmp_path, columns(1))


@pytest.mark.parametrize("format_", ["lerobot", "lerobot-v2.1"])
@pytest.mark.parametrize("kind", ["takeovers", "demonstrations"])
def test_every_number_in_an_export_is_finite(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, format_: str
) -> None:
    result = exported(request.getfixturevalue(kind), tmp_path / "set", format_)
    frames = 0
    for file in (tmp_path / "set" / "data").rglob("*.parquet"):
        for name, values in arrow.read_table(file).to_pydict().items():
            if name != "label":
                assert np.isfinite(np.array(values, dtype=float)).all(), name
        frames += arrow.read_metadata(file).num_rows
    assert frames == result.frames > 50 and ("action.policy" in result.left_out) == (kind == "demonstrations")
    for file in (tmp_path / "set" / "meta").glob("*.json*"):
        assert "NaN" not in file.read_text() and "null}" not in file.read_text()


def test_a_failed_export_leaves_nothing(takeovers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills in the middle of it."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lerobot, "write_durably", full)
    with pytest.raises(TakeadError, match="No space left on device"):
        exported(takeovers, tmp_path / "set", "lerobot")
    assert list(tmp_path.iterdir()) == []


def test_clips_on_a_disk_that_cannot_be_written_are_exported_all_the_same(
    takeovers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path, text: str) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(amend, "write_durably", read_only)
    result = exported(takeovers, tmp_path / "x.parquet", "parquet")
    assert len(result.not_noted) == 2 and "Read-only file system" in result.not_noted[0] and result.frames == 192


def test_one_bad_clip_stops_no_export(takeovers: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(takeovers, tmp_path / "clips"))
    bad = clip_folders.list_clips(folder)[0]
    (bag,) = bad.glob("*.mcap")
    bag.write_bytes(bag.read_bytes()[: bag.stat().st_size // 2])
    result = export.export_clips(clip_folders.read_clips(folder).clips, tmp_path / "x.parquet", "parquet")
    assert [item.path for item in result.broken] == [bad] and len(result.clips) == 1


# LeRobot itself ---------------------------------------------------------------------------------------------------


def _dataset_class() -> tuple[Any, str]:
    """LeRobot's dataset class and the format that it reads."""
    if importlib.util.find_spec("lerobot") is None:
        pytest.skip("lerobot is not installed; it has an environment of its own (docs/recording.md, Export)")
    module = importlib.import_module("lerobot.datasets.lerobot_dataset")
    return module.LeRobotDataset, str(module.CODEBASE_VERSION)


@pytest.mark.parametrize("kind", ["takeovers", "demonstrations"])
def test_lerobot_loads_the_export(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is, offline, at LeRobot's own tolerances: items, a choice of episodes, windows over time, a DataLoader."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    dataset_class, version = _dataset_class()
    format_ = next(name for name, known in export.FORMATS.items() if known == version)
    root = tmp_path / "set"
    result = exported(request.getfixturevalue(kind), root, format_)
    whole = dataset_class("takead/clips", root=root)
    assert len(whole) == result.frames and whole.fps == 10 and whole.num_episodes == len(result.clips)
    first = arrow.read_table(sorted((root / "data").rglob("*.parquet"))[0]).to_pydict()
    for row in (0, 1, 7):
        item = whole[row]
        assert item["observation.state"].tolist() == pytest.approx(first["observation.state"][row])
        assert item["action"].tolist() == pytest.approx(first["action"][row])
        assert item["task"].startswith("lead_brake: ")
    second = dataset_class("takead/clips", root=root, episodes=[1])
    assert 0 < len(second) < len(whole) and int(second[0]["episode_index"]) == 1
    windows = dataset_class("takead/clips", root=root, delta_timestamps={"action": [0.0, 0.1, 0.2]})
    assert windows[3]["action"].shape == (3, 2)
    batch = next(iter(importlib.import_module("torch").utils.data.DataLoader(whole, batch_size=8)))
    assert batch["observation.state"].shape[0] == 8
    assert all(np.isfinite(value).all() for value in whole.meta.stats["action"].values())
