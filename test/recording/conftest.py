"""A folder of clips to do harm to: a copy, for each test, of what its file has recorded once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support import stream


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips with a takeover each; a file that needs others has a fixture of this name."""
    folder = tmp_path_factory.mktemp("clips")
    for name in "ab":
        stream.record(folder / name, stream.run(12.0, (stream.Takeover(6.0, 8.0, 8.5),)))
    return folder


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "clips"))
