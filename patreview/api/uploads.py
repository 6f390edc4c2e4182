"""Files of a submission: inside the JSON, or as parts of a multipart body."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request

from patreview.api.parsing import loads
from patreview.submissions.services import Upload

ROLES = ("config",)


@dataclass(frozen=True)
class Part:
    """A file part of a multipart body."""

    name: str
    body: bytes


def read_body(request: Request) -> tuple[Any, dict[str, Part]]:
    """The JSON of a request, and by role the files that came beside it."""
    if not request.content_type.startswith("multipart/"):
        return request.data, {}
    texts, files = request.POST, request.FILES
    unknown = sorted((set(texts) - {"submission"}) | (set(files) - set(ROLES)))[:20]
    if unknown:
        raise ValidationError({name[:50]: [_why_not(name)] for name in unknown})
    if len(texts.getlist("submission")) != 1:
        raise ParseError("A multipart body carries the JSON in exactly one part named `submission`.")
    if any(len(files.getlist(role)) > 1 for role in files):
        raise ParseError("Only one file of a role.")
    if _parts_in(request) != len(texts) + len(files):
        raise ParseError("A part has no name or no file name, so it would be lost.")
    return loads(texts["submission"].encode()), {role: _part(files[role]) for role in ROLES if role in files}


def _why_not(name: str) -> str:
    if name in ROLES:
        return f"Send this as a file: with curl, -F {name}=@FILE."
    return f"Unknown part; known: {', '.join(('submission', *ROLES))}."


def _parts_in(request: Request) -> int:
    """How many parts the body has: Django drops those without a name or file name silently."""
    parameters = request._request.content_params or {}
    return request._request.body.count(b"--" + parameters["boundary"].encode("latin-1")) - 1


def _part(part: Any) -> Part:
    return Part(name=(part.name or "")[:255], body=part.read())


def joined(declared: list[dict[str, Any]], parts: dict[str, Part]) -> tuple[Upload, ...]:
    """The files of a submission: those with their text in the JSON, and those that came as parts.

    What the JSON declares of a file, its size or sha256, must be true of the bytes that came.
    """
    uploads = {role: Upload(role, part.name or role, part.body) for role, part in parts.items()}
    for index, entry in enumerate(declared):
        role = entry["role"]
        if role in {earlier["role"] for earlier in declared[:index]}:
            raise _mismatch(index, "role", "Only one file of a role.")
        if "text" in entry and role in uploads:
            raise _mismatch(index, "role", "This file came twice.")
        if "text" not in entry and role not in parts:
            raise _mismatch(index, "text", "Neither its text nor a part of that name came.")
        body = entry["text"].encode() if "text" in entry else parts[role].body
        if entry.get("size", len(body)) != len(body):
            raise _mismatch(index, "size", f"{len(body)} bytes came.")
        if entry.get("sha256", digest := sha256(body).hexdigest()) != digest:
            raise _mismatch(index, "sha256", f"The bytes that came have {digest}.")
        uploads.setdefault(role, Upload(role, entry["name"], body))
    return tuple(uploads.values())


def _mismatch(index: int, field: str, message: str) -> ValidationError:
    return ValidationError({"files": {str(index): {field: [message]}}})
