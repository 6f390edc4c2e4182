"""Plain data, as JSON gives it, read field by field."""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from simulator.problem import refuse

# Patterns are compiled when first used: a short answer starts sooner.
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"
_SURROGATE = r"[\ud800-\udfff]"
NAME_LIMIT = 100


def check_text(value: object, *, field: str, limit: int, empty: bool = False) -> str:
    """Text of one line, without the blanks around it; limit is in characters."""
    if not isinstance(value, str):
        raise refuse("wrong_type", f"text is wanted, not {_kind(value)}", field=field)
    if len(value) > limit:
        raise refuse("too_long", f"{len(value)} characters are too many; at most {limit}", field=field)
    if not value.isprintable() and (re.search(_CONTROL, value) or re.search(_SURROGATE, value)):
        raise refuse("control_character", "control characters and lone surrogates are refused", field=field)
    text = value.strip()
    if not text and not empty:
        raise refuse("empty", "is empty", field=field)
    return text


def _kind(value: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "null" if value is None else type(value).__name__)


class Record(NamedTuple):
    """A JSON object whose fields are read with their path in every refusal."""

    data: Mapping[str, object]
    path: str = ""

    @classmethod
    def of(cls, value: object, *, path: str, known: Collection[str]) -> "Record":
        """The record of a JSON object; InvalidInput for other values and unknown keys."""
        if not isinstance(value, dict):
            raise refuse("wrong_type", f"an object is wanted, not {_kind(value)}", field=path or None)
        unknown = sorted(str(key)[:NAME_LIMIT] for key in value if key not in known)
        if unknown:
            field = f"{path}.{ascii(unknown[0])[1:-1]}" if path else ascii(unknown[0])[1:-1]
            raise refuse("unknown_field", f"is not known here; known are {', '.join(sorted(known))}", field=field)
        return cls(value, path)

    def at(self, key: str) -> str:
        """The path of a field."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Whether a field is given and not null."""
        return self.data.get(key) is not None

    def text(self, key: str, *, limit: int = NAME_LIMIT, empty: bool = False) -> str:
        """A field that must be text of one line."""
        if not self.has(key):
            raise refuse("missing", "is missing", field=self.at(key))
        return check_text(self.data[key], field=self.at(key), limit=limit, empty=empty)

    def optional_text(self, key: str, *, limit: int = NAME_LIMIT) -> str | None:
        """A field that may be missing, null or empty: None then."""
        return self.text(key, limit=limit, empty=True) or None if self.has(key) else None

    def word(self, key: str, words: Collection[str]) -> str | None:
        """A field that is one of some words; None if it is missing."""
        value = self.optional_text(key)
        if value is not None and value not in words:
            raise refuse("unknown_word", f"{value!a} is not one of {', '.join(words)}", field=self.at(key))
        return value

    def flag(self, key: str) -> bool | None:
        """A field that is true or false; None if it is missing."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, bool):
            raise refuse("wrong_type", f"true or false is wanted, not {_kind(value)}", field=self.at(key))
        return value

    def items(self, key: str, *, limit: int) -> list[object]:
        """A field that is a list; missing is empty."""
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise refuse("wrong_type", f"a list is wanted, not {_kind(value)}", field=self.at(key))
        if len(value) > limit:
            raise refuse("too_many", f"{len(value)} items are too many; at most {limit}", field=self.at(key))
        return value

    def line(self, key: str) -> int | None:
        """A field that is a line number; None if it is missing."""
        value = self.data.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31):
            raise refuse("wrong_type", "a line number is wanted", field=self.at(key))
        return value
