"""A running server for tests, in a thread, and the real client in processes of its own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.opendrive import crossing, straight

pytest.importorskip("msgpack", reason="the CARLA server needs: pip install 'takead_ros[carla-server]'")
pytest.importorskip("carla", reason="the CARLA server needs: pip install 'takead_ros[carla-server]'")

from takead_ros.simulators.carla_server.map_sources import KnownTowns
from takead_ros.simulators.carla_server.server import Server
from takead_ros.simulators.carla_server.server_world import ServerWorld
from takead_ros.simulators.carla_server.wire_layout import VERSION, load_layout

CLIENTS = Path(__file__).parents[1] / "carla_server" / "clients"


def free_ports() -> int:
    """A port that is free together with the next one."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise OSError("no two free ports in a row")


def connect_refused(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) != 0


def hand_made_towns(folder: Path) -> KnownTowns:
    """The hand-made maps as files: ``straight`` and ``crossing``."""
    for name, text in (("straight", straight()), ("crossing", crossing())):
        (folder / f"{name}.xodr").write_text(text, encoding="utf-8")
    return KnownTowns(tuple(sorted(folder.glob("*.xodr"))))


def make_world(towns: KnownTowns, name: str = "straight", port: int = 2001, seed: int = 0) -> ServerWorld:
    return ServerWorld(load_layout(VERSION), towns.load(name), port, seed)


class Running:
    """A server in a thread of its own, and what it said."""

    def __init__(self, server: Server, port: int) -> None:
        self.server, self.port = server, port
        self.said: list[str] = []


@contextmanager
def running(
    towns: KnownTowns, name: str = "straight", realtime: bool = False, recordings: Path | None = None
) -> Iterator[Running]:
    """Serve the map ``name`` until the context ends; an exception of the server's is raised here."""
    port = free_ports()
    world = make_world(towns, name, port + 1)
    said: list[str] = []
    server = Server(world, towns, said.append, realtime, recordings=recordings)
    run = Running(server, port)
    run.said = said
    opened = threading.Event()
    stop: list[Any] = []
    problems: list[BaseException] = []

    async def serve() -> None:
        ending = asyncio.Event()
        stop.extend([asyncio.get_running_loop(), ending])
        asyncio.get_running_loop().set_exception_handler(lambda loop, told: problems.append(told.get("exception")))
        await server.open("127.0.0.1", port, port + 1)
        opened.set()
        await server.run(ending)

    def main() -> None:
        try:
            asyncio.run(serve())
        except BaseException as problem:  # noqa: BLE001  (handed on below)
            problems.append(problem)
            opened.set()

    thread = threading.Thread(target=main)
    thread.start()
    assert opened.wait(30.0)
    try:
        yield run
    finally:
        print("the server said:", *run.said, sep="\n  ")
        if not problems:
            stop[0].call_soon_threadsafe(stop[1].set)
        thread.join(30.0)
        assert not thread.is_alive()
        assert not problems, problems
        assert run.server.counts.broken == 0, run.said


def start_client(script: str, port: int, *arguments: str) -> subprocess.Popen[str]:
    """``clients/SCRIPT.py PORT ..`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(CLIENTS / f"{script}.py"), str(port), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def told(client: subprocess.Popen[str], timeout_s: float = 60.0) -> dict[str, Any]:
    """What a client printed as its last line, once it has ended well."""
    try:
        out, err = client.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        client.kill()
        out, err = client.communicate()
        pytest.fail(f"the client did not end within {timeout_s} s: {out[-500:]} {err[-2000:]}")
    assert client.returncode == 0, f"{client.returncode}: {out[-500:]} {err[-3000:]}"
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def ask_client(script: str, port: int, *arguments: str, timeout_s: float = 60.0) -> dict[str, Any]:
    """Run a client to its end; what it printed."""
    return told(start_client(script, port, *arguments), timeout_s)
