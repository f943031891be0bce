"""Every section of docs/extending.md works: its Python blocks, one after the other, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/extending.md"


def sections(text: str) -> dict[str, str]:
    """The Python of each second-level section that has any, at the lines that it has on the page."""
    found: dict[str, list[str]] = {}
    title, inside = "", False
    for number, line in enumerate(text.splitlines()):
        if inside and line == "```":
            inside = False
        elif inside:
            code = found.setdefault(title, [])
            code += [""] * (number - len(code))
            code.append(line)
        elif line == "```python":
            inside = True
        elif line.startswith("## "):
            title = line.removeprefix("## ")
    return {title: "\n".join(code) for title, code in found.items()}


CODE = sections(PAGE.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("title", CODE)
def test_the_example_runs(title: str, tmp_path: Path) -> None:
    run = f"import sys; exec(compile(sys.stdin.read(), {str(PAGE)!r}, 'exec'))"
    done = subprocess.run(
        [sys.executable, "-c", run], input=CODE[title], capture_output=True, text=True, cwd=tmp_path, timeout=280
    )
    assert done.returncode == 0, done.stderr


def test_blocks_are_found_where_they_are() -> None:
    page = "# a\n## b\n```python\nx = 1\n```\ntext\n```sh\nls\n```\n```python\ny\n```\n## c\n## d\n```python\nz\n```"
    found = sections(page)
    assert list(found) == ["b", "d"]
    assert found["b"].splitlines() == ["", "", "", "x = 1", "", "", "", "", "", "", "y"]
    assert found["d"].splitlines()[15] == "z" and {"A simulator", "A scenario family"} <= set(CODE)
