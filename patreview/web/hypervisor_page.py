"""The page of hypervisors: what Xen does by release, its S3 windows and EPT rules, and the layouts that are known."""

from functools import cache
from typing import Any

from patreview import engine

Json = dict[str, Any]


@cache
def context() -> Json:
    """What the template takes; the engine's tables never change while it runs."""
    known = engine.known_hypervisors()
    return {
        "facets": known["facets"],
        "windows": [window | {"releases": _releases(window)} for window in known["s3_windows"]],
        "ept_rules": known["ept_rules"],
        "layouts": known["layouts"],
    }


def _releases(window: Json) -> str:
    """The releases of a window: "4.16.0 to 4.16.3", or all of the series."""
    series, first, last = window["series"], window["first"], window["last"]
    if last is None:
        return f"every {series}" if not first else f"{series}.{first} and later"
    return f"{series}.{first} to {series}.{last}" if last != first else f"{series}.{first}"
