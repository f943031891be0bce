"""What every verb prints: on terminals of 80 and 60 columns, and as JSON; and where the options stand that all have.

The program runs on a real (pseudo) terminal. What it prints there must be the very words that it prints where there is
no terminal, and a line may be longer than the terminal only where it is a single word: a path or a hash.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

pytest.importorskip("torch", reason="the training extra is not installed")

from cli.test_examples import LEAVES
from trial import material

from support.commands import COMMANDS, ELSEWHERE, MADE, words
from takead_ros import __version__
from takead_ros.files import parse_json

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DRIVER = """
import json, os, sys
from takead_ros.cli.main import run
for words in json.loads(sys.argv[1]):
    print("\\x02", flush=True)
    run(words)
    sys.stdout.flush()
    sys.stderr.flush()
"""
VERBATIM = ("scenarios show", "takeover diagram")  # JSON and Mermaid, for programs
# a timeline as wide as there is room, Markdown where there is no terminal, and how much is free on the disk
ELSEWISE = (*VERBATIM, "clips show", "takeover table", "doctor")
# a label's date, what is free on the disk, how long a training took
CHANGING = ("clips label", "doctor")
TITLES = {"scenario", "family", "suite", "run", "tensor", "held", "out"}  # of first columns: a record needs none


def on_terminal(commands: list[list[str]], columns: int, folder: Path) -> list[str]:
    """What each command prints in ``folder`` on a terminal of so many columns, without colours."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(folder)
        # An environment of its own: readline, which pytest imports, has put COLUMNS into the real one.
        environment = {**os.environ, "TERM": "xterm-256color"}
        environment.pop("COLUMNS", None)
        os.execve(sys.executable, [sys.executable, "-c", DRIVER, json.dumps(commands)], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    said = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # it has ended
            break
        if not part:
            break
        said += part
    os.close(terminal)
    os.waitpid(pid, 0)
    blocks = ESCAPES.sub("", said.decode()).split("\x02")[1:]
    assert len(blocks) == len(commands), blocks[-1][-2000:]
    return [block.replace("\r\n", "\n") for block in blocks]


def lines_of(block: str) -> list[str]:
    """Its lines, without those that a progress bar drew."""
    lines = [line.rsplit("\r", 1)[-1] for line in block.split("\n")]
    return [line for line in lines if "━" not in line and "ETA" not in line]


def tokens(text: str) -> set[str]:
    """The words; without what a table is ruled with."""
    return {word for line in lines_of(text) for word in line.split() if not set(word) <= {"─", "|"}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = material.make(tmp_path_factory.mktemp("material"))
    here = Path.cwd()
    os.chdir(folder)
    try:
        assert material.takead(MADE.split()).code == 0
    finally:
        os.chdir(here)
    return folder


@pytest.fixture(scope="module")
def wide(made: Path) -> dict[str, str]:
    """What each verb prints where there is no terminal."""
    here, clip = Path.cwd(), material.clip_name()
    os.chdir(made)
    try:
        return {name: material.takead(words(name, clip, "wide")).stdout for name in COMMANDS if name not in ELSEWISE}
    finally:
        os.chdir(here)


def test_every_verb_is_here() -> None:
    assert {*COMMANDS, *ELSEWHERE} == set(LEAVES)


@pytest.fixture
def there(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def check(commands: dict[str, list[str]], columns: int, folder: Path) -> dict[str, str]:
    """What each prints on a terminal of ``columns``, of which no line is too long; none of them may cut a word."""
    found = dict(zip(commands, on_terminal(list(commands.values()), columns, folder), strict=True))
    for name, block in found.items():
        lines = [line for line in lines_of(block) if cell_len(line) > columns and len(line.split()) > 1]
        assert not lines or name in VERBATIM, f"{name}: {lines}"
        assert "…" not in block, block
    return found


@pytest.mark.parametrize("columns", [80, 60])
def test_what_a_verb_prints(there: Path, wide: dict[str, str], columns: int) -> None:
    clip = material.clip_name()
    found = check({name: words(name, clip, f"narrow{columns}") for name in COMMANDS}, columns, there)
    for name, block in found.items():
        assert "error:" not in block, block
        if name in ELSEWISE:
            continue
        told = tokens(wide[name].replace("wide", f"narrow{columns}"))
        assert told <= tokens(block) | TITLES, f"{name}: {told - tokens(block)}\n{block}"


@pytest.mark.parametrize("columns", [80, 60])
def test_help(there: Path, columns: int) -> None:
    asked = {name: [*name.split(), "--help"] for name in ("", "clips", "train", "model", *LEAVES)}
    for name, block in check(asked, columns, there).items():
        wide = material.takead(asked[name]).stdout
        assert tokens(wide) == tokens(block), f"{name}: {tokens(wide) ^ tokens(block)}"


def test_errors(there: Path) -> None:
    asked = {
        text: text.split()
        for text in (
            f"model verify {'x' * 90}.onnx",
            "drive --model expert --workers 0",
            "eval --modle expert",
            "dirve",
            f"clips show {there}/none",
            "runs show two",
            f"doctor --log-file {'x' * 300}",
        )
    }
    for block in check(asked, 60, there).values():
        assert block.count("error: ") == 1, block


# --json -----------------------------------------------------------------------------------------------------------

WITH_JSON = [name for name, leaf in LEAVES.items() if any("--json" in param.opts for param in leaf.params)]


def test_the_verbs_without_json_are_those_that_are_said_to_have_none() -> None:
    page = " ".join((ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").split())
    listed = page.split("Verbs that only", 1)[1].split("(", 1)[1].split(")", 1)[0]
    assert {part.strip("` ") for part in listed.split(",")} == set(LEAVES) - set(WITH_JSON)


@pytest.mark.parametrize("name", [name for name in WITH_JSON if name in COMMANDS])
def test_json_is_all_that_is_on_stdout(there: Path, name: str) -> None:
    """With ``-`` standard output is JSON and nothing else; with a file it is the text, and the file holds the same."""
    out, clip = f"json-{name.replace(' ', '-')}", material.clip_name()
    piped = material.takead([*words(name, clip, out), "--json", "-"])
    assert piped.code == 0, piped.all
    kept = material.takead([*words(name, clip, f"{out}2"), "--json", f"{out}.json"])
    assert kept.code == 0 and kept.stdout.strip() and not kept.stdout.startswith("{"), kept.all
    written = (there / f"{out}.json").read_text(encoding="utf-8").replace(f"{out}2", out)
    if name not in CHANGING:
        assert parse_json(piped.stdout) == parse_json(written)
    assert set(parse_json(piped.stdout)) == set(parse_json(written))


@pytest.mark.parametrize("name", sorted(set(LEAVES) - set(WITH_JSON)))
def test_where_there_is_no_json_it_is_refused(there: Path, name: str) -> None:
    said = material.takead([*name.split(), "--json", "-"])
    assert said.code == 2 and "No such option: --json" in said.all, said.all


@pytest.mark.parametrize("name", ["train bc", "train round", "train agents", "export"])
def test_what_a_training_prints_is_explained(there: Path, name: str) -> None:
    page = (ROOT / "docs" / "learning.md").read_text(encoding="utf-8")
    told = material.takead([*words(name, material.clip_name(), f"told-{name.replace(' ', '-')}"), "--json", "-"])
    figures = set(parse_json(told.stdout)) - {"checkpoint", "model", "manifest", "sha256", "displacements"}
    plain = {figure.removeprefix("dagger_") for figure in figures}
    plain = {f.removeprefix("preference_") if f"`{f}`" not in page else f for f in plain}
    assert not [figure for figure in plain if f"`{figure}`" not in page]


# -q, -v, --log-file -----------------------------------------------------------------------------------------------

PLACES = {
    "clips ls shelf": ("{} clips ls shelf", "clips {} ls shelf", "clips ls {} shelf", "clips ls shelf {}"),
    "runs ls .": ("{} runs ls .", "runs {} ls .", "runs ls {} .", "runs ls . {}"),
    "doctor": ("{} doctor", "doctor {}"),
    "model verify m.onnx": ("{} model verify m.onnx", "model {} verify m.onnx", "model verify m.onnx {}"),
    "export": ("{} export cloned.pt --out OUT.onnx", "export {} cloned.pt --out OUT.onnx"),
}


@pytest.mark.parametrize("line", [line for lines in PLACES.values() for line in lines])
def test_the_options_of_every_verb_may_stand_anywhere(there: Path, line: str) -> None:
    number = [line for lines in PLACES.values() for line in lines].index(line)
    for option in ("-q", "--quiet", "-v", "--verbose", f"--log-file place{number}.log"):
        out = f"place{number}{option[:4]}"
        said = material.takead(line.format(option).replace("OUT", out).split())
        assert said.code == 0, said.all
        assert ("exit code 0" in said.stderr) == (option in ("-v", "--verbose")), said.all
    text = (there / f"place{number}.log").read_text(encoding="utf-8")
    assert "takead_ros.cli: takead " in text and "exit code 0" in text


def test_quiet_leaves_results_and_errors(there: Path) -> None:
    assert material.takead(["-q", "clips", "ls", "shelf"]).stderr == ""
    assert "none.onnx" in material.takead(["-q", "model", "verify", "none.onnx"]).stderr


def test_the_version_is_told_before_any_verb(there: Path) -> None:
    for typed in (["--version"], ["-q", "--version"], ["--version", "drive"]):
        assert material.takead(typed).stdout.strip() == f"takead_ros {__version__}"
