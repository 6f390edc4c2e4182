"""The body of a request: spooled before anybody reads it, looked at as a whole, and counted."""

from io import SEEK_END
from time import monotonic
from typing import IO

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError

from patreview.projects.services import find_token

_STEP = 256 * 1024  # bytes
_PATIENCE_S = 60  # a body may take that long however slowly it comes
_SLOWEST = 8 * 1024  # bytes a second, after that


def limit_of(request: HttpRequest, declared: int) -> int:
    """How many bytes are taken: images are large, and come as multipart from somebody who is known."""
    small = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    is_large = declared > small and request.content_type == "multipart/form-data"
    return int(settings.UPLOAD_MAX_SIZE if is_large and _is_known(request) else small)


def _is_known(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return find_token(token.strip()) is not None
    return bool(request.user.is_authenticated)


def spool(request: HttpRequest, body: IO[bytes]) -> int:
    """Read the body to its end; the bytes that came. Raises UnreadablePostError where it comes too slowly."""
    came, began = 0, monotonic()
    while part := request.read(_STEP):
        body.write(part)
        came += len(part)
        took = monotonic() - began
        if took > _PATIENCE_S and came < took * _SLOWEST:
            raise UnreadablePostError("slower than it may be")
    return came


def put_back(request: HttpRequest, body: IO[bytes]) -> None:
    """Let Django read the body from where it was spooled to."""
    body.seek(0)
    request._stream = body  # type: ignore[assignment]
    request._read_started = False  # type: ignore[attr-defined]


def _boundary(request: HttpRequest) -> bytes:
    parameters = request.content_params if request.content_type == "multipart/form-data" else None
    return b"--" + (parameters or {}).get("boundary", "").encode("latin-1", "replace")


def has_its_end(request: HttpRequest, body: IO[bytes]) -> bool:
    """Whether a multipart body has its closing boundary; any other body has."""
    boundary = _boundary(request)
    if boundary == b"--":
        return True
    body.seek(0, SEEK_END)
    body.seek(-min(body.tell(), len(boundary) + 16), SEEK_END)
    return boundary + b"--" in body.read()


def parts_in(request: HttpRequest) -> int:
    """How many parts a multipart body has: Django drops those without a name or a file name silently."""
    body, boundary = request._stream, _boundary(request)
    count, tail, at = 0, b"", body.tell()
    body.seek(0)
    while part := body.read(_STEP):
        count += (tail + part).count(boundary)
        tail = part[-len(boundary) + 1 :]
    body.seek(at)
    return count - 1
