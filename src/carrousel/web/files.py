"""The page's own files, read once: a request can name nothing else."""

from importlib.resources import files as package_files
from importlib.resources.abc import Traversable

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


def static_files() -> dict[str, bytes]:
    """Path below ``static/`` to content: ``{"index.html": b"...", "net/load.js": b"..."}``."""
    root = package_files("carrousel.web") / "static"
    return dict(sorted(_below(root, "")))


def media_type(path: str) -> str:
    return TYPES[path.rsplit(".", 1)[-1]]


def _below(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _below(entry, f"{path}/")
        elif path.rsplit(".", 1)[-1] in TYPES:
            found.append((path, entry.read_bytes()))
    return found
