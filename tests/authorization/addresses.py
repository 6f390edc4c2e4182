"""Addresses made from the URL patterns, with something in each of their places."""

import re
from typing import Any

PLACE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
USUAL = {"int": "1", "slug": "x", "str": "x"}


def places(pattern: Any) -> list[tuple[str, str]]:
    """Name and kind of each place."""
    return [(found["name"], found["kind"] or "str") for found in PLACE.finditer(str(pattern.pattern))]


def filled(pattern: Any, values: dict[str, str]) -> str:
    """The address with these values, and something usual in every other place."""
    return PLACE.sub(lambda found: values.get(found["name"], USUAL[found["kind"] or "str"]), str(pattern.pattern))
