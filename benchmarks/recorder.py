"""What the recorder takes, against the bare MCAP writer: ``recorder.py [--seconds 20] [--folder DIR]``.

1. Flat out: the same messages through the recorder (ring buffer, labels, flush and fsync every 0.5 s, thread) and
   through ``mcap.writer.Writer`` alone, in turns in one run; MB/s, messages/s and their ratio.
2. Real time: 20 Hz of a 1280x720 BGRA camera, a 6 MB/s lidar and all takead topics; losses and CPU share.

Both without compression. Prints tables for docs/recording.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from mcap.writer import CompressionType, Writer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support import stream
from takead_ros.messages import codec, convert, types
from takead_ros.recording.background import BackgroundWriter
from takead_ros.recording.bag_metadata import BagTopic
from takead_ros.recording.recorder import Recorder
from takead_ros.recording.ring import SerializedMessage

CAMERA, LIDAR = "/camera/image_raw", "/lidar/points"
TOPICS = {
    **stream.TOPICS,
    CAMERA: BagTopic("sensor_msgs/msg/Image", reliable=False),
    LIDAR: BagTopic("sensor_msgs/msg/PointCloud2", reliable=False),
}
ROUNDS = 5
REPEAT = 100  # times that the small messages are sent again, for a run of several seconds


def sensors() -> dict[str, bytes]:
    """One camera picture of 3.7 MB and one lidar sweep of 0.3 MB, serialized."""
    rng = np.random.default_rng(1)
    header = convert.header_to_msg(0, "camera")
    image = types.message("sensor_msgs/msg/Image")(
        header=header,
        height=720,
        width=1280,
        encoding="bgra8",
        step=5120,
        data=rng.integers(0, 256, 1280 * 720 * 4, dtype=np.uint8),
    )
    cloud = types.message("sensor_msgs/msg/PointCloud2")(
        header=header,
        height=1,
        width=18_750,
        point_step=16,
        row_step=300_000,
        is_dense=True,
        data=rng.integers(0, 256, 300_000, dtype=np.uint8),
    )
    return {CAMERA: codec.serialize(image), LIDAR: codec.serialize(cloud)}


def load(seconds: float, with_sensors: bool) -> list[SerializedMessage]:
    """A drive's messages as a list; sensor messages share their bytes."""
    extra = sensors() if with_sensors else {}
    found: list[SerializedMessage] = []
    for message in stream.run(seconds):
        found.append(message)
        if message.topic == "/takead/scene":
            found += [SerializedMessage(topic, message.stamp, data) for topic, data in extra.items()]
    return found


def recorder(folder: Path, messages: Iterator[SerializedMessage]) -> tuple[float, int]:
    """Seconds until all is on the disk, and messages lost, through the recorder."""
    begin = time.perf_counter()
    writer = BackgroundWriter(folder, TOPICS, "none", patient=True)
    config = replace(stream.CONFIG, whole_run=True)
    subject = Recorder(config, TOPICS, stream.PROVENANCE, writer)
    for message in messages:
        # Stamped on arrival, as a node does: the flush interval is half a second of real time.
        subject.receive(message.topic, time.monotonic_ns(), message.data)
    subject.finish(time.monotonic_ns())
    writer.stop()
    return time.perf_counter() - begin, writer.status.lost


def bare(folder: Path, messages: Iterator[SerializedMessage]) -> tuple[float, int]:
    """The same through the MCAP library's writer alone; on the disk at the end."""
    begin = time.perf_counter()
    folder.mkdir(parents=True)
    with (folder / "bare.mcap").open("wb") as file:
        writer = Writer(file, compression=CompressionType.NONE)
        writer.start(profile="ros2")
        channels: dict[str, int] = {}
        for message in messages:
            if message.topic not in channels:
                name = TOPICS[message.topic].type
                schema = writer.register_schema(name, "ros2msg", codec.definition(name).encode())
                channels[message.topic] = writer.register_channel(message.topic, "cdr", schema)
            now = time.monotonic_ns()
            writer.add_message(channels[message.topic], now, message.data, now)
        writer.finish()
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - begin, 0


def flat_out(folder: Path, name: str, messages: list[SerializedMessage]) -> None:
    size = sum(len(message.data) for message in messages) / 1e6
    times: dict[str, list[float]] = {"recorder": [], "bare writer": []}
    lost = 0
    for number in range(ROUNDS):
        for who, run in (("recorder", recorder), ("bare writer", bare)):
            target = folder / f"{who}-{number}"
            seconds, missing = run(target, iter(messages))
            times[who].append(seconds)
            lost += missing
            shutil.rmtree(target)
    for who, taken in times.items():
        best = statistics.median(taken)
        print(
            f"| {name} | {who} | {size / best:.0f} | {len(messages) / best:.0f} | {lost if who == 'recorder' else 0} |"
        )
    ratio = statistics.median(b / r for r, b in zip(times["recorder"], times["bare writer"], strict=True))
    print(f"| {name} | ratio, median of {ROUNDS} pairs | {ratio:.2f} | {ratio:.2f} | |")


def real_time(folder: Path, messages: list[SerializedMessage]) -> None:
    """Paced by the wall clock, with the vehicle's settings: what does not fit is dropped and counted."""
    writer = BackgroundWriter(folder / "live", TOPICS, "none")
    subject = Recorder(replace(stream.CONFIG, whole_run=True), TOPICS, stream.PROVENANCE, writer)
    begin, cpu, late = time.perf_counter(), time.process_time(), 0.0
    for message in messages:
        wait = message.stamp / 1e9 - (time.perf_counter() - begin)
        if wait > 0:
            time.sleep(wait)
        late = max(late, -wait)
        subject.receive(*message)
    wall = time.perf_counter() - begin
    share = (time.process_time() - cpu) / wall
    queued = writer.queued_bytes / 1e6
    subject.finish(messages[-1].stamp)
    writer.stop()
    status = writer.status
    shutil.rmtree(folder / "live")
    print(
        f"| {wall:.0f} s | {status.bytes_written / wall / 1e6:.0f} | {sum(status.written.values()) / wall:.0f} | "
        f"{status.lost} | {share * 100:.0f} % | {queued:.0f} MB | {late * 1e3:.0f} ms |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of recorded time in each part")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        print("| load | through | MB/s | messages/s | lost |\n|---|---|---:|---:|---:|")
        flat_out(folder, "takead topics", load(options.seconds, False) * REPEAT)
        everything = load(options.seconds, True)
        flat_out(folder, "and camera, lidar", everything)
        print("\n| real time | MB/s | messages/s | lost | CPU of one core | queued at the end | latest |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        real_time(folder, everything)


if __name__ == "__main__":
    main()
