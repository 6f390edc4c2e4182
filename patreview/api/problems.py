"""Errors as RFC 9457 problem details: every answer of 400 and above under /api/ has this shape."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
    ValidationError,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from patreview.engine import InvalidInput, problems_of
from patreview.projects.errors import Conflict, Forbidden, NotFound, Refused

log = structlog.get_logger("patreview.api")
MEDIA_TYPE = "application/problem+json"
TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
REFUSED = {Forbidden: 403, Conflict: 409, NotFound: 404}
SHOWN_MAX = 100


def problem(status: int, code: str, detail: str, errors: Sequence[dict[str, Any]] = ()) -> JsonResponse:
    """One problem document. `code` is stable; `errors` name what is wrong where."""
    context = structlog.contextvars.get_contextvars()
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": list(errors)[:SHOWN_MAX],
        "request_id": context.get("request_id", ""),
    }
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | Response | None:
    """DRF's hook: everything that an API view may raise, as a problem. None lets unknown faults reach handler500."""
    if isinstance(exc, InvalidInput):
        errors = [_located(**found) for found in problems_of(exc)]
        return problem(422, "invalid_input", "The input was read and makes no sense; nothing is stored.", errors)
    if isinstance(exc, Refused):
        return problem(REFUSED[type(exc)], exc.code, exc.message)
    if isinstance(exc, TOO_LARGE):
        return problem(413, "too_large", "The request has more bytes, fields or files than are taken.")
    if isinstance(exc, DataError):
        return problem(400, "bad_value", "A value does not fit its field.")
    if isinstance(exc, OperationalError | InterfaceError):
        return unavailable()
    if isinstance(exc, (Http404, PermissionDenied)):
        exc = exceptions.NotFound() if isinstance(exc, Http404) else exceptions.PermissionDenied()
    if isinstance(exc, ValidationError):
        exc = exceptions.ValidationError(exc.message_dict if hasattr(exc, "error_dict") else exc.messages)
    return _from_framework(exc) if isinstance(exc, exceptions.APIException) else None


def unavailable() -> HttpResponse:
    """The database is away: nothing was stored, the same request may succeed later."""
    answer = problem(503, "unavailable", "The database does not answer; try again.")
    answer["Retry-After"] = "5"
    return answer


def _from_framework(exc: exceptions.APIException) -> HttpResponse:
    if isinstance(exc, exceptions.ValidationError):
        return problem(400, "bad_request", "The request has fields that cannot be taken.", list(_pointers(exc.detail)))
    codes = exc.get_codes()
    code = codes if isinstance(codes, str) else "error"
    answer = problem(exc.status_code, code, str(exc.detail))
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        answer["WWW-Authenticate"] = 'Bearer realm="patreview"'
    return answer


def _pointers(detail: Any, path: str = "") -> Any:
    """Flatten DRF's tree of messages to JSON pointers."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _pointers(value, path if key == "non_field_errors" else f"{path}/{key}")
    elif isinstance(detail, list) and detail and not isinstance(detail[0], str):
        for index, value in enumerate(detail):
            yield from _pointers(value, f"{path}/{index}")
    else:
        for item in detail if isinstance(detail, list) else [detail]:
            yield _located(field=path, code=getattr(item, "code", "invalid"), message=str(item))


def _located(
    *,
    code: str,
    message: str,
    field: str | None = None,
    source: str | None = None,
    line: int | None = None,
    column: int | None = None,
) -> dict[str, Any]:
    """One error: a JSON pointer into what was sent, or a place in a file, or both."""
    path = re.sub(r"[.\[\]]+", "/", field or "").strip("/")
    place = {"pointer": f"/{path}" if path else "", "source": source, "line": line, "column": column}
    return {"code": code, "message": message} | place


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, TOO_LARGE):
        return problem(413, "too_large", "The request has more bytes, fields or files than are taken.")
    return problem(400, "bad_request", "The request could not be read.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(403, "forbidden", "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(404, "not_found", "There is nothing at this address, or nothing that you may see.")


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(500, "defect", "This is a defect of patreview; the request id leads to its log line.")


def csrf_failure(request: HttpRequest, reason: str) -> HttpResponse:
    return problem(403, "csrf", "A browser session needs its CSRF token; programs use a bearer token.")
