"""Makes the golden clip of the replay test out of a recorded one, and nothing else:

    takead drive --model models/novice.onnx --suite intersection_right --seeds collection:0-1 --bags /tmp/golden
    python benchmarks/make_golden.py /tmp/golden

Takes the first clip in which the policy had driven for a second before it was taken over, cuts out the time around
the trigger, and records that again into test/recording/golden with the same recorder.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from takead_ros.messages import interfaces
from takead_ros.recording import bag, clip_folders, clip_manifests
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.recorder import Recorder

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))
from support import stream

BEFORE, AFTER = 1.0, 1.2  # s around the trigger
GOLDEN = Path(__file__).resolve().parents[1] / "test" / "recording" / "golden"


def main(folder: Path) -> None:
    clips = [(clip, clip_manifests.read_manifest(clip)) for clip in clip_folders.list_clips(folder)]
    fitting = [(clip, m) for clip, m in clips if m.events and m.events[0].stamp - m.start >= 1.5e9]
    if not fitting:
        sys.exit(f"no clip in {folder} in which the policy drove long enough before the takeover; drive more seeds")
    clip, manifest = fitting[0]
    shutil.rmtree(GOLDEN, ignore_errors=True)
    made = cut(clip, manifest)
    print(made, sum(file.stat().st_size for file in made.iterdir()), "bytes")


def cut(clip: Path, manifest: ClipManifest) -> Path:
    """Record the messages around the first trigger again."""
    middle = manifest.events[0].stamp
    first, last = middle - round(BEFORE * 1e9), middle + round(AFTER * 1e9)
    sink = stream.DirectSink(GOLDEN)
    recorder = Recorder(replace(stream.CONFIG, pre_s=BEFORE), stream.TOPICS, manifest.provenance, sink)
    for message in bag.read(clip):
        found = interfaces.find_interface(message.topic, message.type)
        latched = found is not None and found.qos.latched
        inside = first <= message.stamp <= last or (message.stamp < first and latched)
        if inside and found is not interfaces.CLIP_LABEL:
            recorder.receive(message.topic, message.stamp, message.data)
    recorder.finish(last, "cut")
    return sink.clips[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
