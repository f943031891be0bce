"""``takead drive --live``: a real client sees the drive, and none of them, slow or hostile, changes it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("foxglove", reason="the foxglove extra is not installed")

from support.foxglove_client import PROTOCOL, FoxgloveClient, decode
from takead_ros.domain.errors import TakeadError
from takead_ros.messages import codec, interfaces
from takead_ros.pictures.foxglove.live import STREAMED, LiveRunner, LiveStream, Pace
from takead_ros.recording.clip_folders import read_clips
from takead_ros.resources import resource
from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec
from takead_ros.runs.results import EpisodeResult

SCENE = "/takead/display/scene"
NOVICE = str(resource("models/novice.onnx"))


def unpaced() -> Pace:
    return Pace(sleep=lambda seconds: None)


def spec(folder: Path) -> EpisodeSpec:
    """An episode with a takeover."""
    return EpisodeSpec("demo", "intersection_right", 1_000_000, NOVICE, True, str(folder), simulator="vector")


def drive(runner: EpisodeRunner | LiveRunner, folder: Path) -> tuple[EpisodeResult, list[str]]:
    """The result of the episode, and the digests of its clips."""
    try:
        result = runner.run(spec(folder))
    finally:
        runner.close()
    return result, [manifest.content_sha256 for _, manifest in read_clips(folder).clips]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[EpisodeResult, list[str]]:
    found = drive(EpisodeRunner(), tmp_path_factory.mktemp("plain"))
    assert found[1], "a takeover is recorded"
    return found


@pytest.fixture
def stream() -> Iterator[LiveStream]:
    with LiveStream("127.0.0.1", 0, unpaced) as opened:
        yield opened


class Listener(threading.Thread):
    """A client that reads all it gets."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.client = FoxgloveClient(address)
        while not self.client.channels:
            self.client.read(10.0)
        self.heard: list[Any] = []
        self.start()

    def run(self) -> None:
        self.heard = self.client.collect(120.0)


@pytest.mark.slow
def test_a_client_sees_the_drive_and_the_drive_is_the_same(
    stream: LiveStream, plain: tuple[EpisodeResult, list[str]], tmp_path: Path
) -> None:
    listener = Listener(stream.address)
    assert drive(LiveRunner(stream), tmp_path) == plain
    stream.close()
    listener.join(30.0)
    channels, heard = listener.client.channels, listener.heard
    names = {one.full_name("/takead"): one for one in STREAMED}
    assert set(channels) == {SCENE, *names}
    assert listener.client.capabilities == [], "a client may watch and nothing else"
    counts = Counter(one.topic for one in heard)
    for name, one in names.items():
        assert channels[name]["schemaName"] == one.type and channels[name]["encoding"] == "cdr"
        assert counts[name] > 0 or one is interfaces.HUMAN_COMMAND, name
    for one in heard:
        if one.topic != SCENE:
            assert codec.type_name(codec.deserialize(one.data, names[one.topic].type)) == names[one.topic].type
    updates = [(one.stamp, decode(channels[SCENE], one.data)) for one in heard if one.topic == SCENE]
    screen: dict[str, Any] = {}
    drivers = set()
    for stamp, update in updates:
        for entity in update.entities:
            assert entity.frame_id == "base_link" and entity.lifetime.seconds + entity.lifetime.nanos > 0
            assert entity.timestamp.seconds * 10**9 + entity.timestamp.nanos == stamp
            screen[entity.id] = entity
        for deletion in update.deletions:
            screen.pop(deletion.id, None)
        texts = [text.text for entity in update.entities for text in entity.texts]
        drivers |= {match[1] for text in texts if (match := re.match(r"(POLICY|EXPERT|HANDBACK): ", text))}
        assert any(text.startswith("age s:") for text in texts)
    assert drivers >= {"POLICY", "EXPERT"}, "the takeover is seen"
    spaces = {name.split("/")[0] for name in screen}
    assert spaces >= {"road", "route", "ego", "objects", "policy", "expert", "candidates", "status"}


@pytest.mark.slow
def test_a_second_drive_begins_a_new_session(stream: LiveStream, tmp_path: Path) -> None:
    from takead_ros.host.lockstep import LockstepHost

    client = FoxgloveClient(stream.address)
    for _ in range(2):
        client.collect(0.4)  # it is known to the server by now, and a session is named by its millisecond
        host = LockstepHost()
        stream.watch(host)
        host.advance(10**9)
    client.collect(0.4)
    assert len(set(client.sessions)) >= 2
    client.close()


def unread(address: str) -> Any:
    """Subscribes to everything and never reads again."""
    client = FoxgloveClient(address)
    while not client.channels:
        client.read(10.0)
    return client


def chatter(address: str, stop: threading.Event) -> None:
    """Sends what no client should, in frames and as raw bytes."""
    from websockets.sync.client import connect

    host, port = address.removeprefix("ws://").split(":")
    words = (
        b"\x00" * 1000,
        b"\x01\xff\xff\xff\xff" + b"x" * 5000,
        "{",
        "[]",
        '{"op": "nothing"}',
        '{"op": "subscribe"}',
        json.dumps({"op": "subscribe", "subscriptions": [{"id": i, "channelId": i % 40} for i in range(3000)]}),
        json.dumps(
            {
                "op": "advertise",
                "channels": [
                    {
                        "id": 1,
                        "topic": "/takead/command",
                        "encoding": "cdr",
                        "schemaName": "takead_ros/msg/DriveCommand",
                    }
                ],
            }
        ),
        b"\x01\x01\x00\x00\x00" + b"\x00" * 200,  # a message for it
        json.dumps({"op": "setParameters", "parameters": [{"name": "x", "value": 1}]}),
    )
    while not stop.is_set():
        with contextlib.suppress(Exception), connect(address, subprotocols=[PROTOCOL], open_timeout=5) as open_:
            for word in words:
                open_.send(word)
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 5) as raw:
            raw.sendall(os.urandom(4000))
        time.sleep(0.02)


@pytest.mark.slow
def test_no_client_changes_the_drive(
    stream: LiveStream, plain: tuple[EpisodeResult, list[str]], tmp_path: Path
) -> None:
    stop = threading.Event()
    hostile = threading.Thread(target=chatter, args=(stream.address, stop), daemon=True)
    slow = [unread(stream.address) for _ in range(5)]
    hostile.start()
    try:
        assert drive(LiveRunner(stream), tmp_path) == plain
    finally:
        stop.set()
        hostile.join(20.0)
    after = FoxgloveClient(stream.address)
    while not after.channels:
        after.read(10.0)
    assert SCENE in after.channels, "the server is as it was"
    after.close()
    begin = time.monotonic()
    stream.close()
    assert slow and time.monotonic() - begin < 10.0, "nobody waits for clients that do not read"


def test_a_place_that_is_taken_is_one_clear_error(stream: LiveStream) -> None:
    port = int(stream.address.rsplit(":", 1)[1])
    with pytest.raises(TakeadError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*in use.*--live-at HOST:PORT"):
        LiveStream("127.0.0.1", port)
    with pytest.raises(TakeadError, match=r"cannot listen on 203\.0\.113\.1:0"):
        LiveStream("203.0.113.1", 0)


def test_real_time_is_kept_and_nothing_caught_up() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        now[0] += seconds

    pace = Pace(lambda: now[0], sleep)
    for tick in range(4):
        now[0] += 0.01  # what a tick costs
        pace.wait(0.05 * tick)
    assert slept == [0.04] * 3
    now[0] += 2.0  # a tick that took long
    pace.wait(0.20)
    now[0] += 0.01
    pace.wait(0.25)
    assert slept == [0.04] * 4, "real time goes on from there"


DRIVE = (
    sys.executable, "-m", "takead_ros.cli.main", "drive", "--model", NOVICE, "--sim", "vector", "--suite",
    "intersection_right", "--seeds", "collection:0",
)  # fmt: skip


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DRIVE, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--live-at", "8765"), "--live-at '8765': expected HOST:PORT"),
        (("--live-at", "::1:8765"), "--live-at '::1:8765': expected HOST:PORT"),
        (("--live-at", "127.0.0.1:99999"), "expected HOST:PORT"),
        (("--live", "--workers", "2"), "expected --workers 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_shown_is_refused(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2 and words in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_without_the_sdk_it_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "foxglove.py").write_text("raise ImportError('no such package here')\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    result = run("--live", PYTHONPATH=path)
    assert result.returncode == 2 and "pip install 'takead_ros[foxglove]'" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_command_streams_in_real_time_and_ends_by_ctrl_c() -> None:
    process = subprocess.Popen(
        ["env", "--default-signal=INT", *DRIVE, "--live-at", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "live at" in line)
        found = re.search(r"ws://127\.0\.0\.1:\d+", line)
        assert found is not None, line
        client = FoxgloveClient(found[0], frozenset({SCENE}))
        while client.read(60.0) is None:
            pass
        begin = time.monotonic()
        heard = client.collect(4.0)
        wall, simulated = time.monotonic() - begin, (heard[-1].stamp - heard[0].stamp) / 1e9
        assert simulated <= wall + 0.2, "never faster than real time"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.wait()
