from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from takead_ros import __version__

pytestmark = pytest.mark.slow

VERBS = (
    ["demo"], ["doctor"], ["drive"], ["eval"], ["scenarios", "ls"], ["scenarios", "show"], ["clips", "ls"],
    ["clips", "show"], ["train", "bc"], ["train", "round"], ["train", "agents"], ["export"], ["model", "show"],
    ["model", "verify"], ["report"], ["compare"],
)  # fmt: skip


def test_the_overview_names_every_verb(takead: Any) -> None:
    result = takead("--help")
    assert result.returncode == 0
    for verb in VERBS:
        assert verb[0] in result.stdout


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_help_shows_an_example(takead: Any, verb: list[str]) -> None:
    result = takead(*verb, "--help")
    assert result.returncode == 0, result.stderr
    assert f"takead {' '.join(verb)}" in result.stdout.split("Example")[1]


def test_version(takead: Any) -> None:
    assert takead("--version").stdout.strip() == f"takead_ros {__version__}"


def test_help_imports_neither_simulator_nor_torch(takead: Any) -> None:
    result = takead("--help", PYTHONVERBOSE="1")
    assert "import 'metadrive" not in result.stderr
    assert "import 'torch" not in result.stderr
    assert "import 'onnxruntime" not in result.stderr


ASKED = """
import sys
from takead_ros.cli.main import run
for words in sys.argv[1:]:
    run(words.split())
print(sorted({"torch", "metadrive", "numba", "onnxruntime"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train bc --nonsense 1", "train round --share", "train bc", "export --nonsense"], "No such option"),
        (["train nonsense"], "No such command 'nonsense'"),
        (["train --help", "train bc --help", "train round --help", "train agents --help"], "takead train agents"),
        (["train predictability --help", "train rounds --help", "train final --help"], "takead train final"),
        (["export --help", "train collect --help"], "takead train collect"),
        (["drive --help", "eval --help", "demo --help", "report --help", "runs show --help"], "takead runs show"),
    ],
    ids=["options", "command", "help", "loop", "export", "drives"],
)
def test_what_is_typed_wrongly_or_asked_for_waits_for_nothing_that_works(words: list[str], told: str) -> None:
    done = subprocess.run([sys.executable, "-c", ASKED, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]" and told in done.stdout + done.stderr


def test_the_help_of_a_round_names_every_stage(takead: Any) -> None:
    pytest.importorskip("torch", reason="the training extra is not installed")
    from takead_training.stages.registry import STAGES

    shown = " ".join(takead("train", "round", "--help").stdout.split())
    assert f"in order, of {', '.join(STAGES)}." in shown


def test_doctor_runs_providers_for_real(takead: Any) -> None:
    result = takead("doctor", "--json", "-")
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["onnxruntime CPUExecutionProvider"]["found"] == "runs"
    assert checks["baseline model"]["ok"]
    assert result.returncode == 0


def test_scenarios(takead: Any) -> None:
    assert "pedestrian_from_van" in takead("scenarios", "ls").stdout
    shown = json.loads(takead("scenarios", "show", "cut_in", "--seed", "collection:7").stdout)
    assert shown["seed"] == 1_000_007
    assert shown["split"] == "collection"
