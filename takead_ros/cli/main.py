"""The one entry point, ``takead``. Its first line imports next to nothing: Ctrl-C is heard from there on."""

from __future__ import annotations

try:
    from takead_ros.cli.interrupt import Interrupt, stop
except KeyboardInterrupt:
    import os

    os.write(2, b"stopped\n")
    os._exit(130)
import sys

TYPE_CHECKING = False  # typing's own would have to be imported
if TYPE_CHECKING:
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Run ``takead`` with ``arguments``; the exit code. Every end but a good one is told in one line on stderr."""
    with Interrupt() as interrupt:
        from takead_ros.cli import ending, verbs

        return ending.ended(lambda: verbs.run(arguments, interrupt.raises), arguments, lambda: interrupt.seen)


def main() -> None:
    """The console script."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before Interrupt is entered, or after
        stop()
    sys.exit(code)


if __name__ == "__main__":
    main()
