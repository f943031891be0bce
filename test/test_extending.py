"""docs/extending.md works: its Python blocks run from top to bottom, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/extending.md"


def python_of(page: str) -> str:
    """The Python blocks of a page, at the lines that they have there; every other line is empty."""
    lines, inside = [], False
    for line in page.splitlines():
        if inside and line == "```":
            inside = False
        lines.append(line if inside else "")
        if line == "```python":
            inside = True
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_examples_run(tmp_path: Path) -> None:
    """A failure's traceback names the line of the page."""
    pytest.importorskip("torch", reason="the page shows how a network is added")
    run = f"import sys; exec(compile(sys.stdin.read(), {str(PAGE)!r}, 'exec'))"
    code = python_of(PAGE.read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-c", run], input=code, capture_output=True, text=True, cwd=tmp_path, timeout=880
    )
    assert done.returncode == 0, done.stderr


def test_blocks_stay_at_their_lines() -> None:
    page = "# a\n```python\nx = 1\n```\ntext\n```sh\nls\n```\n```python\ny\n```"
    assert python_of(page).splitlines() == ["", "", "x = 1", "", "", "", "", "", "", "y"]
