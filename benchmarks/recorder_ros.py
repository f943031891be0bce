"""recorder_node against ``ros2 bag record`` (MCAP) over DDS: ``recorder_ros.py [--rates 10,20,40] [--sensors 1,2]``.

Needs ROS 2 and this package sourced. One after the other, or both on the same playback (``--together``), they record a
bag from ``ros2 bag play``, faster from step to step: all takead topics (``--rates``: times real time), then these with
a 1280x720 BGRA camera at 20 Hz and a 6 MB/s lidar (``--sensors``). Neither compresses. recorder_node keeps its ring
buffer and writes the whole run. CPU time is the recording process's own. Prints a table for docs/results/recorder.md.
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
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support import stream
from takead_ros.recording import bag
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.writer import ClipWriter

embedded = importlib.import_module("recorder")  # the benchmark beside this one: its sensors and its load
RECORDERS = ("recorder_node", "ros2 bag record")
DISCOVERY_S = 4.0  # from the player's start to its first message
SMALL_S, SENSOR_S = 200.0, 8.0  # recorded time of the two bags
SENSORS = {embedded.CAMERA: BagTopic("sensor_msgs/msg/Image"), embedded.LIDAR: BagTopic("sensor_msgs/msg/PointCloud2")}


def source(folder: Path, messages: Iterator[SerializedMessage]) -> Path:
    """A bag to be played, with every topic but the labels, which recorder_node makes itself.

    All is offered reliably and with deep queues, or the kernel's socket buffers and not the recorders were measured.
    """
    folder.mkdir(parents=True)
    manifest = ClipManifest(
        clip_id="source",
        kind="demonstration",
        state="complete",
        classification="demonstration",
        trigger="none",
        who="none",
        why="",
        severity=0.0,
        start=0,
        end=0,
        events=[],
        provenance=stream.PROVENANCE,
        windows={},
    )
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
        f"{prefix}/lib/takead_ros/recorder_node",
        "--ros-args",
        "-p",
        f"directory:={target}",
        "-p",
        "mode:=all",
        "-p",
        "compression:=none",
        *(["-p", f"topics:={more}"] if more else []),
    ]


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Recording(NamedTuple):
    """lost: messages missed, by topic; cpu_s: seconds of the recording process."""

    lost: Counter[str]
    cpu_s: float


def record(recorders: Sequence[str], played: Path, rate: float, folder: Path, counts: Counter[str]) -> list[Recording]:
    """What each of ``recorders`` missed while ``played`` ran at ``rate`` for all of them, once."""
    targets = [folder / f"target-{number}" for number in range(len(recorders))]
    processes = [
        subprocess.Popen(command(who, target, list(counts)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for who, target in zip(recorders, targets, strict=True)
    ]
    time.sleep(DISCOVERY_S)
    before = [cpu_seconds(process.pid) for process in processes]
    play = [
        "ros2",
        "bag",
        "play",
        str(played),
        "--rate",
        str(rate),
        "--delay",
        str(DISCOVERY_S),
        "--disable-keyboard-controls",
    ]
    subprocess.run(play, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    time.sleep(1.0)
    used = [cpu_seconds(process.pid) - begun for process, begun in zip(processes, before, strict=True)]
    for process in processes:
        process.send_signal(signal.SIGINT)
    found = []
    for process, target, cpu_s in zip(processes, targets, used, strict=True):
        process.wait()
        clips = sorted(path.parent for path in target.rglob("metadata.yaml"))
        got = Counter(message.topic for clip in clips for message in bag.read(clip))
        shutil.rmtree(target, ignore_errors=True)
        found.append(Recording(counts - got, cpu_s))
    return found


def ladder(name: str, played: Path, seconds: float, rates: list[float], folder: Path, together: bool) -> None:
    """Both recorders at each rate, on the same playback where ``together``, and how the fastest without loss
    compare."""
    counts = Counter(message.topic for message in bag.read(played))
    total, size = sum(counts.values()), sum(len(message.data) for message in bag.read(played)) / 1e6
    lossless: dict[str, float] = {}
    received: dict[str, float] = {}
    for rate in rates:
        wall = seconds / rate
        runs = [RECORDERS] if together else [(who,) for who in RECORDERS]
        found = [one for recorders in runs for one in record(recorders, played, rate, folder, counts)]
        for who, one in zip(RECORDERS, found, strict=True):
            lost = one.lost.total()
            lossless[who] = max(lossless.get(who, 0.0), 0.0 if lost else total / wall)
            received[who] = max(received.get(who, 0.0), (total - lost) / wall)
            which = ", ".join(f"{topic} {count}" for topic, count in one.lost.most_common(3))
            said = f"{lost} of {total}" + (f": {which}" if which else "")
            cells = (name, who, f"{total / wall:.0f}", f"{size / wall:.1f}", said, f"{one.cpu_s / wall:.0%}")
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
    parser.add_argument("--together", action="store_true", help="both recorders on the same playback")
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
                ladder(load, played, seconds, [float(rate) for rate in rates.split(",")], folder, options.together)
                shutil.rmtree(played)


if __name__ == "__main__":
    main()
