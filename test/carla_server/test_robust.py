"""Whatever one client does (dies, hangs, floods, sends garbage) harms neither the server nor the others."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from support.carla_messages import call, damaged
from support.carla_server import Running, ask_client, running, start_client, told
from takead_ros.simulators.carla_server import listener
from takead_ros.simulators.carla_server.map_sources import KnownTowns

SLOWEST_S = 5.0  # of a tick beside whatever else goes on, on a machine that has other work too


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20.0)


def ask(run: Running, name: str, *arguments: object) -> tuple[Any, Any]:
    """A well-formed call on a connection of its own; what came back."""
    with connect(run.port) as line:
        line.sendall(msgpack.packb([0, 1, name, [[False], *arguments]]))
        answers = msgpack.Unpacker()
        while True:
            answers.feed(line.recv(65536))
            for answer in answers:
                return answer[2], answer[3]


def send_damaged(run: Running, count: int, seed: int) -> None:
    """Send so many damaged calls, each on a connection of its own, and see each of them dealt with."""
    rng = random.Random(seed)
    for _ in range(count):
        with connect(run.port) as line, contextlib.suppress(ConnectionError):
            line.sendall(damaged(rng))
            line.shutdown(socket.SHUT_WR)
            while line.recv(1 << 20):
                pass


def survives(towns: KnownTowns, tmp_path: Path, count: int, seed: int) -> None:
    with running(towns, recordings=tmp_path / "recordings") as run:
        bystander = start_client("survive", run.port, str(tmp_path / "end"))
        try:
            while not run.server.counts.calls:  # the bystander is there
                time.sleep(0.05)
            send_damaged(run, count, seed)
            assert ask(run, "version") == (None, [[1, "0.9.16"]])
            assert run.server.counts.calls > count / 2
            assert any("is cut off" in text for text in run.said)
            ask(run, "load_new_episode", "straight", True, 0)
        finally:
            (tmp_path / "end").touch()
        assert told(bystander)["looked"] > 0
        assert ask_client("drive", run.port, "20", "2")["frames"] == 20


def test_damaged_calls_end_nothing(towns: KnownTowns, tmp_path: Path) -> None:
    survives(towns, tmp_path, 300, 1)


@pytest.mark.slow
def test_ten_thousand_damaged_calls_end_nothing(towns: KnownTowns, tmp_path: Path) -> None:
    survives(towns, tmp_path, 10_000, 2)


@pytest.mark.slow
def test_every_call_with_plausible_arguments_is_answered(towns: KnownTowns, tmp_path: Path) -> None:
    """An answer or a refusal to each, and never a mistake of the server's own (``running`` looks)."""
    rng = random.Random(3)
    with running(towns, recordings=tmp_path) as run, connect(run.port) as line:
        answers = msgpack.Unpacker(raw=True, strict_map_key=False)
        for number in range(1_500):
            message = call(rng)
            message[1] = number
            line.sendall(msgpack.packb(message))
            answer = None
            while answer is None:
                for answer in answers:
                    assert answer[:2] == [1, number]
                if answer is None:
                    answers.feed(line.recv(1 << 20))


@contextlib.contextmanager
def flooding(port: int, data: bytes) -> Iterator[None]:
    """Somebody who sends ``data`` for ever and reads nothing."""
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError), connect(port) as line:
                line.settimeout(0.2)
                while not stop.is_set():
                    with contextlib.suppress(TimeoutError):
                        line.sendall(data)

    threads = [threading.Thread(target=flood) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [msgpack.packb([0, 7, "get_actor_definitions", [[False]]]) * 50, b"\xc1garbage" * 1000],
    ids=["calls", "garbage"],
)
def test_who_floods_does_not_stop_the_others(towns: KnownTowns, data: bytes) -> None:
    with running(towns) as run, flooding(run.port, data):
        drove = ask_client("drive", run.port, "60", "2")
    assert drove["frames"] == 60 and drove["slowest_s"] < SLOWEST_S


def test_who_hangs_does_not_stop_the_others(towns: KnownTowns) -> None:
    with running(towns) as run:
        hanging = start_client("hang", run.port)
        assert hanging.stdout is not None and hanging.stdout.readline() == "ready\n"
        hanging.send_signal(signal.SIGSTOP)
        try:
            drove = ask_client("drive", run.port, "60", "2")
        finally:
            hanging.kill()
            hanging.communicate()
    assert drove["frames"] == 60 and drove["slowest_s"] < SLOWEST_S


def test_who_dies_leaves_nothing_but_its_actors(towns: KnownTowns) -> None:
    """As in CARLA the actors stay; connections, streams and the traffic manager's port do not."""
    with running(towns) as run:
        dying = start_client("hang", run.port)
        assert dying.stdout is not None and dying.stdout.readline() == "ready\n"
        with connect(run.port) as line:
            line.sendall(msgpack.packb([0, 1, "add_traffic_manager_running", [[False], ["127.0.0.1", 8000]]]))
            line.recv(1000)
            assert ask(run, "is_traffic_manager_running", 8000) == (None, [[1, True]])
        dying.kill()
        dying.communicate()
        drove = ask_client("drive", run.port, "20", "2")
        for _ in range(100):
            if not run.server.connections():
                break
            time.sleep(0.05)
        assert run.server.connections() == 0 and run.server.managers == {}
        assert len(run.server.world.rows.vehicles) == 3
    assert drove["frames"] == 20


@pytest.mark.slow
def test_a_listener_that_never_reads_is_cut_off(towns: KnownTowns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MOST_WAITING", 200_000)
    with running(towns) as run:
        lidar = [0, "sensor.lidar.ray_cast", [["points_per_second", 2, "1000000"]]]
        level = [[0.0, 0.0, 3.0], [0.0, 0.0, 0.0]]
        _, answer = ask(run, "spawn_actor_with_parent", lidar, level, run.server.world.spectator, 0, "")
        with connect(run.port + 1) as deaf:
            deaf.sendall(int(answer[0][1][0]).to_bytes(4, "little"))
            drove = ask_client("drive", run.port, "60", "2")
            assert any("does not read is cut off" in text for text in run.said)
    assert drove["frames"] == 60


def test_a_stream_that_is_not_there_is_refused(towns: KnownTowns) -> None:
    with running(towns) as run, connect(run.port + 1) as line:
        line.sendall((4711).to_bytes(4, "little"))
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(10) == b""


def test_what_is_not_answered_is_said_once(towns: KnownTowns) -> None:
    with running(towns) as run:
        for name in ("no_such_call", "no_such_call", "nor_such"):
            error, result = ask(run, name)
            assert "not answered by this server" in error and result is None
        said = [text for text in run.said if "asks for" in text]
        for _ in range(2):
            assert "no meshes" in str(ask(run, "get_actor_component_names", 1)[1])
            assert ask(run, "enable_carsim", 1, "file")[1][0][0] is True
    assert sum("no meshes" in text for text in run.said) == 1 and sum("CarSim" in text for text in run.said) == 1
    assert len(said) == 2 and all("no client of this version sends" in text for text in said)
    assert not any("no client" in text for text in run.said if "meshes" in text or "CarSim" in text)


def test_every_call_of_the_client_is_answered_or_refused_in_words(towns: KnownTowns) -> None:
    with running(towns) as run:
        names = set(run.server.world.layout.calls)
        assert len(names) == 127 and names - {"tick_cue"} <= set(run.server.calls)  # that one waits for the frame
        assert "no V2X radio" in str(ask(run, "send", 1, "x")[1])
