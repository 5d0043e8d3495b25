"""The one door from a result to its picture.

A picture imports the result that it draws, never the reverse: who counts does not wait for
matplotlib, and imports go one way. Results keep a ``plot`` all the same, because that is where
everybody looks for it; it finds the picture by its address when it is asked for.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

from .showing import Shown


def picture(address: str) -> Callable[..., Any]:
    """The function at ``"module:function"``, as in an entry point."""
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)


class Plottable(Shown):
    """A result that can be drawn; its class names the function that does it.

    >>> class Result(Plottable, picture="carrousel.plots:plot_record"):
    ...     pass
    >>> Result.picture
    'carrousel.plots:plot_record'
    """

    picture: ClassVar[str]

    def __init_subclass__(cls, *, picture: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if picture is not None:
            cls.picture = picture

    def plot(self, *arguments: Any, **options: Any) -> Any:
        """A matplotlib figure; the options are those of the function that ``picture`` names."""
        return picture(self.picture)(self, *arguments, **options)

    def _figure(self) -> Any:
        return self.plot()
