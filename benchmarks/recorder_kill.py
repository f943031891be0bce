"""SIGKILLs recorders at random moments and looks at what is left: ``recorder_kill.py [--kills 200] [--ros 20]``.

Embedded: a process of its own records a takeover at real time through the background writer, as the node does; it
notes when it handed over each message. After the kill, every message older than the flush interval must be in the
recovered clip, byte for byte, and the clip must open in every reader that is here.

Under ROS 2 (``--ros``, with ROS 2 and this package sourced): a clip is played by ``ros2 bag play`` to two
``recorder_node``; one is killed, the other is the witness of what was published and when.

Prints a table for docs/recording.md; exit code 1 where anything was lost that should not be.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "recording"))

import stream

from takead_ros.recording import bag, reader
from takead_ros.recording.recover import recover
from takead_ros.recording.verify import verify

VICTIM = Path(stream.__file__).with_name("victim.py")
FLUSH_S = 0.5


@dataclass
class Tally:
    kills: int = 0
    clips: int = 0
    messages: int = 0
    overdue: int = 0
    unreadable: int = 0
    at_risk_s: list[float] = field(default_factory=list)
    readers: set[str] = field(default_factory=set)

    def row(self, name: str) -> str:
        risk = self.at_risk_s or [0.0]
        return (
            f"| {name} | {self.kills} | {self.clips} | {self.messages} | {self.overdue} | {self.unreadable} | "
            f"{np.median(risk):.2f} s | {max(risk):.2f} s | {', '.join(sorted(self.readers))} |"
        )


def opens(clip: Path, tally: Tally) -> None:
    """Open ``clip`` in every reader; they must agree on the number of messages."""
    problems = verify(clip).problems
    tally.unreadable += bool([p for p in problems if "expected a clip recorded by takead_ros" not in p])
    with Reader(clip) as rosbag:
        counts = {"rosbags": sum(1 for _ in rosbag.messages())}
    with next(clip.glob("*.mcap")).open("rb") as file:
        counts["mcap"] = sum(1 for _ in make_reader(file, validate_crcs=True).iter_messages())
    counts["takead"] = sum(1 for _ in bag.read(clip))
    if shutil.which("ros2"):
        told = subprocess.run(["ros2", "bag", "info", str(clip)], capture_output=True, text=True).stdout
        counts["ros2 bag info"] = next((int(x.split()[1]) for x in told.splitlines() if x.startswith("Messages:")), -1)
    tally.readers |= set(counts)
    tally.unreadable += len(set(counts.values())) != 1


def embedded(folder: Path, moment: float, tally: Tally) -> None:
    """One kill, ``moment`` s after the clip was opened."""
    process = subprocess.Popen([sys.executable, str(VICTIM), str(folder), "live"], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"recording\n"
    time.sleep(moment)
    killed = time.monotonic_ns()
    process.send_signal(signal.SIGKILL)
    process.wait()
    lines = (folder / "sent").read_text().split("\n")[:-1]
    handed = [(int(stamp), int(at)) for stamp, at in (line.split() for line in lines)]
    sent = list(stream.run(handed[-1][0] / stream.SECOND + 0.1, (stream.Takeover(6.0, 300.0, 301.0),)))
    (cut,) = reader.list_unfinished(folder)
    result = recover(cut)
    tally.kills += 1
    saved = {(m.topic, m.stamp, m.data) for m in bag.read(result.clip)} if result.clip else set()
    oldest_lost = killed
    for message, (stamp, at) in zip(sent, handed, strict=False):
        assert message.stamp == stamp
        if stamp >= stream.SECOND and (message.topic, stamp, message.data) not in saved:
            oldest_lost = min(oldest_lost, at)
            tally.overdue += killed - at > FLUSH_S * 1e9
    tally.at_risk_s.append((killed - oldest_lost) / 1e9)
    tally.messages += result.messages
    if result.clip is not None:
        tally.clips += 1
        opens(result.clip, tally)


def under_ros(folder: Path, clip: Path, moment: float, tally: Tally, domain: int) -> None:
    """One kill under ROS 2, ``moment`` s after the player was started."""
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    prefix = subprocess.run(["ros2", "pkg", "prefix", "takead_ros"], capture_output=True, text=True).stdout.strip()

    def node(name: str, mode: str) -> subprocess.Popen[bytes]:
        arguments = ["--ros-args", "-p", f"directory:={folder / name}", "-p", f"mode:={mode}", "-p", "seed:=7"]
        program = f"{prefix}/lib/takead_ros/recorder_node"
        return subprocess.Popen([program, *arguments, "-r", f"__node:={name}"], env=environment)

    victim, witness = node("victim", "all"), node("witness", "all")
    time.sleep(4.0)
    play = ["ros2", "bag", "play", str(clip), "--disable-keyboard-controls"]
    player = subprocess.Popen(play, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name in ("victim", "witness"):
        _wait_for(folder / name, 60.0)
    time.sleep(moment)
    killed = time.time_ns()
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    time.sleep(0.3)
    player.terminate()
    player.wait()
    witness.send_signal(signal.SIGTERM)
    witness.wait()
    (seen,) = reader.list_clips(folder / "witness")
    (cut,) = reader.list_unfinished(folder / "victim")
    result = recover(cut)
    tally.kills += 1
    tally.messages += result.messages
    saved = list(bag.read(result.clip)) if result.clip is not None else []
    # What came while the victim was still finding its publishers is not a loss.
    joined = min((m.stamp for m in saved), default=min(m.stamp for m in bag.read(seen))) + 5e8
    kept, oldest_lost = {(m.topic, m.data) for m in saved}, killed
    for message in bag.read(seen):
        due = joined < message.stamp < killed and not message.topic.endswith("/clip/label")
        if due and (message.topic, message.data) not in kept:
            oldest_lost = min(oldest_lost, message.stamp)
            tally.overdue += killed - message.stamp > FLUSH_S * 1e9
    tally.at_risk_s.append((killed - oldest_lost) / 1e9)
    if result.clip is not None:
        tally.clips += 1
        opens(result.clip, tally)


def _wait_for(folder: Path, limit_s: float) -> None:
    """Until a recorder has opened its bag in ``folder``: it has found its publishers."""
    end = time.monotonic() + limit_s
    while not list(folder.glob("*/*.mcap")):
        if time.monotonic() > end:
            sys.exit(f"nothing was recorded in {folder} within {limit_s} s; is ROS 2 sourced?")
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--ros", type=int, default=0)
    parser.add_argument("--domain", type=int, default=77, help="ROS domain of the test")
    options = parser.parse_args()
    rng = np.random.default_rng(11)
    tallies = {"embedded": Tally(), "ROS 2": Tally()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(options.kills):
            embedded(folder / f"e{number}", float(rng.uniform(0.02, 2.5)), tallies["embedded"])
            shutil.rmtree(folder / f"e{number}")
            print(tallies["embedded"].row("embedded"), file=sys.stderr, flush=True)
        if options.ros:
            (clip,) = stream.record(folder / "clip", stream.run(150.0, (stream.Takeover(6.0, 145.0, 146.0),)))
            for number in range(options.ros):
                moment = float(rng.uniform(1.5, 7.0))
                under_ros(folder / f"r{number}", clip, moment, tallies["ROS 2"], options.domain)
                print(tallies["ROS 2"].row("ROS 2"), file=sys.stderr, flush=True)
    print("| | kills | clips recovered | messages saved | lost though older than 0.5 s | unreadable | at risk, median "
          "| at risk, most | opened in |\n|---|---:|---:|---:|---:|---:|---:|---:|---|")  # fmt: skip
    for name, tally in tallies.items():
        if tally.kills:
            print(tally.row(name))
    if any(tally.overdue or tally.unreadable or tally.clips != tally.kills for tally in tallies.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
