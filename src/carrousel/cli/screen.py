"""Standard streams as they are: terminals that lack characters, pipes that nobody reads, full
disks, streams that are closed."""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def open_what_is_closed() -> None:
    """Standard streams that are closed (``>&-``, a service, a program without a console) lead
    nowhere from now on. Python has None for them, and the next file to be opened would get the
    number of theirs, and with it whatever a library writes to the screen."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one: those below are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def write_what_the_terminal_has() -> None:
    """From now on, characters that the terminal's encoding lacks are written as "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def write_data(content: bytes) -> None:
    """Write a table, a text or JSON, as to a file in UTF-8, unless it is read on a terminal."""
    if sys.stdout.isatty() or not hasattr(sys.stdout, "buffer"):
        sys.stdout.write(content.decode())
        sys.stdout.flush()
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
