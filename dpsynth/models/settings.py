"""What a user may set of a model: fields of a frozen dataclass, checked by name and type."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_type_hints

from dpsynth.errors import InputError

T = TypeVar("T")


def chosen(kind: type[T], model: str, given: Mapping[str, Any]) -> T:
    """The model's settings, with what is given in place of the defaults.

    Args:
        kind: a dataclass whose fields are numbers, words or such numbers and none.
        model: registry name, for the message.
        given: settings by name.

    Raises:
        InputError: if a setting does not exist, or its value is of another type.
    """
    hints = get_type_hints(kind)
    known = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    for name, value in given.items():
        if name not in known:
            has = ", ".join(known) or "none"
            raise InputError(f"model {model!r} has no setting {name!r}; it has: {has}")
        if not _fits(value, hints[name]):
            raise InputError(f"setting {name} must be {_words(hints[name])}, got {value!r}")
    return kind(**given)


def check_ranges(settings: object, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Hold each setting to its range: the lower end belongs to it, the upper does not.

    Raises:
        InputError: names the setting, its range and its value; none is not checked.
    """
    for name, (low, high) in ranges.items():
        value = getattr(settings, name)
        if value is not None and not low <= value < high:
            raise InputError(f"setting {name} must be in [{low:g}, {high:g}), got {value!r}")


def check_together(tables_share: float, bounds_share: float, width: int, heads: int) -> None:
    """What settings of a trained network must hold together.

    Raises:
        InputError: names the settings.
    """
    if tables_share + bounds_share >= 1:
        raise InputError("settings tables_share and bounds_share must add up to less than 1")
    if width % heads:
        raise InputError(f"setting width must be a multiple of {heads}, got {width!r}")


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_fits(value, each) for each in get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _words(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        return " or ".join(_words(each) for each in get_args(hint))
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
    return words.get(hint, "none")
