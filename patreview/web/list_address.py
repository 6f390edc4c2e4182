"""The address of a list: filters, the side of a key, how many rows. What is not known is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.db.models import BigIntegerField
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from patreview.analyses.listing import Page
from patreview.web.errors import BadAddress

PAGE = 50
PAGE_MAX = 200
KEYS = ("before", "after", "limit")
FIRST_PAGE: Mapping[str, Any] = {"before": None, "after": None, "limit": PAGE}


@dataclass(frozen=True)
class Filter:
    """A name that an address may have: one of some values, or any short text where there are none."""

    name: str
    values: tuple[str, ...] = ()
    longest: int = 0

    def check(self, value: str) -> None:
        """Raises BadAddress for a value that the filter does not have."""
        if self.values and value not in self.values:
            raise BadAddress(f"“{value[:50]}” is no {self.name}; use {', '.join(self.values)}.")
        if not self.values and (len(value) > self.longest or not value.isprintable()):
            raise BadAddress(f"That is no {self.name}: at most {self.longest} printable characters.")


@lru_cache(maxsize=256)
def control(one: Filter, chosen: str) -> SafeString:
    """What the form of a page shows of a filter: a list of values, a text, or a box to tick."""
    return render_to_string("parts/_filter.html", {"filter": one, "chosen": chosen})


@dataclass(frozen=True)
class Address:
    """Filters that are chosen, and where the page begins."""

    chosen: Mapping[str, str]
    key: Mapping[str, Any] = field(default_factory=dict)

    def leading(self, path: str, **more: Any) -> str:
        """The path with the filters, and what is added."""
        return with_query(path, {**self.chosen, **more})

    @property
    def other_limit(self) -> dict[str, int]:
        """The limit, where it is not what a page has anyway."""
        return {"limit": self.key["limit"]} if self.key["limit"] != PAGE else {}

    def neighbours(self, path: str, page: Page[Any], keys: Sequence[Any]) -> dict[str, str]:
        """The addresses of newer and older rows; "" where there are none."""
        limit = self.other_limit
        return {
            "newest": self.leading(path, **limit) if page.newer else "",
            "newer": self.leading(path, after=keys[0], **limit) if page.newer and keys else "",
            "older": self.leading(path, before=keys[-1], **limit) if page.older and keys else "",
        }


@dataclass(frozen=True)
class Key:
    """What `before` and `after` are: in words, and how they are read (ValueError for what is none)."""

    words: str
    read: Callable[[str], Any]

    def of(self, name: str, text: str | None) -> Any:
        try:
            return None if text is None else self.read(text)
        except ValueError as exc:
            raise BadAddress(f"{name} is {self.words}.") from exc


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """The path, with a query where there is one."""
    return f"{path}?{urlencode(query)}" if query else path


def read_number(text: str) -> int:
    """A number that a row may have. Raises ValueError."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > BigIntegerField.MAX_BIGINT:
        raise ValueError(text)
    return int(text)


def read_address(request: HttpRequest, filters: Sequence[Filter], key: Key) -> Address:
    """What an address asks. Raises BadAddress for anything that is not known."""
    by_name = {one.name: one for one in filters}
    chosen: dict[str, str] = {}
    for name, value in request.GET.dict().items():
        if name not in by_name and name not in KEYS:
            raise BadAddress(f"There is no filter “{name[:50]}”; use {', '.join([*by_name, *KEYS])}.")
        if name in by_name and value:
            by_name[name].check(value)
            chosen[name] = value
    before, after = (key.of(name, request.GET.get(name)) for name in ("before", "after"))
    if before is not None and after is not None:
        raise BadAddress("Give before or after, not both.")
    limit = Key(f"how many rows to show, 1 to {PAGE_MAX}", _read_limit).of("limit", request.GET.get("limit"))
    return Address(chosen, {"before": before, "after": after, "limit": PAGE if limit is None else limit})


def _read_limit(text: str) -> int:
    number = read_number(text)
    if not 1 <= number <= PAGE_MAX:
        raise ValueError(text)
    return number
