"""SIGKILLs recorders at random moments and looks at what is left: ``recorder_kill.py [--kills 200] [--ros 20]``.

Embedded, in turns: ``real time`` (a vehicle's settings), ``as fast as it goes`` (waiting for the disk, as the embedded
run does) and ``drive`` (the whole embedded stack with simulator, policy and expert). What was handed over, and when, is
known from notes of the killed process and from the stream itself (``drive``: from a run that was not killed, for two
runs give the same bytes). After ``recover`` every message older than the flush interval must be there, byte for byte,
by the wall clock and by recorded time; the seconds before a trigger count from the trigger on.

Under ROS 2 (``--ros``, with ROS 2 and this package sourced): a clip is played by ``ros2 bag play`` to two
``recorder_node``; one is killed, the other is the witness of what was published and when.

Every clip must open in every reader that is here: takead_ros, rosbags, mcap, with ROS 2 sourced ``ros2 bag info``, and
each ``--reader NAME=COMMAND`` (``{bag}`` and ``{file}`` are filled in; it must print the number of messages).

Prints a table for docs/results/recorder.md; exit code 1 where anything was lost that should not be.
"""

from __future__ import annotations

import argparse
import os
import shlex
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

from takead_ros.recording import clip_folders

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from support import stream
from takead_ros.messages import interfaces
from takead_ros.recording import bag
from takead_ros.recording.recover import recover_clip
from takead_ros.recording.ring import SerializedMessage
from takead_ros.recording.verify import verify_clip

ROOT = Path(__file__).resolve().parents[1]
VICTIM = Path(stream.__file__).with_name("victim.py")
FLUSH_NS = 500_000_000
KINDS = {"real time": "live", "as fast as it goes": "fast", "drive": ""}
EPISODE = ("cut_in", 1_000_000)  # family and seed of ``drive``
COLUMNS = (
    "",
    "kills",
    "clips recovered",
    "killed before anything was due",
    "messages saved",
    "lost though older than 0.5 s, wall clock",
    "and recorded time",
    "oldest lost, median / most, wall clock",
    "and recorded time",
    "unreadable",
    "opened in",
)
Notes = list[tuple[int, int]]  # stamp of a message (drive: of a scene), and the monotonic clock before its hand-over


@dataclass
class Tally:
    """What came of the kills; ``early``: nothing was due yet, and there is no clip; ``overdue``: messages lost although
    older than the flush interval."""

    external: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    clips: int = 0
    early: int = 0
    messages: int = 0
    overdue_wall: int = 0
    overdue_recorded: int = 0
    unreadable: int = 0
    wall_s: list[float] = field(default_factory=list)
    recorded_s: list[float] = field(default_factory=list)
    readers: set[str] = field(default_factory=set)

    def row(self, name: str) -> str:
        def most(values: list[float]) -> str:
            return f"{np.median(values):.2f} / {max(values):.2f} s" if values else "-"

        cells = (
            name,
            self.kills,
            self.clips,
            self.early,
            self.messages,
            self.overdue_wall,
            self.overdue_recorded,
            most(self.wall_s),
            most(self.recorded_s),
            self.unreadable,
            ", ".join(sorted(self.readers)),
        )
        return f"| {' | '.join(map(str, cells))} |"

    @property
    def bad(self) -> bool:
        return bool(
            self.overdue_wall or self.overdue_recorded or self.unreadable or self.clips + self.early != self.kills
        )

    def opens(self, clip: Path) -> None:
        """Open ``clip`` in every reader; they must agree on the number of messages."""
        problems = [p for p in verify_clip(clip).problems if "expected a clip recorded by takead_ros" not in p]
        file = next(clip.glob("*.mcap"))
        count = sum(1 for _ in bag.read(clip))
        with Reader(clip) as rosbag:
            counts = {"rosbags": sum(1 for _ in rosbag.messages())}
        with file.open("rb") as opened:
            counts["mcap"] = sum(1 for _ in make_reader(opened, validate_crcs=True).iter_messages())
        problems += [f"{name}: {number} messages, not {count}" for name, number in counts.items() if number != count]
        for name, command in self.external.items():
            words = shlex.split(command.replace("{bag}", str(clip)).replace("{file}", str(file)))
            told = subprocess.run(words, capture_output=True, text=True)
            if told.returncode or str(count) not in told.stdout.split():
                problems.append(f"{name}: {told.stdout[-300:]} {told.stderr[-300:]}")
        self.readers |= {"takead", *counts, *self.external}
        self.unreadable += bool(problems)
        for problem in problems:
            print(f"{clip.name}: {problem}", file=sys.stderr)


def start(kind: str, folder: Path) -> subprocess.Popen[bytes]:
    """The process to be killed; it is recording."""
    command = [str(VICTIM), str(folder), kind] if kind else [__file__, "--drive", str(folder)]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    while (line := process.stdout.readline()) != b"recording\n":
        assert line, "the process ended before it recorded"
    return process


def kill(kind: str, folder: Path, moment: float) -> None:
    """One kill, ``moment`` s after the clip was opened; its time is left in ``folder``."""
    process = start(kind, folder)
    time.sleep(moment)
    killed = time.monotonic_ns()
    process.send_signal(signal.SIGKILL)
    process.wait()
    (folder / "killed").write_text(str(killed))


def check(folder: Path, tally: Tally, reference: list[SerializedMessage]) -> None:
    """What the kill in ``folder`` left; ``reference``: all that a drive records (empty otherwise)."""
    killed = int((folder / "killed").read_text())
    lines = (folder / "sent").read_text().split("\n")[:-1]
    notes: Notes = [(int(stamp), int(at)) for stamp, at in (line.split() for line in lines)]
    cut, closed = (
        clip_folders.list_unfinished(folder),
        clip_folders.list_clips(folder),
    )  # closed: the drive had just ended
    tally.kills += 1
    clip = recover_clip(cut[0]).clip if cut else closed[0] if closed else None
    found = list(bag.read(clip)) if clip else []
    saved = {(m.topic, m.stamp, m.data) for m in found}
    if reference:
        handed = dict(notes)
        sent = [(m, handed[m.stamp]) for m in reference if m.stamp in handed]
    else:
        run = stream.run(notes[-1][0] / stream.SECOND + 0.1, (stream.Takeover(6.0, 300.0, 301.0),))
        begun, sent = 0, []
        for message, (stamp, at) in zip(run, notes, strict=False):
            assert message.stamp == stamp
            begun = begun or (at if message.topic.endswith("takeover/event") else 0)
            sent.append((message, at))
        # The seconds before the trigger belong to the clip from the trigger on; the first one is before its window.
        sent = [(m, max(at, begun)) for m, at in sent if m.stamp >= stream.SECOND]
    # A message counts as handed over once the next one was noted.
    lost = [(m, at) for m, at in sent[:-1] if (m.topic, m.stamp, m.data) not in saved]
    now = sent[-2][0].stamp if len(sent) > 1 else 0
    tally.wall_s.append(max([killed - at for _, at in lost], default=0) / 1e9)
    tally.recorded_s.append(max([now - max(m.stamp, _trigger(sent)) for m, _ in lost], default=0) / 1e9)
    tally.overdue_wall += sum(killed - at > FLUSH_NS for _, at in lost)
    tally.overdue_recorded += sum(now - max(m.stamp, _trigger(sent)) > FLUSH_NS for m, _ in lost)
    if clip is not None:
        tally.clips += 1
        tally.messages += len(found)
        tally.opens(clip)
    else:
        tally.early += all(killed - at <= FLUSH_NS for _, at in sent[:-1])


def _trigger(sent: list[tuple[SerializedMessage, int]]) -> int:
    """Stamp of the first takeover event: what came before it was not of the clip yet. 0: recorded from the start on."""
    if sent and sent[0][0].stamp == stream.SECOND:
        return next((m.stamp for m, _ in sent if m.topic.endswith("takeover/event")), 0)
    return 0


def drive(folder: Path) -> None:
    """The embedded stack, recording the whole episode; stamps of scenes are noted as a node beside the others hears
    them."""
    from takead_ros.host import wiring
    from takead_ros.host.lockstep import LockstepHost
    from takead_ros.runs.episode import EpisodeRunner, EpisodeSpec

    folder.mkdir(parents=True)
    noted = os.open(folder / "sent", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def watch(host: LockstepHost) -> None:
        clock = host.create_node("notes")

        def on_command(_: object) -> None:
            stamp = clock.get_clock().now().nanoseconds
            if os.fstat(noted).st_size == 0:
                print("recording", flush=True)
            os.write(noted, f"{stamp} {time.monotonic_ns()}\n".encode())

        wiring.subscription(clock, interfaces.COMMAND, on_command)

    family, seed = EPISODE
    spec = EpisodeSpec("demo", family, seed, str(ROOT / "models" / "novice.onnx"), True, str(folder), "all")
    EpisodeRunner().run(spec, watch)


def driven(folder: Path) -> list[SerializedMessage]:
    """What a drive that nobody kills records."""
    start("", folder).communicate()
    (clip,) = clip_folders.list_clips(folder)
    return [SerializedMessage(m.topic, m.stamp, m.data) for m in bag.read(clip)]


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
    (seen,) = clip_folders.list_clips(folder / "witness")
    (cut,) = clip_folders.list_unfinished(folder / "victim")
    result = recover_clip(cut)
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
            tally.overdue_wall += killed - message.stamp > FLUSH_NS
    tally.wall_s.append((killed - oldest_lost) / 1e9)
    if result.clip is not None:
        tally.clips += 1
        tally.opens(result.clip)


def _wait_for(folder: Path, limit_s: float) -> None:
    """Until a recorder has opened its bag in ``folder``: it has found its publishers."""
    end = time.monotonic() + limit_s
    while not list(folder.glob("*/*.mcap")):
        if time.monotonic() > end:
            sys.exit(f"nothing was recorded in {folder} within {limit_s} s; is ROS 2 sourced?")
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="embedded, the kinds in turns")
    parser.add_argument("--first", type=int, default=0, help="number of the first kill, where a run is split")
    parser.add_argument("--only", choices=("kill", "check"), help="one half of it: the timed one, or the long one")
    parser.add_argument("--folder", type=Path, help="where the two halves meet; default: a temporary folder")
    parser.add_argument("--ros", type=int, default=0)
    parser.add_argument("--domain", type=int, default=77, help="ROS domain of the test")
    parser.add_argument("--reader", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--drive", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drive:
        drive(options.drive)
        return
    external = dict(item.split("=", 1) for item in options.reader)
    if shutil.which("ros2"):
        external["ros2 bag info"] = "ros2 bag info {bag}"
    tallies = {name: Tally(external) for name in (*KINDS, "ROS 2")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = options.folder or folder
        kinds = {
            number: list(KINDS)[number % len(KINDS)] for number in range(options.first, options.first + options.kills)
        }
        for number, kind in kinds.items():
            if options.only != "check":
                kill(KINDS[kind], work / f"e{number}", float(np.random.default_rng((11, number)).uniform(0.0, 2.5)))
        if options.only == "kill":
            return
        reference = driven(folder / "reference") if "drive" in kinds.values() else []
        for number, kind in kinds.items():
            check(work / f"e{number}", tallies[kind], [] if KINDS[kind] else reference)
            shutil.rmtree(work / f"e{number}")
            print(tallies[kind].row(kind), file=sys.stderr, flush=True)
        if options.ros:
            (clip,) = stream.record(folder / "clip", stream.run(150.0, (stream.Takeover(6.0, 145.0, 146.0),)))
        for number in range(options.first, options.first + options.ros):
            moment = float(np.random.default_rng((12, number)).uniform(1.5, 7.0))
            under_ros(folder / f"r{number}", clip, moment, tallies["ROS 2"], options.domain)
            print(tallies["ROS 2"].row("ROS 2"), file=sys.stderr, flush=True)
    print(f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 2)}---|")
    for name, tally in tallies.items():
        if tally.kills:
            print(tally.row(name))
    if any(tally.bad for tally in tallies.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
