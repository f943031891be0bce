"""Takeover after takeover, for hours of recorded time as fast as the disk takes it: ``recorder_soak.py
[--takeovers 1000] [--every 15]``.

Prints the memory in use as it goes, and at the end whether every takeover is in a clip, whole, with nothing lost.
Exit code 1 where not, or where memory has grown after the first fifth.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "recording"))

import stream

from takead_ros.recording import reader
from takead_ros.recording.background import BackgroundWriter
from takead_ros.recording.recorder import Recorder
from takead_ros.recording.ring import Received
from takead_ros.recording.verify import verify

GROWTH_MB = 20.0  # allowed after the first fifth


def cycles(count: int, every: float) -> Iterator[tuple[int, Received]]:
    """``count`` times the same ``every`` s with a takeover in it, stamped on: (number, message)."""
    once = list(stream.run(every, (stream.Takeover(6.0, 7.0, 7.5),)))
    for number in range(count):
        shift = round(number * every * 1e9)
        for message in once:
            stamp = message.stamp + shift
            seconds, rest = divmod(struct.unpack_from("<iI", message.data, 4)[0] * stream.SECOND
                                   + struct.unpack_from("<iI", message.data, 4)[1] + shift, stream.SECOND)  # fmt: skip
            data = message.data[:4] + struct.pack("<iI", seconds, rest) + message.data[12:]
            yield number, Received(message.topic, stamp, data)


def memory_mb() -> float:
    """Resident memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takeovers", type=int, default=1000)
    parser.add_argument("--every", type=float, default=15.0, help="s from one to the next")
    options = parser.parse_args()
    begin, samples = time.monotonic(), []
    with tempfile.TemporaryDirectory() as name:
        # A small queue, so that what waits for the disk does not pass for growth.
        writer = BackgroundWriter(Path(name), stream.TOPICS, queue_bytes=8 << 20, patient=True)
        recorder = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, writer)
        last, reached = 0, 0
        for number, message in cycles(options.takeovers, options.every):
            if number * 10 >= reached * options.takeovers:
                samples.append(memory_mb())
                print(f"{reached * 10:3d} %  {samples[-1]:6.1f} MB  {time.monotonic() - begin:5.0f} s", flush=True)
                reached += 1
            last = message.stamp
            recorder.receive(*message)
        recorder.finish(last)
        writer.stop()
        samples.append(memory_mb())
        clips = reader.list_clips(name)
        starts = [e.stamp for clip in clips for e in reader.manifest(clip).events if e.kind == "start"]
        broken = [clip for clip in islice(clips, 0, None, max(1, len(clips) // 100)) if not verify(clip).ok]
        lost = sum(reader.manifest(clip).lost for clip in clips)
    growth = samples[-1] - samples[2]
    print("| takeovers | recorded time | clips | takeovers in clips | lost | not whole | memory, a fifth -> the end |"
          "\n|---:|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    hours = options.takeovers * options.every / 3600
    print(f"| {options.takeovers} | {hours:.1f} h | {len(clips)} | {len(set(starts))} | {lost} | {len(broken)} | "
          f"{samples[2]:.1f} -> {samples[-1]:.1f} MB |")  # fmt: skip
    if len(set(starts)) != options.takeovers or lost or broken or growth > GROWTH_MB:
        sys.exit(1)


if __name__ == "__main__":
    main()
