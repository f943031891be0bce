"""Every example in ``--help`` is executed, on small things by the names that it uses; the dear ones on less of them."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

from trial import material

from takead_ros.cli.lazy import StandIn, Verb, parts
from takead_ros.cli.verbs import VERBS
from takead_ros.files import write_record
from takead_ros.runs.loop_state import STATE, LoopPlan, LoopState

pytestmark = pytest.mark.slow

QUICK = "--threads 1 --workers 1"
# Examples that drive or train for minutes are run on less: the same words with fewer seeds, families and epochs.
LESS = (
    (r"--suite \w+", "--suite intersection_right"),
    (r"--seeds (\w+:)?[\d-]+", r"--seeds \g<1>0"),
    (r"--workers \d+", "--workers 1"),
    (r"--epochs \d+", "--epochs 1"),
    (r"--live\b(?!-)", "--live-at 127.0.0.1:0"),  # the port may be somebody's
    (r"--workers-kind ray --ray \S+", ""),  # neither a cluster nor a GPU is here
    (r"--accelerator cuda --precision \S+", ""),
)
MORE = {
    "train bc": f"--epochs 1 {QUICK}",
    "train round": f"--dagger-epochs 1 --preference-epochs 1 --draws 64 {QUICK}",
}
# Not run here: whole loops, which test_demo and test_loop run; what needs a pad, a client or a server beside it; what
# needs more episodes than there are here. That each word and value of them is one that the verb takes is looked at.
DEAR = (
    "demo",
    "train rounds",
    "train final",
    "train predictability",
    "train agents",
    "joystick test",
    "carla-server",
    "vehicle identify",
)


def leaves(verbs: Iterable[Verb], before: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Any]]:
    """Every command that there is: its words, and the library's own object."""
    for verb in verbs:
        command, words = verb.load(), (*before, verb.name)
        found = parts(command)
        stand_ins = [part.verb for part in found.values() if isinstance(part, StandIn)]
        yield from leaves(stand_ins, words)
        yield from (([*words, name], part) for name, part in found.items() if not isinstance(part, StandIn))
        if not found:
            yield [*words], command


LEAVES = {" ".join(words): command for words, command in leaves(VERBS)}
CLIP = re.compile(r"\bCLIP\b|[\w/.-]*FAMILY-SEED/CLIP")


def examples(words: list[str]) -> Iterator[str]:
    """The example commands of one verb, as its help shows them."""
    said = material.takead([*words, "--help"])
    assert said.code == 0
    text = " ".join(said.stdout.split("Example")[1].split())
    found = [f"takead {' '.join(words)}{rest}" for rest in re.split(rf"takead {' '.join(words)}", text)[1:]]
    assert found, f"takead {' '.join(words)} --help shows no example"
    yield from (re.split(r"   | \(Ctrl|, then| Examples?:", line)[0].strip() for line in found)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return material.make(tmp_path_factory.mktemp("material"))


@pytest.fixture
def there(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the examples name."""
    monkeypatch.chdir(tmp_path)
    for source, places in (
        ("shelf", ("clips", "runs/clips", "runs/demo/round-1/clips")),
        ("run", ("runs/demo",)),
        ("driven", ("runs/demonstrations",)),
        ("cloned.pt", ("runs/bc.pt",)),
        ("before.json", ("runs/eval/before.json", "runs/parent.json")),
        ("after.json", ("runs/eval/after.json", "runs/child.json")),
        ("m.onnx", ("models/baseline.onnx",)),
        ("bundles/b.tar.zst", ("new.tar.zst",)),
        ("bundles/team.pub.pem", ("team.pem",)),
    ):
        for place in places:
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            whole = (made / source).is_dir()
            shutil.copytree(made / source, place, dirs_exist_ok=True) if whole else shutil.copy(made / source, place)
    plan = LoopPlan(suite="cut_in", demonstrations=1, drives=1, selection=1)
    write_record(
        Path("runs/demo") / STATE,
        LoopState(
            format="takead-loop-1", plan=plan, trainer={}, first_model="m.onnx", first_sha256="0" * 64, version="0"
        ),
    )
    return tmp_path


def test_there_are_examples_of_every_command() -> None:
    assert len(LEAVES) >= 36 and set(DEAR) | set(MORE) <= set(LEAVES)


@pytest.mark.parametrize("name", LEAVES)
def test_the_examples_run(name: str, there: Path) -> None:
    for line in examples(name.split()):
        line = CLIP.sub(f"clips/{material.clip_name()}", line).replace("/opt/takead", "opt/takead")
        if name in DEAR:
            words = shlex.split(line)[1 + len(name.split()) :]
            LEAVES[name].make_context(name, words)  # raises for an option that is none, or a value of another kind
            continue
        if output := re.search(r"--(?:out|json|bags) (\S+)", line):
            target = Path(output[1])  # what is an input of another example is to be made by this one
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        for pattern, less in LESS:
            line = re.sub(pattern, less, line)
        said = material.takead(shlex.split(f"{line} {MORE.get(name, '')}")[1:])
        wanted = (0, 1) if name == "doctor" else (0,)
        assert said.code in wanted, f"{line}\n{said.stdout}\n{said.stderr}"
