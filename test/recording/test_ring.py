"""The ring: bounded in seconds and in bytes, whatever comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from takead_ros.domain.units import SECOND
from takead_ros.recording.ring import OVERHEAD, RingBuffer, SerializedMessage


def test_ring_is_bounded_in_seconds() -> None:
    ring = RingBuffer(2.0, 1 << 30)
    dropped = [m for i in range(100) for m in ring.append(SerializedMessage("t", i * SECOND // 10, b""))]
    assert [m.stamp for m in ring] == [i * SECOND // 10 for i in range(79, 100)]
    assert len(dropped) == 79 and ring.cut_by_bytes == 0 and ring.first_index == 79


@given(
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=80),
    steps=st.lists(st.integers(0, SECOND), min_size=80, max_size=80),
    seconds=st.floats(0.1, 5.0),
    limit=st.integers(500, 20_000),
)
def test_ring_properties(sizes: list[int], steps: list[int], seconds: float, limit: int) -> None:
    ring, now, out, sent = RingBuffer(seconds, limit), 0, [], []
    for size, step in zip(sizes, steps, strict=False):
        now += step
        sent.append(SerializedMessage("t", now, bytes(size)))
        out += ring.append(sent[-1])
        held = list(ring)
        assert out + held == sent, "nothing is lost, doubled or reordered"
        assert ring.bytes == sum(len(m.data) + OVERHEAD for m in held)
        assert ring.bytes <= limit or len(held) == 1
        assert all(now - m.stamp <= int(seconds * 1e9) for m in held)
        assert ring.next_index == len(sent) and ring.after(ring.first_index) == held
    assert ring.cut_by_bytes <= len(out)
