"""Request bodies: JSON read strictly, so that what is stored is what was meant."""

import json
import re
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

DEPTH_MAX = 32
NODES_MAX = 20_000
SURROGATES = re.compile("[\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """UTF-8 JSON without duplicate keys, NaN, lone surrogates or NUL; bounded in depth and in values."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        charset = parse_header_parameters(media_type or "")[1].get("charset", "utf-8")
        if charset.lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(media_type or "")
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise RequestDataTooBig
        return loads(body)


def loads(body: bytes) -> Any:
    """The value of a JSON text. Raises ParseError that says where it went wrong."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError as exc:
        raise ParseError(f"The body is not UTF-8: byte {exc.start}.") from exc
    except json.JSONDecodeError as exc:
        raise ParseError(f"The body is not JSON: line {exc.lineno}, column {exc.colno}: {exc.msg}.") from exc
    except RecursionError as exc:
        raise ParseError(f"The body is nested deeper than {DEPTH_MAX}.") from exc
    except ValueError as exc:
        raise ParseError(str(exc)) from exc
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise ParseError(f"The key {name[:50]!r} stands twice in one object.")
        result[name] = value
    return result


def _no_constant(word: str) -> NoReturn:
    raise ParseError(f"{word} is not JSON.")


def _check(top: Any) -> None:
    """Refuse what is nested too deep, too many values, and text that no database stores."""
    waiting, seen = [(top, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if depth > DEPTH_MAX:
            raise ParseError(f"The body is nested deeper than {DEPTH_MAX}.")
        if seen + len(waiting) > NODES_MAX:
            raise ParseError(f"The body has more than {NODES_MAX} values.")
        if isinstance(value, str) and not _is_storable(value):
            raise ParseError("A string holds U+0000 or half of a surrogate pair.")
        if isinstance(value, dict):
            waiting += [(item, depth + 1) for pair in value.items() for item in pair]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]


def _is_storable(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not SURROGATES.search(text))
