"""What a vehicle computer has: the wheel in an environment without torch. It loads the model, drives and records.

``make test`` and ``make test-runtime`` make that environment (.venv-runtime).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from support import bundles
from takead_ros.policy.bundle import open_bundle

PYTHON = Path(__file__).parents[2] / ".venv-runtime" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-runtime; 'make test-runtime' makes it"),
]


def runtime(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the environment's python away from the checkout, so that only what is installed is found."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(PYTHON), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        cwd=cwd,
        env={**clean, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    )


def test_there_is_no_torch_and_the_wheel_brings_its_data(tmp_path: Path) -> None:
    code = (
        "import importlib.util, json, takead_ros; from takead_ros.resources import resource; "
        "print(json.dumps({'torch': importlib.util.find_spec('torch') is not None, 'home': takead_ros.__file__, "
        "'data': [str(resource(n)) for n in ('msg', 'srv', 'config/suites', 'models/baseline.onnx')]}))"
    )
    result = runtime("-c", code, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert not found["torch"]
    assert found["home"].startswith(str(PYTHON.parents[1]))
    assert all(path.startswith(str(PYTHON.parents[1])) for path in found["data"])


def test_doctor_is_content_and_says_how_to_get_torch(tmp_path: Path) -> None:
    result = runtime("-m", "takead_ros.cli.main", "doctor", "--json", "-", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert not checks["torch"]["ok"]
    assert "pip install torch" in checks["torch"]["get"]
    assert checks["metadrive"]["ok"]
    assert checks["baseline model"]["ok"]
    assert checks["compiled kernels"]["ok"]  # the wheel brings them


def test_it_drives_and_records(tmp_path: Path) -> None:
    result = runtime(
        "-m",
        "takead_ros.cli.main",
        "drive",
        "--model",
        "expert",
        "--record",
        "all",
        "--suite",
        "intersection_right",
        "--seeds",
        "training:0",
        "--bags",
        tmp_path / "bags",
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    verified = runtime("-m", "takead_ros.cli.main", "clips", "verify", tmp_path / "bags", cwd=tmp_path)
    assert verified.returncode == 0, verified.stdout
    assert "1 of 1 whole" in verified.stdout


def test_the_policy_drives(tmp_path: Path) -> None:
    code = "from takead_ros.resources import resource; print(resource('models/baseline.onnx'))"
    model = runtime("-c", code, cwd=tmp_path).stdout.strip()
    result = runtime(
        "-m",
        "takead_ros.cli.main",
        "eval",
        "--model",
        model,
        "--suite",
        "intersection_right",
        "--seeds",
        "0",
        "--json",
        tmp_path / "e.json",
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert len(json.loads((tmp_path / "e.json").read_text())["model_sha256"]) == 64


def test_a_signed_bundle_is_verified_and_drives(tmp_path: Path) -> None:
    (tmp_path / "b.tar.zst").write_bytes(bundles.make())
    contents = open_bundle(bundles.make(), "b").contents
    _, key = bundles.write_keys(tmp_path)
    takead = ("-m", "takead_ros.cli.main")
    verified = runtime(*takead, "model", "install", "b.tar.zst", "--to", "in_use.tar.zst", "--key", key, cwd=tmp_path)
    assert verified.returncode == 0, verified.stderr
    driven = runtime(
        *takead,
        "eval",
        "--model",
        "in_use.tar.zst",
        "--sim",
        "vector",
        "--suite",
        "intersection_right",
        "--seeds",
        "0",
        "--json",
        tmp_path / "e.json",
        cwd=tmp_path,
    )
    assert driven.returncode == 0, driven.stderr
    assert json.loads((tmp_path / "e.json").read_text())["model_sha256"] == contents.model_sha256
    (tmp_path / "b.tar.zst").write_bytes(bundles.KEYED["release raised"][0]())
    refused = runtime(*takead, "model", "verify", "b.tar.zst", "--key", key, cwd=tmp_path)
    assert refused.returncode == 2 and "signed by another, or changed" in refused.stderr


def test_training_says_what_it_needs(tmp_path: Path) -> None:
    result = runtime("-m", "takead_ros.cli.main", "train", "bc", "--help", cwd=tmp_path)
    assert result.returncode == 2
    assert "needs PyTorch" in result.stderr
    assert "Traceback" not in result.stderr
