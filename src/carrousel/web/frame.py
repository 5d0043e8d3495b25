"""The explorer in a notebook: the exported page of one model, in a frame."""

import html
import warnings
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from torch import nn

from ..forecast import Forecaster
from ..showing import Shown
from ..text import LanguageModel
from ..wording import one_of
from .export import exported
from .language import network_page
from .library import Library
from .series import saved_page

VIEWS = ("way", "story", "cell", "sequence", "kept", "change", "gradient", "train", "forecast")

LARGE = 40_000_000  # characters of a page that a notebook should not have to keep


@dataclass(frozen=True)
class Frame(Shown):
    """A page that notebooks display. ``html`` is the whole file, to be written anywhere."""

    html: str
    height: int

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.html, quote=True)}" width="100%" '
            f'height="{self.height}" style="border:0" '
            'sandbox="allow-scripts allow-downloads"></iframe>'
        )


def show(
    model: LanguageModel | Forecaster,
    text: str | None = None,
    *,
    view: str | None = None,
    series: str | None = None,
    language: str = "en",
    height: int = 720,
) -> Frame:
    """The explorer of a model, in the notebook, on a sentence or a series.

    The page runs the network itself: it needs no server, and goes with the notebook.

    Args:
        model: A fitted ``LanguageModel`` or ``Forecaster``.
        text: The beginning of a sentence that a language model reads; by default one that it
            writes itself.
        view: The view that is opened, one of "way", "story", "cell", "sequence", "kept",
            "change", "gradient", "train", "forecast"; by default the whole way, of a forecaster the
            forecast.
        series: The name of the series that a forecaster reads, by default its first.
        language: "en" or "fr".
        height: Of the frame, in pixels.

    Raises:
        TypeError: ``model`` is another kind of model, or ``text`` is no text.
        RuntimeError: ``model`` is not fitted.
        ValueError: ``text`` with a forecaster or ``series`` with a language model, or an unknown
            view, series or language.

    Example:
        >>> from carrousel import LanguageModel, show
        >>> model = LanguageModel("char", hidden=8, steps=2).fit("to be or not. " * 40, valid=0)
        >>> "#cell?text=to+be" in show(model, "to be", view="cell").html
        True
    """
    one_of("language", language, ("en", "fr"))
    if isinstance(model, LanguageModel):
        if series is not None:
            raise ValueError(f"series must be None for a LanguageModel, got {series!r}; give text")
        if not (text is None or isinstance(text, str)):
            raise TypeError(f"text must be a str or None, got {type(text).__name__}")
        page = network_page(model.module, model.tokenizer, "model")
        state = {"text": text}
    elif isinstance(model, Forecaster):
        if text is not None:
            raise ValueError(f"text must be None for a Forecaster, got {text!r}; give series")
        page = saved_page(model, "model")
        state = {"series": _series(page, series)}
    else:
        raise TypeError(_refusal(model))
    opened = view or ("forecast" if isinstance(model, Forecaster) else "way")
    one_of("view", opened, VIEWS)
    frame = Frame(_opened(page, opened, state | {"lang": language, "embed": "1"}), height)
    if len(frame.html) > LARGE:
        warnings.warn(
            f"the page has {len(frame.html) / 1e6:.0f} MB, and the notebook keeps all of it; "
            "`carrousel explore FOLDER` shows a saved model outside",
            stacklevel=2,
        )
    return frame


def _refusal(model: object) -> str:
    """What to do instead with a model whose words, or the meaning of whose outputs, nobody said."""
    known = f"model must be a LanguageModel or a Forecaster, got {type(model).__name__}"
    if isinstance(model, nn.Module):
        return (
            f"{known}; a page has to know what a network reads and what its outputs mean. "
            "carrousel.trace(model) records the gates and states of any network in torch "
            "(docs/seeing-inside.md)"
        )
    if callable(getattr(model, "explain", None)):
        return f"{known}; its explain says what an answer relied on"
    return known


def _series(page: dict[str, Any], name: str | None) -> str | None:
    if name is None:
        return None
    names = [one["id"] for one in page["meta"]["series"]]
    one_of("series", name, names)
    return str(names.index(name))


def _opened(page: dict[str, Any], view: str, state: dict[str, str | None]) -> str:
    """The exported page, which says in its head what it shows (``static/address.js``)."""
    said = urlencode({key: value for key, value in state.items() if value is not None})
    meta = f'<meta name="carrousel-shows" content="{html.escape(f"#{view}?{said}", quote=True)}">'
    return exported(Library.of(page)).replace("<title>", f"{meta}\n<title>", 1)
