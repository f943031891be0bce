"""``takead train rounds``: what it is asked for in vain is refused before there is a loop."""

from __future__ import annotations

from pathlib import Path

import pytest
from trial.material import takead

pytest.importorskip("torch", reason="the training extra is not installed")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--demonstrated", "motorway"], "suite 'motorway'"),
        (["--suite", "motorway"], "suite 'motorway'"),
        (["--options", "--out elsewhere"], "the loop itself says --out"),
        (["--options", "--cache=elsewhere"], "the loop itself says --cache"),
        (["--options", "--rule magic"], "magic"),
        (["--options", "--share x=1"], "x"),
    ],
)
def test_what_is_refused_leaves_no_loop_that_the_right_words_would_not_fit(
    words: list[str], told: str, tmp_path: Path
) -> None:
    said = takead(["train", "rounds", "--out", str(tmp_path / "new"), *words])
    assert said.code == 2 and told in said.stderr, said
    assert not (tmp_path / "new").exists()
