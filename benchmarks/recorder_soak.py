"""Takeover after takeover: ``recorder_soak.py [--takeovers 1000] [--every 15]`` as fast as the disk takes it;
``recorder_soak.py --real-time --takeovers 240`` for an hour of the wall clock, with a vehicle's settings.

Prints the memory in use as it goes, its slope after the first fifth, and at the end whether every takeover is in a
clip, whole, with nothing lost. Exit code 1 where not, or where memory grows.
"""

from __future__ import annotations

import argparse
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from takead_ros.recording import clip_folders, clip_manifests

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support import stream
from takead_ros.recording.background import BackgroundWriter
from takead_ros.recording.recorder import Recorder
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.verify import verify_clip

GROWTH_MB = 10.0  # allowed after the first fifth
SAMPLES = 500  # of the memory in use


def cycles(count: int, every: float) -> Iterator[SerializedMessage]:
    """``count`` times the same ``every`` s with a takeover in it, stamped on."""
    once = list(stream.run(every, (stream.Takeover(6.0, 7.0, 7.5),)))
    for number in range(count):
        shift = round(number * every * 1e9)
        for message in once:
            stamp = message.stamp + shift
            seconds, rest = divmod(
                struct.unpack_from("<iI", message.data, 4)[0] * stream.SECOND
                + struct.unpack_from("<iI", message.data, 4)[1]
                + shift,
                stream.SECOND,
            )
            data = message.data[:4] + struct.pack("<iI", seconds, rest) + message.data[12:]
            yield SerializedMessage(message.topic, stamp, data)


def memory_mb() -> float:
    """Resident memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def slope_mb_per_hour(samples: list[tuple[float, float]]) -> float:
    """Least squares through (s of recorded time, MB)."""
    seconds, memory = np.array(samples).T
    return float(np.polyfit(seconds / 3600.0, memory, 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takeovers", type=int, default=1000)
    parser.add_argument("--every", type=float, default=15.0, help="s from one to the next")
    parser.add_argument("--real-time", action="store_true", help="paced by the wall clock; what is late is dropped")
    options = parser.parse_args()
    span = options.takeovers * options.every
    samples: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        # A small queue, so that what waits for the disk does not pass for growth.
        writer = BackgroundWriter(Path(name), stream.TOPICS, queue_bytes=8 << 20, patient=not options.real_time)
        recorder = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, writer)
        last, begin, used = 0, time.monotonic(), time.process_time()
        for message in cycles(options.takeovers, options.every):
            now = message.stamp / 1e9
            if options.real_time:
                time.sleep(max(0.0, now - (time.monotonic() - begin)))
            if now >= len(samples) * span / SAMPLES:
                samples.append((now, memory_mb()))
                if len(samples) % (SAMPLES // 20) == 1:
                    elapsed = time.monotonic() - begin
                    print(f"{now / span:4.0%}  {samples[-1][1]:6.1f} MB  {elapsed:5.0f} s", flush=True)
            last = message.stamp
            recorder.receive(*message)
        recorder.finish(last)
        writer.stop()
        wall, cpu = time.monotonic() - begin, time.process_time() - used
        samples.append((span, memory_mb()))
        clips = clip_folders.list_clips(name)
        starts = [e.stamp for clip in clips for e in clip_manifests.read_manifest(clip).events if e.kind == "start"]
        broken = [clip for clip in islice(clips, 0, None, max(1, len(clips) // 100)) if not verify_clip(clip).ok]
        lost = sum(clip_manifests.read_manifest(clip).lost for clip in clips) + writer.status.lost
    settled = samples[SAMPLES // 5 :]
    slope, growth = slope_mb_per_hour(settled), settled[-1][1] - settled[0][1]
    print(
        "| takeovers | recorded time | wall clock | CPU of one core | clips | takeovers in clips | lost | not whole "
        "| memory, a fifth -> the end | slope |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    print(
        f"| {options.takeovers} | {span / 3600:.2f} h | {wall / 3600:.2f} h | {cpu / wall:.0%} | {len(clips)} | "
        f"{len(set(starts))} | {lost} | {len(broken)} | {settled[0][1]:.1f} -> {settled[-1][1]:.1f} MB | "
        f"{slope:+.1f} MB per recorded hour |"
    )
    if len(set(starts)) != options.takeovers or lost or broken or growth > GROWTH_MB:
        sys.exit(1)


if __name__ == "__main__":
    main()
