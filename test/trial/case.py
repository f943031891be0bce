"""One case of the trial: a command, what was done to its files before, and what must come of it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal

from takead_ros.cli.verbs import VERBS

Who = Literal["new user", "breaker", "attacker"]


@dataclass(frozen=True)
class Case:
    """``command`` is typed in a folder that holds copies of those materials (``material.MATERIAL``) that it or
    ``damage`` names.

    damage: see ``damage.inflict``. code: the exit code. says: each must be in what is printed (white space apart).
    writes: patterns of files that may change; every other file that was there must be the same afterwards.
    """

    name: str
    who: Who
    command: str
    code: int
    says: tuple[str, ...]
    damage: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        """The verb, or the program itself."""
        names = {verb.name for verb in VERBS}
        return next((word for word in self.arguments if word in names), "takead")

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.command)

    def names(self, material: str) -> bool:
        """Whether the case is about a material."""
        return any(
            re.search(rf"(^|[\s=/]){re.escape(material)}($|[\s/.])", text) for text in (self.command, *self.damage)
        )


def _make(who: Who, name: str, command: str, code: int, *says: str, damage: str = "", writes: str = "") -> Case:
    steps = tuple(step.strip() for step in damage.split(" ; ") if step.strip())
    return Case(name, who, command, code, says, steps, tuple(writes.split()))


def user(name: str, command: str, code: int, *says: str, damage: str = "", writes: str = "") -> Case:
    """What somebody does who has never used it."""
    return _make("new user", name, command, code, *says, damage=damage, writes=writes)


def breaker(name: str, command: str, code: int, *says: str, damage: str = "", writes: str = "") -> Case:
    """What somebody does who wants to see it fail."""
    return _make("breaker", name, command, code, *says, damage=damage, writes=writes)


def attacker(name: str, command: str, code: int, *says: str, damage: str = "", writes: str = "") -> Case:
    """What somebody does who wants it to do something else."""
    return _make("attacker", name, command, code, *says, damage=damage, writes=writes)


def broken_file(
    command: str, file: str, *says: str, kinds: str = "missing empty cut noise zeros folder loop pipe sparse"
) -> list[Case]:
    """``command``, which reads ``file``, where that is missing, cut short and so on: one clear line each."""
    damages = {
        "missing": f"remove {file}", "empty": f"empty {file}", "cut": f"cut {file}", "noise": f"noise {file}",
        "zeros": f"zeros {file}", "folder": f"folder {file}", "loop": f"loop {file}", "flip": f"flip {file}",
        "pipe": f"pipe {file}", "sparse": f"sparse {file}",
        "text": f"text {file} this is something else",
    }  # fmt: skip
    verb = " ".join(command.split()[:2])
    return [breaker(f"{verb}: {file} {kind}", command, 2, *says, damage=damages[kind]) for kind in kinds.split()]
