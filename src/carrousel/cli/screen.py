"""Standard output as it is: terminals that lack characters, pipes that nobody reads, full disks."""

import io
import os
import sys


def write_what_the_terminal_has() -> None:
    """From now on, characters that the terminal's encoding lacks are written as "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def write_data(content: bytes) -> None:
    """Write a table or JSON in UTF-8, as to a file, unless a person reads it on a terminal."""
    if sys.stdout.isatty() or not hasattr(sys.stdout, "buffer"):
        sys.stdout.write(content.decode())
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def drop_output() -> None:
    """What could not be written must not be tried again when Python ends, with a traceback."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
