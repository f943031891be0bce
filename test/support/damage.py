"""Ways in which a file goes bad, and what must hold for every one of them. Used by the tests and by benchmarks."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.recording import bag, reader
from takead_ros.recording.recover import recover_clip
from takead_ros.recording.verify import verify_clip

KINDS = ("truncate", "flip", "noise", "zeros", "insert", "delete", "double", "swap", "empty", "length")


def damaged(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """``data`` with one random damage, and which kind it was."""
    kind = str(rng.choice(KINDS))
    at = int(rng.integers(0, max(len(data), 1)))
    span = int(rng.integers(1, 200))
    blob = bytearray(data)
    if kind == "truncate":
        return data[:at], kind
    if kind == "empty":
        return b"", kind
    if kind == "flip":
        for _ in range(int(rng.integers(1, 4))):
            where = int(rng.integers(0, max(len(data), 1)))
            if blob:
                blob[where] ^= 1 << int(rng.integers(0, 8))
    elif kind == "noise":
        blob[at : at + span] = rng.integers(0, 256, len(blob[at : at + span]), dtype=np.uint8).tobytes()
    elif kind == "zeros":
        blob[at : at + span] = bytes(len(blob[at : at + span]))
    elif kind == "insert":
        blob[at:at] = rng.integers(0, 256, span, dtype=np.uint8).tobytes()
    elif kind == "delete":
        del blob[at : at + span]
    elif kind == "double":
        blob[at:at] = blob[at : at + span]
    elif kind == "swap":
        other = int(rng.integers(0, max(len(data), 1)))
        first, second = bytes(blob[at : at + span]), bytes(blob[other : other + span])
        blob[at : at + len(second)], blob[other : other + len(first)] = second, first
    else:
        # A length field that lies: eight bytes that announce nearly anything.
        blob[at : at + 8] = int(rng.integers(0, 2**63)).to_bytes(8, "little")
    return bytes(blob), kind


@dataclass
class Outcomes:
    """How often each thing happened; ``broken`` describes cases that must not happen."""

    counts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def add(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def fuzz(clip: Path, work: Path, cases: range, outcomes: Outcomes) -> None:
    """Damage copies of ``clip`` in ``cases`` ways (each number is one) and put them through verify, recover and the
    reader. Whatever is not a clear error or a whole clip lands in ``outcomes.broken`` or is raised."""
    original = {(m.topic, m.stamp, m.data) for m in bag.read(clip)}
    frames = len(list(reader.frames(clip)))
    for case in cases:
        rng = np.random.default_rng((20_240_611, case))
        copy = work / f"case-{case}" / clip.name
        shutil.copytree(clip, copy)
        victim = sorted(copy.iterdir())[int(rng.choice([0, 0, 0, 0, 1, 2]))]
        data, kind = damaged(victim.read_bytes(), rng)
        if data == victim.read_bytes():
            data, kind = data[:-1], "truncate"
        victim.write_bytes(data)
        name = f"case {case}: {kind} in {victim.name}"
        report = verify_clip(copy)
        try:
            read = list(reader.frames(copy))
        except TakeadError:
            read = None
        if read is not None and report.ok and len(read) != frames:
            outcomes.broken.append(f"{name}: {frames - len(read)} frames dropped in silence")
        if report.ok:
            outcomes.add("harmless: read as before")
            if {(m.topic, m.stamp, m.data) for m in bag.read(copy)} != original:
                outcomes.broken.append(f"{name}: other messages, and nothing said")
        else:
            if any(not problem.strip() for problem in report.problems):
                outcomes.broken.append(f"{name}: a problem without words")
            _recover(copy, name, original, outcomes)
        shutil.rmtree(copy.parent)


def _recover(copy: Path, name: str, original: set[tuple[str, int, bytes]], outcomes: Outcomes) -> None:
    try:
        result = recover_clip(copy)
    except TakeadError as problem:
        outcomes.add("clear error")
        if len(str(problem)) < 20:
            outcomes.broken.append(f"{name}: error without words: {problem}")
        return
    if result.clip is None:
        outcomes.add("nothing to save, said so, original kept")
        return
    again = verify_clip(result.clip)
    if not again.ok and not all("expected a clip recorded by takead_ros" in text for text in again.problems):
        outcomes.broken.append(f"{name}: recovered, yet {again.problems}")
    saved = {(m.topic, m.stamp, m.data) for m in bag.read(result.clip)}
    strange = [m for m in saved - original if not m[0].endswith("/clip/label")]
    if strange:
        outcomes.broken.append(f"{name}: {len(strange)} messages that were never recorded, on {strange[0][0]}")
    whole = original <= saved
    outcomes.add("recovered whole" if whole else "recovered in part")
    if not whole and result.damage == "":
        outcomes.broken.append(f"{name}: messages dropped in silence")
