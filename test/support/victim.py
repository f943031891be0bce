"""A recorder in a process of its own, there to be killed: ``victim.py FOLDER direct|thread|live|fast``.

direct: writes in its own thread; thread: through the background writer, as the embedded run does, waiting for the disk;
both at ten times real time. live: at real time with a vehicle's settings. fast: as ``thread``, as fast as it goes.
Before a message is handed over, its stamp and the monotonic clock are noted in FOLDER/sent.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from itertools import takewhile
from pathlib import Path

from takead_ros.recording.background import BackgroundWriter
from takead_ros.recording.recorder import Recorder

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # it is started as a script
from support import stream

TAKEOVER = (stream.Takeover(6.0, 300.0, 301.0),)
SPEEDS = {"direct": 10.0, "thread": 10.0, "live": 1.0, "fast": float("inf")}


def main(folder: Path, kind: str) -> None:
    """Records a takeover that does not end, until killed or terminated."""
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
    folder.mkdir(parents=True, exist_ok=True)
    background = None if kind == "direct" else BackgroundWriter(folder, stream.TOPICS, patient=kind != "live")
    speed = SPEEDS[kind]
    recorder = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, background or stream.DirectSink(folder))
    noted = os.open(folder / "sent", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    begin, announced, last = time.monotonic(), False, 0
    for message in takewhile(lambda _: not stop, stream.run(290.0, TAKEOVER)):
        last = message.stamp
        os.write(noted, f"{last} {time.monotonic_ns()}\n".encode())
        recorder.receive(*message)
        if recorder.session.recording:
            if not announced:
                announced, begin = True, time.monotonic() - last / 1e9 / speed
                print("recording", flush=True)
            time.sleep(max(0.0, last / 1e9 / speed - (time.monotonic() - begin)))
    recorder.finish(last)
    if background is not None:
        background.stop()


def full(folder: str) -> None:
    """Records until long after the disk has refused; prints what was lost and why."""
    background = BackgroundWriter(Path(folder), stream.TOPICS, "none", patient=True)
    recorder = Recorder(stream.CONFIG, stream.TOPICS, stream.PROVENANCE, background)
    last = 0
    for message in stream.run(30.0, TAKEOVER):
        last = message.stamp
        recorder.receive(*message)
    recorder.finish(last)
    background.stop()
    print(sum(background.status.lost_disk.values()), background.status.current_failure)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
