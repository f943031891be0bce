"""Bad input through the real command line: one clear error, exit code 2, no traceback, nothing overwritten."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from takead_ros.resources import resource

pytestmark = pytest.mark.slow

BASELINE = resource("models/baseline.onnx")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped model with its manifest, to be damaged."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("baseline.onnx", "baseline.manifest.json"):
        shutil.copy(BASELINE.with_name(name), folder / name)
    return folder / "baseline.onnx"


def test_a_missing_model(takead: Any, tmp_path: Path, one_error: Any) -> None:
    result = takead("eval", "--model", tmp_path / "none.onnx", "--json", tmp_path / "out.json")
    one_error(result, "none.onnx")
    assert not (tmp_path / "out.json").exists()


def test_a_truncated_model(takead: Any, model: Path, one_error: Any) -> None:
    model.write_bytes(model.read_bytes()[:1000])
    one_error(takead("eval", "--model", model), str(model))


def test_a_foreign_file_as_model(takead: Any, model: Path, one_error: Any) -> None:
    model.write_text("this is no ONNX model")
    one_error(takead("drive", "--model", model), str(model))


def test_a_foreign_onnx_model(takead: Any, tmp_path: Path, one_error: Any) -> None:
    from takead_ros.cli.doctor import TINY_MODEL

    (tmp_path / "tiny.onnx").write_bytes(TINY_MODEL)
    one_error(takead("eval", "--model", tmp_path / "tiny.onnx"), "tiny.onnx", "manifest")


def test_a_manifest_that_does_not_match(takead: Any, model: Path, one_error: Any) -> None:
    beside = model.with_name("baseline.manifest.json")
    manifest = json.loads(beside.read_text())
    manifest["sha256"] = "0" * 64
    beside.write_text(json.dumps(manifest))
    one_error(takead("model", "verify", model), "baseline.manifest.json", "edited")


def test_an_unknown_suite(takead: Any, one_error: Any) -> None:
    one_error(takead("eval", "--model", "expert", "--suite", "motorway"), "motorway", "demo", "cut_in")


@pytest.mark.parametrize("seeds", ["nine", "9-0", "-3", "1,,2", "train:0-3"])
def test_a_seed_range_that_is_none(takead: Any, seeds: str, one_error: Any) -> None:
    one_error(takead("eval", "--model", "expert", f"--seeds={seeds}"), seeds)


def test_an_unknown_pass(takead: Any, one_error: Any) -> None:
    one_error(takead("eval", "--model", "expert", "--passes", "both"), "both", "unassisted,assisted")


def test_an_unknown_option_shows_the_usage(takead: Any) -> None:
    result = takead("eval", "--modle", "expert")
    assert result.returncode == 2
    assert "--modle" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_existing_result_is_not_overwritten(takead: Any, tmp_path: Path, one_error: Any) -> None:
    (tmp_path / "out.json").write_text("mine")
    one_error(takead("eval", "--model", "expert", "--json", tmp_path / "out.json"), "out.json", "exists")
    assert (tmp_path / "out.json").read_text() == "mine"


@pytest.mark.parametrize("verb", ["drive", "demo"])
def test_a_folder_of_something_else_is_not_touched(takead: Any, tmp_path: Path, verb: str, one_error: Any) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    arguments = ["--model", "expert", "--bags", tmp_path] if verb == "drive" else ["--out", tmp_path]
    one_error(takead(verb, *arguments), str(tmp_path), "nothing is overwritten")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_where_a_folder_is_wanted(takead: Any, tmp_path: Path, one_error: Any) -> None:
    (tmp_path / "bags").write_text("mine")
    one_error(takead("drive", "--model", "expert", "--bags", tmp_path / "bags"), "bags", "expected a folder")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="uses /proc as a folder that nobody can write to")
def test_a_read_only_output_folder(takead: Any, one_error: Any) -> None:
    one_error(takead("drive", "--model", "expert", "--bags", "/proc/bags"), "/proc/bags")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="uses /dev/full as a disk that is full")
def test_a_full_disk(tmp_path: Path, one_error: Any) -> None:
    """A quota of zero bytes on files stands for a full disk: the first write fails in the same place."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
        "sys.argv = ['takead', *sys.argv[1:]]; from takead_ros.cli.main import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "drive", "--model", "expert", "--bags", str(tmp_path / "bags")],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    one_error(result, "bags", "File too large")


@pytest.mark.parametrize("arguments", [("clips", "show"), ("clips", "verify")])
def test_a_bag_that_is_none(takead: Any, tmp_path: Path, arguments: tuple[str, str], one_error: Any) -> None:
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "notes.txt").write_text("no bag")
    one_error(takead(*arguments, tmp_path / "bag"), "bag")


def test_a_report_of_a_folder_that_is_no_run(takead: Any, tmp_path: Path, one_error: Any) -> None:
    one_error(takead("report", tmp_path), "before.json")
    one_error(takead("report", tmp_path / "none"), "no such folder")


def test_a_simulator_that_fails_to_import(takead: Any, tmp_path: Path, one_error: Any) -> None:
    broken = tmp_path / "metadrive"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('libpanda.so: cannot open shared object file')")
    result = takead("eval", "--model", "expert", "--seeds", "0", PYTHONPATH=str(tmp_path))
    one_error(result, "metadrive", "libpanda.so")


def test_training_without_torch_says_how_to_get_it(takead: Any, tmp_path: Path, one_error: Any) -> None:
    code = (
        "import importlib.util, sys; find = importlib.util.find_spec; "
        "importlib.util.find_spec = lambda name, *more: None if name == 'torch' else find(name, *more); "
        "sys.argv = ['takead', 'train', 'bc', '--help']; from takead_ros.cli.main import main; main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    one_error(result, "PyTorch", "pip install")
