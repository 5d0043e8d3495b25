"""Which columns are covariates, and whether a model goes on with the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...wording import some
from ..calendar import HOLIDAYS, calendar_names


@dataclass(frozen=True)
class Spec:
    """Which columns are covariates, and what their categories are.

    ``futr`` are known ahead, ``hist`` of the past only, ``static`` the same at all times of a
    series. A column of text is a category; ``categories`` lists the values that were learned.
    ``calendar`` and ``holidays`` are made from the times, see ``carrousel.data.calendar``.
    ``groups`` are series that share a hidden state: all (True; ``members`` are their names), or
    those of one value in a static column.
    """

    futr: tuple[str, ...] = ()
    hist: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    holidays: str | None = None
    groups: bool | str = False
    members: tuple[str, ...] = ()
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.names:
            if self.names.count(name) > 1:
                raise ValueError(
                    f"covariates: column {name!r} is listed more than once among "
                    "futr_exog, hist_exog and static_exog"
                )

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.futr, *self.hist, *self.static)

    @property
    def ahead(self) -> tuple[str, ...]:
        """Everything that is known ahead, in the order of ``Panel.exog``."""
        free = HOLIDAYS if self.holidays else ()
        return (*self.futr, *calendar_names(self.calendar), *free)

    def __bool__(self) -> bool:
        return bool(self.names or self.ahead or self.groups)

    def sizes(self, names: Sequence[str]) -> tuple[int, ...]:
        """For each column its number of categories, 0 for numbers."""
        return tuple(len(self.categories.get(name, ())) for name in names)

    @classmethod
    def restored(cls, data: dict[str, Any]) -> "Spec":
        """From what ``dataclasses.asdict`` made, by way of JSON."""
        parts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        parts["categories"] = {k: tuple(v) for k, v in data["categories"].items()}
        return cls(**parts)


def learning_on(known: Spec, asked: Spec) -> Spec:
    """``asked`` with the order of columns, the categories and the members of ``known``, which a
    model learned before.

    Raises:
        ValueError: A column is missing or too much, by name.
    """
    parts = {
        "futr_exog": (known.futr, asked.futr),
        "hist_exog": (known.hist, asked.hist),
        "static_exog": (known.static, asked.static),
        "calendar": (known.calendar, asked.calendar),
    }
    for option, (theirs, ours) in parts.items():
        missing = [repr(name) for name in theirs if name not in ours]
        extra = [repr(name) for name in ours if name not in theirs]
        if missing:
            raise ValueError(f"{option}: {some(missing)} missing; init was trained with it")
        if extra:
            raise ValueError(f"{option}: {some(extra)} too much; init was trained without it")
    if bool(known.holidays) != bool(asked.holidays):
        used = "with" if known.holidays else "without"
        raise ValueError(f"holidays: init was trained {used} them, got {asked.holidays!r}")
    if known.groups != asked.groups:
        raise ValueError(f"groups: init has {known.groups!r}, got {asked.groups!r}")
    if asked.categories and not _begins_with(asked.categories, known.categories):
        raise ValueError(
            "data: the categories of this Panel have other codes than those of init; give the table"
        )
    return replace(known, holidays=asked.holidays)


def refuse_other_kinds(known: Spec, found: Spec) -> None:
    """Columns that were numbers must not become categories."""
    for name in found.categories:
        if name not in known.categories:
            raise ValueError(f"{name}: init was trained with numbers in it, now it holds text")


def _begins_with(ours: dict[str, tuple[str, ...]], theirs: dict[str, tuple[str, ...]]) -> bool:
    return ours.keys() == theirs.keys() and all(
        ours[name][: len(known)] == known for name, known in theirs.items()
    )
