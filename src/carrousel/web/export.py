"""The whole explorer in one file that asks nothing of any server.

Modules become ``data:`` addresses in an import map, where they go by bare names (a ``data:``
module has no folder that "./x.js" could be relative to); models become JSON inside the page, where
a vocabulary or word vectors that several of them share stand once. The page's own policy forbids
every connection.
"""

import base64
import hashlib
import json
import posixpath
import re
from pathlib import Path
from typing import Any

from ..storage.files import write_bytes
from .files import static_files
from .library import Library, Model, compact

PREFIX = "carrousel/"  # bare module names must not start with a dot or a slash
SHARED = ("vocab", "embedding")  # what models of a family may have in common
_FROM = re.compile(
    r"""(\bfrom\s*|\bimport\s*\(?\s*|\bimport\.meta\.resolve\(\s*)(["'])(\.{1,2}/[^"']+)\2"""
)
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">\n?')
_ICON = re.compile(r'<link rel="icon"[^>]*>\n?')
_SCRIPT = re.compile(r'<script type="module" src="([^"]+)"></script>\n?')


def export(library: Library, path: Path) -> int:
    """Write the page; returns its size in bytes."""
    page = exported(library).encode()
    write_bytes(path, page)
    return len(page)


def exported(library: Library) -> str:
    """The page as text."""
    files = {name: content.decode() for name, content in static_files().items()}
    html = files["index.html"]
    style = "\n".join(files[name] for name in _STYLE.findall(html))
    entry = _SCRIPT.findall(html)[0]
    imports = _import_map({k: v for k, v in files.items() if k.endswith(".js")})
    start = f'import "{PREFIX}{entry}";'
    head = [
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, imports, start)}">',
        f'<link rel="icon" href="{_data(files["icon.svg"], "image/svg+xml")}">',
        f"<style>{style}</style>",
        f'<script type="importmap">{imports}</script>',
        *_models(library),
        f'<script type="module">{start}</script>',
    ]
    for pattern in (_STYLE, _ICON, _SCRIPT):
        html = pattern.sub("", html)
    before, after = html.split("</head>")
    charset, rest = before.split('<meta charset="utf-8">\n')
    first, *others = head
    joined = "\n".join(others)
    return f'{charset}<meta charset="utf-8">\n{first}\n{rest}{joined}\n</head>{after}'


def _import_map(scripts: dict[str, str]) -> str:
    modules = {
        PREFIX + name: _data(_named(text, name), "text/javascript")
        for name, text in scripts.items()
    }
    return json.dumps({"imports": modules}, separators=(",", ":"))


def _named(text: str, name: str) -> str:
    """A module's text with bare names for "./x.js" and "../x.js"."""
    folder = posixpath.dirname(name)

    def bare(match: re.Match[str]) -> str:
        start, quote, relative = match.groups()
        return (
            f"{start}{quote}{PREFIX}{posixpath.normpath(posixpath.join(folder, relative))}{quote}"
        )

    return _FROM.sub(bare, text)


def _data(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode('ascii')}"


def _policy(style: str, *scripts: str) -> str:
    hashes = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src data: {hashes}; style-src {_hash(style)}; "
        "img-src data: blob:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _models(library: Library) -> list[str]:
    """What models share, each once, and the models, which name it by number (``source.js``)."""
    shared: list[Any] = []
    models = []
    for model in library:
        page = dict(model.page)
        for part in SHARED:
            if (value := page.get(part)) is not None:
                if value not in shared:
                    shared.append(value)
                page[part] = shared.index(value)
        models.append(_model(compact(page), model))
    return [
        f'<script type="application/json" id="shared:{k}">{_safe(compact(value))}</script>'
        for k, value in enumerate(shared)
    ] + models


def _safe(text: str) -> str:
    """JSON that cannot end the script around it."""
    return text.replace("<", chr(92) + "u003c")


def _model(text: str, model: Model) -> str:
    label = json.dumps(model.summary, ensure_ascii=False)
    return (
        f'<script type="application/json" id="model:{_attribute(model.name)}" '
        f'data-model="{_attribute(label)}">{_safe(text)}</script>'
    )


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
