"""The trial: what a new user, a breaker and an attacker would type, in one process, each in a folder of its own."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

from takead_ros.cli.verbs import VERBS
from takead_ros.files import MOST_BYTES
from trial import material
from trial.case import Case
from trial.cases import CASES
from trial.damage import inflict

pytestmark = pytest.mark.slow

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return material.make(tmp_path_factory.mktemp("material"))


def test_there_are_enough_cases_of_every_kind_and_verb() -> None:
    assert len(CASES) >= 450
    assert len({(case.verb, case.name) for case in CASES}) == len(CASES)
    assert {case.who for case in CASES} == {"new user", "breaker", "attacker"}
    assert {verb.name for verb in VERBS} <= {case.verb for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.verb}: {case.name}")
def test_case(case: Case, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_case(case, made, tmp_path)


def run_case(case: Case, made: Path, tmp_path: Path) -> None:
    """Do ``case`` in the empty working directory ``tmp_path``."""
    for name in material.MATERIAL:
        if case.names(name):
            material.copy(name, made, tmp_path)
    for step in case.damage:
        inflict(step.replace("CLIP", material.clip_name()), tmp_path)
    before = contents(tmp_path)
    said = material.takead([word.replace("CLIP", material.clip_name()) for word in case.arguments])
    told = f"{said.code}\n{said.stdout}\n{said.stderr}"
    assert said.code == case.code, told
    for part in case.says:
        assert part.replace("CLIP", material.clip_name()) in said.all, told
    assert "Traceback" not in told and "Aborted" not in told, told
    assert not CONTROL.search(said.stdout + said.stderr), ascii(told)
    if said.code == 2:
        lines = [line for line in said.stderr.splitlines() if line.startswith("error: ")]
        helped = "Show this message and exit." in said.all  # a group without a verb
        assert len(lines) == (0 if helped else 1), told
    after = contents(tmp_path)
    changed = [name for name in before if after.get(name) != before[name] and not _may(name, case)]
    assert not changed, f"{changed} changed; {told}"
    left = [name for name in after if name not in before and (".part" in name or name.endswith(".lock"))]
    assert not left, f"{left} left behind; {told}"


def _may(name: str, case: Case) -> bool:
    return any(Path(name).match(pattern.replace("CLIP", material.clip_name())) for pattern in case.writes)


def contents(folder: Path) -> dict[str, str]:
    """Every file below ``folder`` with the hash of its content; folders and links by what they are."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file() and path.stat().st_size > MOST_BYTES:
            found[name] = f"{path.stat().st_size} bytes"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "folder"
    return found
