"""Seeds: what may be asked for, and that no seed serves two purposes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import SPLIT_SIZE, SPLITS, parse_seeds, split_of


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", [7]),
        ("0-3", [0, 1, 2, 3]),
        ("0-2,8", [0, 1, 2, 8]),
        ("3,1,3", [3, 1]),
        ("test:0-1", [0, 1]),
        ("collection:0-1", [1_000_000, 1_000_001]),
        ("training:5", [3_000_005]),
    ],
)
def test_ranges(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "x", "5-2", "-1", "1-", "0-3,", "nobody:0-3", "collection:", "collection:1000000"]
)
def test_what_is_no_range_is_refused_by_name(text: str) -> None:
    with pytest.raises(TakeadError, match="--seeds"):
        parse_seeds(text)


@given(st.sampled_from(SPLITS), st.integers(0, SPLIT_SIZE - 1))
def test_a_seed_named_by_its_split_lies_in_that_split_alone(split: str, number: int) -> None:
    (seed,) = parse_seeds(f"{split}:{number}")
    assert split_of(seed) == split
