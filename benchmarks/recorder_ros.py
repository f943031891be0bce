"""recorder_node against ``ros2 bag record`` (MCAP) over DDS: ``recorder_ros.py [--rates 10,20,40] [--sensors 1,2]``.

Needs ROS 2 and this package sourced. One after the other, both record the same bag from ``ros2 bag play``, faster from
step to step: all takead topics (``--rates``: times real time), then these with a 1280x720 BGRA camera at 20 Hz and a
6 MB/s lidar (``--sensors``). Neither compresses. recorder_node keeps its ring buffer and writes the whole run. CPU time
is the recording process's own. Prints a table for docs/results/recorder.md.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support import stream
from takead_ros.recording import bag
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.writer import ClipWriter

embedded = importlib.import_module("recorder")  # the benchmark beside this one: its sensors and its load
DISCOVERY_S = 4.0  # from the player's start to its first message
SMALL_S, SENSOR_S = 200.0, 8.0  # recorded time of the two bags
SENSORS = {embedded.CAMERA: BagTopic("sensor_msgs/msg/Image"), embedded.LIDAR: BagTopic("sensor_msgs/msg/PointCloud2")}


def source(folder: Path, messages: Iterator[SerializedMessage]) -> Path:
    """A bag to be played, with every topic but the labels, which recorder_node makes itself.

    All is offered reliably and with deep queues, or the kernel's socket buffers and not the recorders were measured.
    """
    folder.mkdir(parents=True)
    manifest = ClipManifest(
        clip_id="source", kind="demonstration", state="complete", classification="demonstration", trigger="none",
        who="none", why="", severity=0.0, start=0, end=0, events=[], provenance=stream.PROVENANCE, windows={},
    )  # fmt: skip
    topics = {name: replace(topic, reliable=True, depth=1000) for name, topic in {**stream.TOPICS, **SENSORS}.items()}
    writer = ClipWriter(folder, folder.with_name("source"), manifest, topics, "none")
    for message in messages:
        # Latched topics are published once and for all: a late joiner would be sent the last one again.
        if message.topic != "/takead/arbiter/state":
            writer.write(message)
    return writer.close(manifest)


def command(who: str, target: Path, topics: list[str]) -> list[str]:
    """How to start a recorder that writes into ``target``."""
    if who == "ros2 bag record":
        return ["ros2", "bag", "record", "-s", "mcap", "-o", str(target), "--topics", *topics]
    prefix = subprocess.run(["ros2", "pkg", "prefix", "takead_ros"], capture_output=True, text=True).stdout.strip()
    more = [f"{name}:{topic.type}" for name, topic in SENSORS.items() if name in topics]
    return [
        f"{prefix}/lib/takead_ros/recorder_node", "--ros-args", "-p", f"directory:={target}", "-p", "mode:=all", "-p",
        "compression:=none", *(["-p", f"topics:={more}"] if more else []),
    ]  # fmt: skip


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def record(who: str, played: Path, rate: float, target: Path, counts: Counter[str]) -> tuple[int, float]:
    """Messages that ``who`` missed while ``played`` ran at ``rate``, and its CPU seconds."""
    process = subprocess.Popen(command(who, target, list(counts)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(DISCOVERY_S)
    before = cpu_seconds(process.pid)
    play = ["ros2", "bag", "play", str(played), "--rate", str(rate), "--delay", str(DISCOVERY_S),
            "--disable-keyboard-controls"]  # fmt: skip
    subprocess.run(play, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    time.sleep(1.0)
    used = cpu_seconds(process.pid) - before
    process.send_signal(signal.SIGINT)
    process.wait()
    clips = sorted(path.parent for path in target.rglob("metadata.yaml"))
    got = Counter(message.topic for clip in clips for message in bag.read(clip))
    shutil.rmtree(target, ignore_errors=True)
    return sum(max(0, count - got[topic]) for topic, count in counts.items()), used


def ladder(name: str, played: Path, seconds: float, rates: list[float], folder: Path) -> None:
    """Both recorders at each rate, and how the fastest without loss compare."""
    counts = Counter(message.topic for message in bag.read(played))
    total, size = sum(counts.values()), sum(len(message.data) for message in bag.read(played)) / 1e6
    lossless: dict[str, float] = {}
    received: dict[str, float] = {}
    for rate in rates:
        wall = seconds / rate
        for who in ("recorder_node", "ros2 bag record"):
            lost, cpu = record(who, played, rate, folder / "target", counts)
            lossless[who] = max(lossless.get(who, 0.0), 0.0 if lost else total / wall)
            received[who] = max(received.get(who, 0.0), (total - lost) / wall)
            cells = (name, who, f"{total / wall:.0f}", f"{size / wall:.1f}", lost, f"{cpu / wall:.0%}")
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
    for what, values in (("fastest without loss", lossless), ("most recorded", received)):
        ours, theirs = values["recorder_node"], values["ros2 bag record"]
        ratio = f"{ours / theirs:.2f}" if theirs else "-"
        print(f"| {name} | {what}, messages/s: ours / theirs | {ours:.0f} / {theirs:.0f} = {ratio} | | | |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="10,20,40", help="times real time, all takead topics")
    parser.add_argument("--sensors", default="1", help="times real time, with camera and lidar; empty: not at all")
    parser.add_argument("--folder", type=Path, help="where to record; default: a temporary folder")
    options = parser.parse_args()
    if shutil.which("ros2") is None:
        sys.exit("ros2 is not there; expected a sourced ROS 2 with this package")
    print("| load | recorder | messages/s | MB/s | lost | CPU of one core |\n|---|---|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for load, seconds, rates in (
            ("takead topics", SMALL_S, options.rates),
            ("and sensors", SENSOR_S, options.sensors),
        ):
            if rates:
                played = source(folder / load / "open", iter(embedded.load(seconds, load != "takead topics")))
                ladder(load, played, seconds, [float(rate) for rate in rates.split(",")], folder)
                shutil.rmtree(played)


if __name__ == "__main__":
    main()
