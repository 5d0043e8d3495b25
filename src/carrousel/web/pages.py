"""A saved model as the JSON that the page reads (``static/net/load.js`` says what it holds)."""

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from .tensors import encode

FORMAT = 1
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def page_of(path: Path, name: str) -> dict[str, Any]:
    """Read a saved ``LanguageModel`` or ``Forecaster``.

    Beside a shipped model may stand ``page.json``: titles, examples and results that take longer
    to compute than a page takes to open.

    Raises:
        FileNotFoundError: There is no model there.
        ValueError: It is a model that the page cannot show.
    """
    kind = kind_of(path)
    if kind == "language":
        from .language import language_page as convert
    else:
        from .series import forecaster_page as convert
    page = convert(path, name)
    more = path / "page.json"
    if more.exists():
        page["meta"] |= json.loads(more.read_text(encoding="utf-8"))
    return page


def kind_of(path: Path) -> str:
    """ "language" or "forecast", from the model's description."""
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}")
    description = path / "model.json" if path.is_dir() else path
    try:
        found = json.loads(description.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} is not a model: carrousel explore shows folders that Forecaster.save or "
            "LanguageModel.save wrote"
        ) from error
    return "forecast" if isinstance(found, dict) and "quantiles" in found else "language"


def layer_pages(state: dict[str, Tensor], prefix: str, levels: int) -> list[dict[str, Any]]:
    """The weights of ``levels`` levels of one recurrent layer, as the page reads them."""
    return [
        {name: encode(state[f"{prefix}{name}_l{k}"]) for name in PARAMETERS} for k in range(levels)
    ]


def linear_page(state: dict[str, Tensor], prefix: str) -> dict[str, Any]:
    return {"weight": encode(state[f"{prefix}weight"]), "bias": encode(state[f"{prefix}bias"])}
