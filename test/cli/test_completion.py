"""Shell completion, in the shells themselves: what Tab would offer after some words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = f'#!/bin/bash\nexec {sys.executable} -c "from takead_ros.cli.entry import main; main()" "$@"\n'
BASH = """eval "$(takead --show-completion)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _takead_completion takead
echo "${COMPREPLY[@]}"
"""
ZSH = """eval "$(takead --show-completion)" 2>/dev/null
_arguments() { print -r -- "$@"; }
words=("$@"); CURRENT=$#; _takead_completion
"""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("dr", ("drive", "dream")),
        ("model ins", ("install",)),
        ("eval --mo", ("--model",)),
        ("train ro", ("round", "rounds")),
        ("train round --dagger", ("--dagger-epochs",)),
    ],
)
@pytest.mark.parametrize(("shell", "script"), [("bash", BASH), ("zsh", ZSH)])
def test_tab_offers(tmp_path: Path, shell: str, script: str, typed: str, offered: tuple[str, ...]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    program = tmp_path / "takead"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    (tmp_path / "script").write_text(script)
    done = subprocess.run(
        [shell, str(tmp_path / "script"), "takead", *typed.split()],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    for word in offered:
        assert word in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert '"takeover"' not in done.stdout and "takeover" not in done.stdout.split(), "a verb that does not fit"
