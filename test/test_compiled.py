"""How kernels are compiled and stored: once, at installation, for whoever runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from takead_ros import compiled
from takead_ros.compiled import FOLDER, Matrix, Vector, kernel

ROOT = Path(__file__).parents[1]
SMALL = """
import numpy as np
from takead_ros.compiled import Vector, kernel, prepare

@kernel
def folded(values: Vector) -> float:
    total = 0.0
    for value in values:
        total = np.sin(total + value) / (1.0 + abs(value))
    return total

prepare()
print(repr(folded(np.arange(1000.0))), sum(folded.stats.cache_hits.values()), len(list(folded.signatures)))
"""


# Even root may then not write to what is read-only.
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override") if os.geteuid() == 0 else ()


def start(folder: Path, *command: str, wrapper: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    paths = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.Popen(
        [*wrapper, sys.executable, *(command or ("-c", "import small"))],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**clean, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )


def answers(*processes: subprocess.Popen[str]) -> list[tuple[float, int, int]]:
    """(result, cache hits, compiled versions) of each."""
    found = []
    for process in processes:
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        result, hits, versions = out.split()
        found.append((float(result), int(hits), int(versions)))
    return found


@pytest.mark.slow
def test_processes_that_compile_at_once_and_those_that_load_agree_bit_for_bit(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(SMALL)
    made = answers(start(tmp_path), start(tmp_path), start(tmp_path))
    (loaded,) = answers(start(tmp_path))
    assert loaded[1] == 1
    assert {result for result, _, versions in [*made, loaded] if versions == 1} == {loaded[0]}


@pytest.mark.slow
def test_without_any_folder_to_write_to_the_kernels_still_run(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(SMALL)
    (tmp_path / FOLDER).write_text("not a folder")
    ((result, hits, versions),) = answers(start(tmp_path, HOME="/dev/null", XDG_CACHE_HOME="/dev/null/cache"))
    assert (hits, versions) == (0, 1)
    (tmp_path / FOLDER).unlink()
    ((cached, _, _),) = answers(start(tmp_path))
    assert result == cached


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 30])
def test_a_store_that_a_power_cut_left_half_written_is_made_anew(tmp_path: Path, left: int) -> None:
    (tmp_path / "small.py").write_text(SMALL)
    (whole,) = answers(start(tmp_path))
    (file,) = (tmp_path / FOLDER).glob("small.folded-*")
    file.write_bytes(file.read_bytes()[:left])
    (repaired,) = answers(start(tmp_path))
    (loaded,) = answers(start(tmp_path))
    assert whole[0] == repaired[0] == loaded[0]
    assert (repaired[1], loaded[1]) == (0, 1)


@pytest.fixture
def installation() -> Iterator[Path]:
    """A folder that others may read, with a package of this name in it that has two small kernels."""
    folder = Path(tempfile.mkdtemp())
    package = folder / "takead_ros"
    package.mkdir()
    (package / "__init__.py").write_text("")
    shutil.copy(ROOT / "takead_ros" / "compiled.py", package)
    (package / "shared.py").write_text("""
from typing import NamedTuple
from takead_ros.compiled import Vector, part

class Line(NamedTuple):
    start: float
    slope: Vector

@part
def height(line: Line, x: float) -> float:
    return line.start + line.slope[0] * x
""")
    (package / "kernels.py").write_text("""
from takead_ros.compiled import kernel
from takead_ros.shared import Line, height

@kernel
def twice(line: Line, x: float) -> float:
    return 2.0 * height(line, x)

@kernel
def thrice(line: Line, x: float) -> float:
    return 3.0 * height(line, x)
""")
    (folder / "use.py").write_text("""
import numpy as np
from takead_ros.compiled import prepare
from takead_ros.kernels import thrice, twice
from takead_ros.shared import Line

prepare()
line = Line(1.0, np.array([2.0]))
print(twice(line, 3.0) + thrice(line, 3.0), *(sum(k.stats.cache_hits.values()) for k in (twice, thrice)))
""")
    for path in (folder, package, *package.iterdir(), folder / "use.py"):
        path.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_read_only_installation_is_compiled_by_who_installs_it_and_loaded_by_anybody(installation: Path) -> None:
    out, error = start(installation, "-m", "takead_ros.compiled", PYTHONPATH=str(installation)).communicate()
    assert "2 kernels compiled" in out, error
    stored = {path: path.stat().st_mtime_ns for path in (installation / "takead_ros" / FOLDER).iterdir()}
    assert len(stored) == 2
    for path in (*installation.rglob("*"), installation):
        path.chmod(0o555 if path.is_dir() else 0o444)
    written = "from pathlib import Path; Path('takead_ros/new').touch()"
    assert start(installation, "-c", written, wrapper=UNPRIVILEGED).wait() != 0
    other = start(installation, "use.py", wrapper=UNPRIVILEGED, PYTHONPATH=str(installation), HOME="/dev/null")
    assert answers(other) == [(35.0, 1, 1)]
    assert {path: path.stat().st_mtime_ns for path in (installation / "takead_ros" / FOLDER).iterdir()} == stored
    for path in (installation, *installation.rglob("*")):
        path.chmod(0o755)


@pytest.mark.slow
def test_a_change_in_a_file_that_a_kernel_imports_compiles_it_anew(installation: Path) -> None:
    def use() -> tuple[float, int, int]:
        return answers(start(installation, "use.py", PYTHONPATH=str(installation)))[0]

    assert use() == (35.0, 0, 0)
    assert use() == (35.0, 1, 1)
    shared = installation / "takead_ros" / "shared.py"
    shared.write_text(shared.read_text().replace("line.start +", "line.start -"))
    assert use() == (-25.0, 0, 0)
    assert use() == (-25.0, 1, 1)


class Box(NamedTuple):
    size: Vector
    name: str


def test_a_kernel_of_a_type_that_kernels_do_not_take_is_refused_by_name() -> None:
    def measured(rows: Matrix, box: Box) -> float:
        return float(rows[0, 0] + box.size[0])

    with pytest.raises(TypeError, match=r"measured\(box\)\.name is <class 'str'>"):
        compiled.argument_types(measured)


def test_a_kernel_accepts_only_what_it_was_compiled_for() -> None:
    @kernel
    def total(rows: Matrix) -> float:
        return float(rows.sum())

    compiled.prepare()
    given: Any = total
    assert given(np.ones((2, 3))) == 6.0
    for wrong in (np.ones((2, 3), dtype=np.float32), np.ones((2, 6))[:, ::2], np.ones(3)):
        with pytest.raises(TypeError):
            given(wrong)


@pytest.mark.slow
def test_kernels_are_compiled_where_nothing_but_numpy_and_numba_is_installed() -> None:
    """As pip does it when it builds the wheel: a file with kernels that imports more breaks every installation."""
    code = (
        "import sys\n"
        "for name in ('pydantic', 'yaml', 'typer', 'rich', 'onnxruntime', 'shapely', 'mcap', 'rosbags'):\n"
        "    sys.modules[name] = None\n"
        "from takead_ros import compiled\n"
        "print(compiled.stored()[1])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 20
