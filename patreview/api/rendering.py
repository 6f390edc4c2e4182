"""Answers: JSON and nothing else."""

from rest_framework.renderers import JSONRenderer


class PlainJSONRenderer(JSONRenderer):
    """Compact UTF-8 JSON, whatever the client accepts: an API that answers HTML by surprise helps nobody."""

    ensure_ascii = False
    compact = True
