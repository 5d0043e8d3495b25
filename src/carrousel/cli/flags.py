"""Errors in the words that were typed: flags instead of Python's arguments."""

import re

from .options import FLAGS

# With a colon, whatever columns are called.
_TOLD = ("calendar", "groups", "holidays", "init", "channels")

# What follows an option's name at the start of a message, and seldom that of a column.
_BEGIN = (
    r"(?= must\b| '[^']*' does not fit\b| is not\b| does not fit\b| cannot be\b| is ambiguous\b)"
)


def in_flags(message: str) -> str:
    """``message`` with the flags of the command line in place of arguments of the library.

    >>> in_flags("learning_rate must be positive, got -1.0")
    '--learning-rate must be positive, got -1.0'
    >>> in_flags("freq is ambiguous; give freq, for example freq='1h'")
    '--freq is ambiguous; give --freq, for example --freq 1h'
    >>> in_flags("is a date wrong? Else give date_format (--date-format)")
    'is a date wrong? Else give --date-format'
    >>> in_flags("channels[0]: there is no column 'a'; perhaps channels[0]='b' is meant")
    "--channel: there is no column 'a'; perhaps --channel b is meant"
    """
    message = re.sub(r"(?<![\w'\-])channels\[\d+\](?=[:=])", "channels", message)
    for name, flag in FLAGS.items():
        message = re.sub(rf"(?<![\w'\-]){name}=True\b", flag, message)
        message = re.sub(rf"(?<![\w'\-]){name}=(?:'([^'\s]*)'|(?=['\[\w]))", rf"{flag} \1", message)
        if "_" in name:
            message = re.sub(rf"(?<![\w'\-]){name}(?![\w'])", flag, message)
        else:
            message = re.sub(rf"^{name}{_BEGIN}", flag, message)
            if name in _TOLD:
                message = re.sub(rf"^{name}:", f"{flag}:", message)
            message = re.sub(rf"\bgive {name}\b", f"give {flag}", message)
    return re.sub(r"(--[a-z-]+) \(\1\)", r"\1", message)  # what named both ways already
