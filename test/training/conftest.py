from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the training extra is not installed")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "policy")]
