"""What ``takead`` runs (``cli.entry`` is the console script). Imports next to nothing: Ctrl-C is heard early on."""

from __future__ import annotations

import sys

from takead_ros.cli.interrupt import Interrupt, stop

TYPE_CHECKING = False  # typing's own would have to be imported
if TYPE_CHECKING:
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Run ``takead`` with ``arguments``; the exit code. Every end but a good one is told in one line on stderr."""
    with Interrupt() as interrupt:
        from takead_ros.cli import ending, verbs

        return ending.ended(lambda: verbs.run(arguments, interrupt.raises), arguments, lambda: interrupt.seen)


def main() -> None:
    """Run with the process's own arguments, and end it."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before Interrupt is entered, or after
        stop()
    sys.exit(code)


if __name__ == "__main__":
    main()
