"""Bad input that needs a process of its own or a file made for it; test/trial has all the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_a_foreign_onnx_model(takead: Any, tmp_path: Path, one_error: Any) -> None:
    from takead_ros.cli.doctor import TINY_MODEL

    (tmp_path / "tiny.onnx").write_bytes(TINY_MODEL)
    one_error(takead("eval", "--model", tmp_path / "tiny.onnx"), "tiny.onnx", "manifest")


def test_a_full_disk(tmp_path: Path, one_error: Any) -> None:
    """A quota of zero bytes on files stands for a full disk: the first write fails in the same place."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
        "sys.argv = ['takead', *sys.argv[1:]]; from takead_ros.cli.main import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "drive", "--model", "expert", "--bags", str(tmp_path / "bags")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    one_error(result, "bags", "File too large")


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
