"""Answers: JSON and nothing else."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request


class PlainJSONRenderer(JSONRenderer):
    """Compact UTF-8 JSON."""

    ensure_ascii = False
    compact = True


class AlwaysJSON(DefaultContentNegotiation):
    """Whatever the client accepts: an API that answers 406 or HTML by surprise helps nobody."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
