"""The console script, for a process's own start alone: importing this makes Ctrl-C end the process in one line."""

try:
    from takead_ros.cli.interrupt import hear

    hear()
    from takead_ros.cli.main import main
except KeyboardInterrupt:  # before the handler was there
    import os

    os.write(2, b"stopped\n")
    os._exit(130)

__all__ = ["main"]
