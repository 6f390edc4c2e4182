"""Conditional requests: what a caller has already is not sent again."""

from django.utils.http import parse_etags
from rest_framework.request import Request


def is_known(request: Request, etag: str) -> bool:
    """Whether If-None-Match names the tag, by the weak comparison of RFC 9110 13.1.2; `*` names any."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in {tag.removeprefix("W/") for tag in known}
