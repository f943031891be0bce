"""What a kill, a full disk and bad bytes leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import UserDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader

from support import damage, stream, victim
from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder
from takead_ros.recording import bag, clip_folders, clip_manifests, reader
from takead_ros.recording.accounting import Accounting
from takead_ros.recording.at_risk import AtRisk
from takead_ros.recording.background import BackgroundWriter
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.clip import Label
from takead_ros.recording.recorder import Recorder
from takead_ros.recording.recover import recover_clip
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.verify import verify_clip

pytestmark = pytest.mark.slow

VICTIM = Path(victim.__file__)


def opens_everywhere(clip: Path) -> int:
    """The number of messages, on which all readers agree."""
    assert verify_clip(clip).problems == []
    with Reader(clip) as rosbag:
        count = sum(1 for _ in rosbag.messages())
    with next(clip.glob("*.mcap")).open("rb") as file:
        assert sum(1 for _ in make_reader(file, validate_crcs=True).iter_messages()) == count
    assert sum(1 for _ in bag.read(clip)) == count
    return count


@pytest.fixture(scope="module")
def sent() -> list[stream.SerializedMessage]:
    return list(stream.run(30.0, (stream.Takeover(8.0, 11.0, 12.0), stream.Takeover(16.0, 17.0, 18.0))))


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_every_reader_opens_a_clip(tmp_path: Path, sent: list[stream.SerializedMessage], compression: str) -> None:
    sink = stream.DirectSink(tmp_path, compression)
    recorder = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, sink)
    for message in sent:
        recorder.receive(*message)
    recorder.finish(sent[-1].stamp)
    (clip,) = sink.clips
    manifest = clip_manifests.read_manifest(clip)
    assert opens_everywhere(clip) == sum(count.written for count in manifest.topics.values()) + sum(
        manifest.labels.values()
    )


def test_killed_recorder_loses_at_most_the_flush_interval(tmp_path: Path) -> None:
    """Real processes, SIGKILLed at random moments of a takeover, at ten times real time: writing in the same thread,
    and through the threads that wait for the disk, the bound is exact in recorded time."""
    rng = np.random.default_rng(5)
    for kind in ("direct", "thread"):
        folder = tmp_path / kind
        process = subprocess.Popen([sys.executable, str(VICTIM), str(folder), kind], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"recording\n"
        moment = float(rng.uniform(6.8, 12.0))
        while _last_stamp(folder / "sent") < moment * 1e9:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        progress = [int(line.split()[0]) for line in (folder / "sent").read_text().split("\n")[:-1]]
        sent = list(stream.run(progress[-1] / stream.SECOND + 0.06, (stream.Takeover(6.0, 300.0, 301.0),)))
        (cut,) = clip_folders.list_unfinished(folder)
        result = recover_clip(cut)
        assert result.clip is not None and not cut.exists()
        saved = {(m.topic, m.stamp, m.data) for m in bag.read(result.clip)}
        # The last one noted was not handed over yet, perhaps.
        due = [m for m in sent if stream.SECOND <= m.stamp <= progress[-2] - stream.SECOND // 2]
        assert len(due) > 200 and all((m.topic, m.stamp, m.data) in saved for m in due)
        opens_everywhere(result.clip)
        assert {frame.label for frame in reader.frames(result.clip)} >= {Label.PRE, Label.TAKEOVER_START}
        assert clip_manifests.read_manifest(result.clip).trigger == "collision_predicted"


def test_a_patient_writer_never_leaves_the_flush_interval_at_risk(
    tmp_path: Path, sent: list[stream.SerializedMessage]
) -> None:
    """Far faster than real time: whenever the recorder returns, what is older than the interval is on the disk."""
    background = BackgroundWriter(tmp_path, stream.TOPICS, flush_seconds=0.5, patient=True)
    recorder, recorded = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, background), 0
    for message in sent:
        recorder.receive(*message)
        recorded += recorder.session.recording
        assert background.settled_before(message.stamp - stream.SECOND // 2)
    assert recorded > 1000
    recorder.finish(sent[-1].stamp)
    background.stop()
    assert background.status.lost == 0


def test_what_is_at_risk_is_known() -> None:
    risk = AtRisk()
    assert risk.oldest(5.0) == 0.0 and risk.settled_before(1 << 62)
    for number, (stamp, now) in enumerate(((100, 1.0), (200, 2.0), (300, 2.5)), start=1):
        assert risk.hand(2, stamp, now) == 2 * number
    assert risk.oldest(3.0) == 2.0 and risk.settled_before(100) and not risk.settled_before(101)
    risk.settle(3, 3.0)
    assert risk.oldest(3.0) == 1.0 and risk.longest == 2.0, "half of the second batch is settled, so it is not"
    risk.settle(6, 3.25)
    assert risk.oldest(9.0) == 0.0 and risk.settled_before(1 << 62) and risk.longest == 2.0


def _last_stamp(sent: Path) -> int:
    """Stamp of the last message that the victim noted."""
    lines = sent.read_text().split("\n")[:-1]
    return int(lines[-1].split()[0]) if lines else 0


def test_a_clip_that_is_being_recorded_is_not_repaired(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, str(VICTIM), str(tmp_path), "direct"], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"recording\n"
    (open_clip,) = clip_folders.list_unfinished(tmp_path)
    with pytest.raises(TakeadError, match="being recorded right now"):
        recover_clip(open_clip)
    with pytest.raises(TakeadError, match="takead clips recover"):
        list(reader.frames(open_clip))
    process.kill()
    process.wait()


def test_terminated_recorder_closes_its_clip(tmp_path: Path) -> None:
    """SIGTERM in the middle of a takeover, the writer in its own thread as in the node."""
    process = subprocess.Popen([sys.executable, str(VICTIM), str(tmp_path), "thread"], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"recording\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    (clip,) = clip_folders.list_clips(tmp_path)
    assert opens_everywhere(clip) > 0 and clip_manifests.read_manifest(clip).closed_by == "shutdown"


def test_recovering_again_and_a_whole_clip_change_nothing(tmp_path: Path, sent: list[stream.SerializedMessage]) -> None:
    (clip,) = stream.record(tmp_path, iter(sent))
    before = {path.name: path.read_bytes() for path in clip.iterdir()}
    assert verify_clip(clip).ok
    assert {path.name: path.read_bytes() for path in clip.iterdir()} == before


def test_damage_in_the_middle_costs_one_chunk_and_keeps_the_original(
    tmp_path: Path, sent: list[stream.SerializedMessage]
) -> None:
    (clip,) = stream.record(tmp_path, iter(sent))
    total = sum(1 for _ in bag.read(clip))
    file = next(clip.glob("*.mcap"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(TakeadError, match=r"damaged record .* after byte \d+ of \d+"):
        list(reader.frames(clip))
    result = recover_clip(clip)
    assert result.clip == clip and result.kept is not None
    assert next(result.kept.glob("*.mcap")).read_bytes() == data
    assert 0.9 * total < opens_everywhere(clip) < total


def test_damaged_bags_end_in_a_clear_error_or_a_whole_clip(tmp_path: Path) -> None:
    config = replace(stream.CONFIG, pre_s=0.5, post_s=0.3)
    (clip,) = stream.record(tmp_path / "source", stream.run(3.0, (stream.Takeover(0.8, 1.2, 1.5),)), config)
    outcomes = damage.Outcomes()
    damage.fuzz(clip, tmp_path / "work", range(50), outcomes)
    assert outcomes.broken == []
    assert sum(outcomes.counts.values()) == 50 and outcomes.counts["recovered in part"] > 5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such file or folder"),
        (lambda path: path.mkdir(), r"holds no \.mcap file"),
        (lambda path: path.write_text("hello"), "not a bag"),
        (lambda path: (path.mkdir(), (path / "a.db3").touch()), "SQLite bag"),
        (lambda path: (path.mkdir(), (path / "a.mcap").write_bytes(b"junk")), "metadata.yaml is missing"),
    ],
)
def test_what_is_no_clip_is_told_apart(tmp_path: Path, make: object, words: str) -> None:
    make(tmp_path / "x")  # type: ignore[operator]
    with pytest.raises(TakeadError, match=words):
        list(reader.frames(tmp_path / "x"))


def test_a_foreign_bag_names_the_missing_topics(tmp_path: Path) -> None:
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(tmp_path / "foreign", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/chatter", "std_msgs/msg/String", typestore=store)
        text = store.types["std_msgs/msg/String"](data="hi")
        writer.write(connection, 1, store.serialize_cdr(text, "std_msgs/msg/String"))
    with pytest.raises(TakeadError, match=r"no messages on '\.\.\./scene' \(takead_ros/msg/Scene\)"):
        list(reader.frames(tmp_path / "foreign"))
    with pytest.raises(TakeadError, match=r"no manifest\.json and none in the bag"):
        clip_manifests.read_manifest(tmp_path / "foreign")


def test_a_full_disk_stops_recording_counts_and_lets_go(tmp_path: Path, sent: list[stream.SerializedMessage]) -> None:
    """A file size limit stands in for the disk's end where no small file system can be mounted."""
    code = (
        "import resource, signal, sys; sys.path[:0] = sys.argv[2:]\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (300_000,) * 2)\n"
        "from support import victim; victim.full(sys.argv[1])"
    )
    folders = [str(VICTIM.parents[1]), str(VICTIM.parents[2])]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), *folders], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "File too large" in done.stdout and int(done.stdout.split()[0]) > 100, done.stdout
    (cut,) = clip_folders.list_unfinished(tmp_path)
    result = recover_clip(cut)
    assert result.clip is not None and opens_everywhere(result.clip) > 100
    manifest = clip_manifests.read_manifest(result.clip)
    assert sum(count.lost_disk for count in manifest.topics.values()) == int(done.stdout.split()[0])


def test_a_slow_disk_drops_and_counts_and_never_blocks(tmp_path: Path, sent: list[stream.SerializedMessage]) -> None:
    """A pipe that nobody writes to is the slowest of disks: the writer's thread hangs, the caller must not."""
    topics = _Blocking(stream.TOPICS)
    writer = BackgroundWriter(tmp_path, topics, queue_bytes=200_000)
    recorder = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, writer)
    begin = time.monotonic()
    for message in sent:
        recorder.receive(*message)
    recorder.finish(sent[-1].stamp)
    assert time.monotonic() - begin < 5.0
    assert sum(writer.status.lost_queue.values()) > 500 and writer.queued_bytes <= 200_000
    os.write(topics.into, b"x")
    assert writer.stop(20.0)
    (clip,) = writer.status.clips
    manifest = clip_manifests.read_manifest(clip)
    assert sum(count.lost_queue for count in manifest.topics.values()) > 500
    for count in manifest.topics.values():
        assert count.received <= count.written + count.lost_queue + count.lost_ring


class _Blocking(UserDict[str, BagTopic]):
    """Topics that the writer's thread can only look up once something was written ``into`` a pipe."""

    def __init__(self, topics: dict[str, BagTopic]) -> None:
        super().__init__(topics)
        self._out, self.into = os.pipe()
        self._open = False

    def __getitem__(self, name: str) -> BagTopic:
        if not self._open and threading.current_thread().name == "clip writer":
            self._open = bool(os.read(self._out, 1))
        return super().__getitem__(name)


def test_counts_of_many_threads_are_not_lost() -> None:
    """Both writing threads and the caller enter their counts at once, with the interpreter switching all the time."""
    account, rounds, interval = Accounting(), 3000, sys.getswitchinterval()
    message = SerializedMessage("/a", 1, b"")

    def work() -> None:
        for _ in range(rounds):
            clip = account.begin()
            account.lost_in_queue(clip, [message])
            account.cut_off(clip, {"/a": 2}, {"/a": 3})
            account.end(clip)
            account.failed("full")

    threads = [threading.Thread(target=work) for _ in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    status, total = account.status(), 4 * rounds
    assert (status.written, status.lost_disk, status.lost_queue) == (
        {"/a": 2 * total},
        {"/a": 3 * total},
        {"/a": total},
    )
    assert status.failure_count == total and status.lost == 4 * total


def test_a_failure_that_is_over_stays_known_as_the_first() -> None:
    account = Accounting()
    account.failed("full")
    account.failed("gone")
    account.works()
    status = account.status()
    assert (status.current_failure, status.first_failure, status.failure_count) == ("", "full", 2)


def test_writable_folder(tmp_path: Path) -> None:
    assert writable_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(TakeadError, match="expected a folder that can be made and written to"):
        writable_folder(tmp_path / "file" / "x")
