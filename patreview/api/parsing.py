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
SURROGATES = re.compile("[\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """UTF-8 JSON without duplicate keys, NaN, lone surrogates, NUL, or nesting deeper than DEPTH_MAX."""

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
    _check(value, 0)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"The key {twice[:50]!r} stands twice in one object.")
    return result


def _no_constant(word: str) -> NoReturn:
    raise ParseError(f"{word} is not JSON.")


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise ParseError(f"The body is nested deeper than {DEPTH_MAX}.")
    if isinstance(value, str) and not _is_storable(value):
        raise ParseError("A string holds U+0000 or half of a surrogate pair.")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _is_storable(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not SURROGATES.search(text))
