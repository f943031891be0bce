"""Real small disks, full and read-only, under the recorder node: driving goes on, and every loss is told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import stream
from support.drive import Drive
from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder
from takead_ros.messages import types
from takead_ros.recording import clip_folders, clip_manifests
from takead_ros.recording.recover import recover_clip
from takead_ros.recording.verify import verify_clip

Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a tmpfs with the options given; skips where this user may not."""
    mounted: list[Path] = []

    def make(options: str) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True
        )
        if done.returncode != 0:
            pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    try:
        yield make
    finally:
        for place in mounted:
            subprocess.run(["umount", str(place)], check=True)


def told(drive: Drive) -> tuple[object, str, dict[str, str]]:
    """Level, message and values of the recorder's last report."""
    status = drive.diagnostics[-1].status[0]
    return status.level, status.message, {pair.key: pair.value for pair in status.values}


def test_a_full_disk_is_told_by_topic_and_the_next_takeover_is_recorded_again(mount: Mount) -> None:
    disk = mount("size=1m")
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(700_000))
    drive = Drive(disk / "clips", compression="none")
    takeovers = (stream.Takeover(8.0, 11.0, 12.0), stream.Takeover(30.0, 30.2, 30.3))
    messages = list(stream.run(45.0, takeovers))
    drive.run(m for m in messages if m.stamp < 22 * stream.SECOND)
    level, message, values = told(drive)
    assert level == types.DiagnosticStatus.ERROR and "No space left on device" in message
    assert int(values["lost_disk /takead/scene"]) > 50 and int(values["written /takead/scene"]) > 10
    assert int(values["received /takead/scene"]) >= 420, "driving went on"
    (cut,) = clip_folders.list_unfinished(disk / "clips")
    ballast.unlink()
    result = recover_clip(cut)
    assert result.clip is not None and verify_clip(result.clip).ok
    saved = clip_manifests.read_manifest(result.clip)
    result.clip.rename(disk / "kept")
    for file in sorted((disk / "kept").iterdir()):
        file.unlink()
    drive.run(m for m in messages if m.stamp >= 22 * stream.SECOND)
    drive.recorder.close()
    (clip,) = drive.recorder.clips
    manifest = clip_manifests.read_manifest(clip)
    assert verify_clip(clip).ok and manifest.lost == 0 and manifest.events[0].takeover == 2
    # What the first clip lacks is in the report; a full disk has no room to say it in the clip as well.
    scenes = saved.topics["/takead/scene"]
    window = len([m for m in messages if m.topic == "/takead/scene" and 3.0 <= m.stamp / 1e9 <= 14.0])
    assert scenes.written + int(values["lost_disk /takead/scene"]) == window


def test_a_read_only_disk_is_told_and_driving_goes_on(mount: Mount) -> None:
    disk = mount("size=1m,ro")
    with pytest.raises(TakeadError, match=r"Read-only file system; expected a folder that can be made and written to"):
        writable_folder(disk / "clips")
    drive = Drive(disk / "clips")
    drive.run(stream.run(22.0, (stream.Takeover(8.0, 11.0, 12.0),)))
    drive.recorder.close()
    level, message, values = told(drive)
    assert level == types.DiagnosticStatus.ERROR and "Read-only file system" in message
    assert int(values["received /takead/scene"]) > 400 and int(values["lost_disk /takead/scene"]) == 221
    assert drive.recorder.clips == []
