"""The recorder and the replayer: the file's bytes, the real client, and that a client writes nowhere else."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from support.carla_server import ask_client, make_world, running
from takead_ros.domain.errors import TakeadError
from takead_ros.simulators.carla_server import actor_commands, recording
from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.simulators.carla_server.recording import Recording, pack_frame, pack_head
from takead_ros.simulators.carla_server.recordings import Recordings
from takead_ros.simulators.carla_server.values import (
    ActorDescription,
    CallRefused,
    Rotation,
    Transform,
    Vector3D,
    VehicleControl,
)

CAR = ActorDescription(0, "vehicle.tesla.model3", ())


def recorded(towns: KnownTowns, folder: Path, frames: int = 10) -> Path:
    """A short recording of one car."""
    world = make_world(towns, "crossing")
    recordings = Recordings(folder, print)
    car = world.spawn(CAR, Transform(Vector3D(-50.0, 1.75, 0.0), Rotation(0.0, 0.0, 0.0))).id
    actor_commands.control(world, car, VehicleControl(throttle=0.5, steer=0.1))
    path = Path(recordings.start(world, "a.log", False))
    for _ in range(frames):
        world.step()
        recordings.frame(world)
    recordings.stop()
    return path


def test_the_file_has_the_layout_of_carlas_recorder(towns: KnownTowns, tmp_path: Path) -> None:
    """Read by hand, byte by byte, as CARLA's own source has it: head, then packets of number, size and content."""
    data = recorded(towns, tmp_path).read_bytes()
    assert data[:2] == b"\x02\x00" and data[2:4] == b"\x0e\x00" and data[4:18] == b"CARLA_RECORDER"
    (length,) = struct.unpack_from("<H", data, 26)
    assert data[28 : 28 + length] == b"Carla/Maps/crossing"
    at, packets = 28 + length, []
    while at < len(data):
        number, size = struct.unpack_from("<BI", data, at)
        packets.append((number, data[at + 5 : at + 5 + size]))
        at += 5 + size
    assert at == len(data)
    starts = [struct.unpack("<Qdd", content) for number, content in packets if number == 0]
    assert [start[0] for start in starts] == list(range(1, 11))
    assert starts[0][1:] == (0.05, 0.0) and starts[-1][1] == -1.0
    assert [start[2] for start in starts] == pytest.approx([0.05 * i for i in range(10)])
    assert sum(number == 1 for number, _ in packets) == 10
    position = next(content for number, content in packets if number == 6)
    (count,) = struct.unpack_from("<H", position)
    assert count == 1 and len(position) == 2 + 28
    x, y = struct.unpack_from("<2f", position, 6)
    assert -5000.0 <= x < -4990.0 and y == pytest.approx(175.0, abs=1.0)  # cm


@pytest.mark.parametrize("cut", [1, 30, 200, 1000])
def test_a_file_that_is_cut_off_ends_with_its_last_whole_frame(towns: KnownTowns, tmp_path: Path, cut: int) -> None:
    data = recorded(towns, tmp_path).read_bytes()
    found = Recording(data)
    packed = [pack_frame(frame) for frame in found.frames()]
    head = pack_head(found.map_name, found.date)
    assert len(packed) == 10 and head + b"".join(packed) == data
    ends = np.cumsum([len(head), *map(len, packed)])[1:]
    whole = int(np.sum(ends <= len(data) - cut))
    assert whole < 10 and [frame.number for frame in Recording(data[:-cut]).frames()] == list(range(1, whole + 1))


def test_damaged_files_are_refused_in_words_or_read(towns: KnownTowns, tmp_path: Path) -> None:
    """Bytes at random places: a text of what is wrong, or frames, never another exception; a replay too."""
    path = recorded(towns, tmp_path)
    good, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(400):
        data = bytearray(good)
        for place in rng.integers(0, len(data), rng.integers(1, 20)):
            data[place] = rng.integers(0, 256)
        path.write_bytes(bytes(data))
        world = make_world(towns, "crossing")
        recordings = Recordings(tmp_path, print)
        for told in (
            recordings.info("a.log", True),
            recordings.collisions("a.log", ord("a"), ord("a")),
            recordings.blocked("a.log", 0.1, 10.0),
        ):
            assert isinstance(told, str) and told
        try:
            recordings.replay(
                world, _no_map, "a.log", 0.0, 0.0, 0, False, Transform(Vector3D(0, 0, 0), Rotation(0, 0, 0))
            )
        except CallRefused:
            continue
        for _ in range(12):
            world.step()
        assert np.isfinite(world.rows.pose).all() and len(world.snapshot(0.0)) > 0


def _no_map(name: str) -> None:
    raise CallRefused(f"map {name}")


@pytest.mark.parametrize(
    "name", ["", "..", "../a.log", "/etc/passwd", "a/b.log", "a\\b.log", ".hidden", "a\0b", "C:/a.log", "x" * 200]
)
def test_a_client_names_files_of_the_folder_only(towns: KnownTowns, tmp_path: Path, name: str) -> None:
    recordings = Recordings(tmp_path / "here", print)
    with pytest.raises(CallRefused, match="plain name"):
        recordings.start(make_world(towns), name, False)
    with pytest.raises(CallRefused, match="plain name"):
        recordings.info(name, False)
    assert not (tmp_path / "here").exists()


def test_what_is_no_recording_is_neither_overwritten_nor_read(towns: KnownTowns, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "link").symlink_to("/etc/hostname")
    recordings = Recordings(tmp_path, print)
    with pytest.raises(CallRefused, match="it stays"):
        recordings.start(make_world(towns), "notes.txt", False)
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert "not a CARLA recorder" in recordings.info("notes.txt", False)
    assert "a link" in recordings.info("link", False)
    with pytest.raises(CallRefused, match="without a folder"):
        Recordings(None, print).start(make_world(towns), "a.log", False)
    with pytest.raises(TakeadError, match="not a CARLA recorder"):
        Recording(pack_head("map", 0)[:20])


def test_a_recording_ends_with_its_world(towns: KnownTowns, tmp_path: Path) -> None:
    world = make_world(towns, "crossing")
    recordings = Recordings(tmp_path, print)
    world.spawn(CAR, Transform(Vector3D(-50.0, 1.75, 0.0), Rotation(0.0, 0.0, 0.0)))
    path = Path(recordings.start(world, "a.log", True))
    for _ in range(3):
        world.step()
        recordings.frame(world)
    world.load(towns.load("straight"), reset_settings=True)
    world.step()
    recordings.frame(world)
    frames = list(Recording(path.read_bytes()).frames())
    assert len(frames) == 3 and len(frames[2].of(recording.KINEMATICS)) == 1
    assert [len(frame.of(recording.BOXES)) for frame in frames] == [len(frames[0].added), 0, 0]


def test_the_client_records_looks_through_and_replays(towns: KnownTowns, tmp_path: Path) -> None:
    with running(towns, "crossing", recordings=tmp_path) as run:
        saw = ask_client("records", run.port)
    assert saw["file"] == str(tmp_path / "drive.log") and (tmp_path / "drive.log").exists()
    assert "Create" in saw["info"] and "vehicle.tesla.model3" in saw["info"] and "role_name = hero" in saw["info"]
    assert "Parenting" in saw["info"] and "Frames: 121" in saw["info"] and "Duration: 6 seconds" in saw["info"]
    assert "Positions:" in saw["all"] and "door 0 opened" in saw["all"] and "linear_velocity" in saw["all"]
    assert "Positions:" not in saw["info"]
    assert "vehicle.audi.tt" in saw["collisions"] and "vehicle" not in saw["no_collisions"].split("Actor 2")[1]
    assert "vehicle.audi.tt" in saw["blocked"] and "nothing.log not found" in saw["missing"]
    assert "expected a plain name" in saw["elsewhere"]
    assert "1 s - 4 s (6 s) at 2.0x" in saw["replay"]
    # 2x: a frame of the replay is two of the record, the first of which was frame 1 at 0 s
    for i, place in enumerate(saw["seen"]):
        assert place == pytest.approx(saw["way"][20 + 2 * (i + 1)], abs=2e-3)
    assert saw["velocities"][3] > 0.0
    assert saw["bodies"] == ["vehicle.audi.tt", "vehicle.tesla.model3", "walker.pedestrian.0001"]
    assert saw["left"] == 0 and saw["without_hero"] == ["vehicle.audi.tt"]
