"""Standard output as it is: terminals that lack characters, pipes that nobody reads, full disks."""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


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


@contextmanager
def reading() -> Iterator[None]:
    """While a table is read: what compiled libraries say of a damaged file on standard error (a
    backtrace of many lines) goes, if the error of this block says the same in one line."""
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except ValueError:
            said.truncate(0)
            raise
        finally:
            sys.stderr.flush()
            os.dup2(screen, 2)
            os.close(screen)
            said.seek(0)
            os.write(2, said.read())


def drop_output() -> None:
    """What could not be written must not be tried again when Python ends, with a traceback."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
