"""What every request passes: an id and a log line, a body that is whole, security headers, and who is asking."""

import re
import time
from collections.abc import Callable
from io import BytesIO
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import IO
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest
from django.db.models import BigIntegerField
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.functional import SimpleLazyObject

from patreview.body import has_its_end, limit_of, put_back, spool
from patreview.projects.principal import Principal

Handler = Callable[[HttpRequest], HttpResponse]
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
SECRET_PATH = re.compile(r"^(/invitations/)[^/]+")
QUIET = {"/healthz", "/readyz"}
log = structlog.get_logger("patreview.request")


class RequestContext:
    """Bind a request id to every log line and answer; log the outcome once."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        if request.path not in QUIET:
            milliseconds = round((time.perf_counter() - started) * 1000)
            log.info(
                "request",
                method=request.method,
                path=_loggable(request.path),
                status=response.status_code,
                ms=milliseconds,
            )
        return response


def _loggable(path: str) -> str:
    """The path without an invitation's secret, which is as good as a password."""
    return SECRET_PATH.sub(r"\1...", path)


class BodyRefused(BadRequest):
    """The body of a request was not taken; nothing of it was looked at. urls.py answers in the door's language."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class WholeBody:
    """Read the body before anybody else does, and refuse one that is too large or was cut off.

    Django takes a multipart body that ends early for a shorter one, and drops a file that is over the limit:
    an upload could lose its file and still be accepted. A large body waits in a file, not in memory; only one who
    has a session or a live token may send one, only as multipart, and a few at once: its parts are in memory then.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.large = BoundedSemaphore(settings.LARGE_UPLOADS_AT_ONCE)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            raise BodyRefused(411, "length_required", "Say how long the body is: send Content-Length, not chunks.")
        if request.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
            raise BodyRefused(415, "encoding", "Send the body as it is, without Content-Encoding.")
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
        limit = limit_of(request, declared)
        if declared > limit:
            raise BodyRefused(413, "too_large", f"{declared} bytes are more than the {limit} that are taken.")
        _set_body_timeout(request)
        if declared <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return self._with_body(request, BytesIO(), declared)
        if not self.large.acquire(blocking=False):
            raise BodyRefused(503, "busy", "Other large uploads are being taken; send yours again in some seconds.")
        try:
            return self._with_body(request, _new_file(), declared)
        finally:
            self.large.release()

    def _with_body(self, request: HttpRequest, spooled: IO[bytes], declared: int) -> HttpResponse:
        with spooled as body:
            try:
                came = spool(request, body)
            except UnreadablePostError as exc:
                raise BodyRefused(400, "cut_off", "The body stopped coming before its end.") from exc
            except OSError as exc:
                raise _no_room() from exc
            if came < declared:
                raise BodyRefused(400, "cut_off", f"The body was cut off: {came} of {declared} bytes came.")
            if not has_its_end(request, body):
                raise BodyRefused(400, "cut_off", "The multipart body was cut off: its closing boundary is missing.")
            put_back(request, body)
            return self.get_response(request)


def _new_file() -> IO[bytes]:
    try:
        return TemporaryFile()
    except OSError as exc:
        raise _no_room() from exc


def _no_room() -> BodyRefused:
    return BodyRefused(503, "no_room", "There is no room for this body just now; send it again.")


def _set_body_timeout(request: HttpRequest) -> None:
    """A sender that pauses for long must not hold a thread: gunicorn itself waits for ever."""
    connection = request.META.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(settings.BODY_PAUSE_S)


class SecurityHeaders:
    """Content-Security-Policy and its relatives on every answer; settings use the names of Django 6."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {' '.join(values)}" for name, values in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # By what was sent, not by who it is: that would ask the database, which may be what failed.
        if settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers:
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class RowNumbers:
    """404 for an address with a number that no row can have: SQLite raises OverflowError where it is asked for one."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, _request: HttpRequest, _view: object, _args: object, kwargs: dict[str, object]) -> None:
        if any(isinstance(value, int) and value > BigIntegerField.MAX_BIGINT for value in kwargs.values()):
            raise Http404


class RequestPrincipal:
    """Give views `request.principal`: the person, without a token. The API replaces it by the token's."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.principal = SimpleLazyObject(lambda: Principal(request.user))  # type: ignore[attr-defined]
        return self.get_response(request)
