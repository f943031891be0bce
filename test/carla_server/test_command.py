"""``takead carla-server`` as it is typed: it serves, records, says who comes, and ends on Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcap.reader import make_reader

from support.carla_server import ask_client, connect_refused, free_ports, start_client, told
from support.opendrive import straight

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "takead_ros.cli.main", "carla-server"]


def test_it_serves_a_file_records_and_ends(tmp_path: Path) -> None:
    (tmp_path / "mine.xodr").write_text(straight(), encoding="utf-8")
    port = free_ports()
    options = ["--xodr", str(tmp_path / "mine.xodr"), "--port", str(port), "--record", str(tmp_path / "log")]
    server = subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    )
    assert server.stdout is not None
    assert f"127.0.0.1:{port}" in server.stdout.readline()
    assert ask_client("drive", port, "30", "1")["frames"] == 30
    server.send_signal(signal.SIGINT)
    out, err = server.communicate(timeout=60.0)
    assert server.returncode == 0, err
    assert "stopped: 2 connections" in out or "stopped: 1 connections" in out
    assert "connects" in err and "is gone" in err and "Traceback" not in err
    assert connect_refused(port)
    with (tmp_path / "log" / "carla_server.mcap").open("rb") as file:
        told = [(channel.topic, json.loads(message.data)) for _, channel, message in make_reader(file).iter_messages()]
    frames = [frame for topic, frame in told if topic == "frame"]
    driven = [actor for actor in frames[-1]["actors"] if actor["type"] == "vehicle.tesla.model3"]
    assert frames[-1]["map"] == "Carla/Maps/mine" and len(driven) == 1 and abs(driven[0]["velocity"][0]) > 1.0
    assert {"spawn_actor", "tick_cue"} <= {call["name"] for topic, call in told if topic == "call"}


def test_clients_may_tidy_up_after_ctrl_c(tmp_path: Path) -> None:
    """Who waits for a tick of a server that is gone does so until its own time limit."""
    (tmp_path / "mine.xodr").write_text(straight(), encoding="utf-8")
    port = free_ports()
    options = ["--xodr", str(tmp_path / "mine.xodr"), "--port", str(port), "--grace", "30"]
    server = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stdout is not None and server.stderr is not None
    assert "speaks CARLA" in server.stdout.readline()
    client = start_client("drive", port, "30", "1", str(tmp_path / "ended"))
    while "connects" not in server.stderr.readline():
        assert server.poll() is None
    server.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert server.poll() is None
    (tmp_path / "ended").touch()
    assert told(client)["frames"] >= 30
    asked = time.monotonic()
    server.communicate(timeout=20.0)
    assert server.returncode == 0 and time.monotonic() - asked < 10.0, "nobody is left to wait for"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--carla-version", "0.9.15"], "CARLA version '0.9.15': unknown"),
        (["--xodr", "no_such_file.xodr"], "no_such_file.xodr"),
        (["--town", "Town99"], "map 'Town99': unknown"),
        (["--suite", "no_such_suite"], "suite 'no_such_suite': unknown"),
    ],
)
def test_what_it_cannot_serve_is_refused_by_name(options: list[str], expected: str) -> None:
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and expected in done.stderr.replace("\n", " ") and "Traceback" not in done.stderr
