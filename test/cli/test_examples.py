"""The examples in ``--help`` are executed: each where it is cheap, on small things by the names that it uses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

from trial import material

from takead_ros.cli.verbs import VERBS

pytestmark = pytest.mark.slow

LEAVES = [
    [verb.name, *part]
    for verb in VERBS
    for part in {
        "scenarios": [["ls"], ["show"]],
        "joystick": [["ls"], ["test"]],
        "takeover": [["table"], ["diagram"]],
        "clips": [["ls"], ["show"], ["verify"], ["recover"], ["label"], ["prune"], ["export"], ["play"]],
        "train": [["bc"], ["round"], ["rounds"], ["final"]],
        "model": [["show"], ["verify"]],
        "runs": [["ls"], ["show"]],
        "vehicle": [["identify"]],
    }.get(verb.name, [[]])
]
# Left to other tests, for they drive or train for minutes, or need a device: only their words are checked.
DEAR = (
    "demo",
    "drive",
    "eval",
    "train",
    "joystick test",
    "replay",
    "scenarios show",
    "runs show",
    "report",
    "compare",
    "export",
    "carla-server",
    "vehicle identify",
)
CLIP = re.compile(r"\bCLIP\b|[\w/.-]*FAMILY-SEED/CLIP")


def examples(words: list[str]) -> Iterator[str]:
    """The example commands of one verb, as its help shows them."""
    said = material.takead([*words, "--help"])
    assert said.code == 0
    text = " ".join(said.stdout.split("Example")[1].split())
    found = [f"takead {' '.join(words)}{rest}" for rest in re.split(rf"takead {' '.join(words)}", text)[1:]]
    assert found, f"takead {' '.join(words)} --help shows no example"
    yield from (re.split(r"   | \(Ctrl|, then| Examples?:", line)[0].strip() for line in found)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the examples name: clips in several places, and one clip called CLIP."""
    monkeypatch.chdir(tmp_path)
    for place in ("clips", "runs/clips", "runs/demo/round-1/clips"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        material.copy_clips(tmp_path / place)
    return tmp_path


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_the_examples_run(words: list[str], there: Path) -> None:
    for line in examples(words):
        arguments = shlex.split(CLIP.sub(f"clips/{material.clip_name()}", line))[1:]
        if " ".join(words).startswith(DEAR):
            said = material.takead([*arguments, "--help"])  # every option is one, and every value has its kind
        else:
            said = material.takead(arguments)
        assert said.code in (0, 1) if words == ["doctor"] else said.code == 0, f"{line}\n{said.stdout}\n{said.stderr}"
