"""Files of a submission: inside the JSON, or as parts of a multipart body."""

from hashlib import sha256
from typing import Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request

from patreview import engine
from patreview.api.parsing import loads
from patreview.body import parts_in
from patreview.submissions.services import ANY_ROLE, Upload

ROLES = tuple(one["role"] for one in engine.formats())
TEXT_ROLES = tuple(one["role"] for one in engine.formats() if one["is_text"])
#: The part of a file whose role is found by its content; there may be several.
ANY_PART = "file"


def read_body(request: Request) -> tuple[Any, list[Upload]]:
    """The JSON of a request, and the files that came beside it."""
    if not request.content_type.startswith("multipart/"):
        return request.data, []
    texts, files = request.POST, request.FILES
    unknown = sorted((set(texts) - {"submission"}) | (set(files) - {*ROLES, ANY_PART}))[:20]
    if unknown:
        raise ValidationError({name[:50]: [_why_not(name)] for name in unknown})
    if len(texts.getlist("submission")) != 1:
        raise ParseError("A multipart body carries the JSON in exactly one part named `submission`.")
    if any(len(files.getlist(role)) > 1 for role in files if role != ANY_PART):
        raise ParseError("Only one file of a role.")
    came = sum(len(files.getlist(role)) for role in files)
    if parts_in(request._request) != len(texts) + came:
        raise ParseError("A part has no name or no file name, so it would be lost.")
    return loads(texts["submission"].encode()), [_upload(role, part) for role in files for part in files.getlist(role)]


def _why_not(name: str) -> str:
    if name in ROLES:
        return f"Send this as a file: with curl, -F {name}=@FILE."
    return f"Unknown part; known: {', '.join(('submission', ANY_PART, *ROLES))}."


def _upload(role: str, part: Any) -> Upload:
    return Upload(ANY_ROLE if role == ANY_PART else role, (part.name or role)[:255], part.read())


def joined(declared: list[dict[str, Any]], parts: list[Upload]) -> tuple[Upload, ...]:
    """The files of a submission: those with their text in the JSON, and those that came as parts.

    What the JSON declares of a file, its size or sha256, must be true of the bytes that came.
    """
    by_role = {part.role: part for part in parts if part.role != ANY_ROLE}
    texts: list[Upload] = []
    for index, entry in enumerate(declared):
        role, part = entry["role"], _part_of(entry, parts, by_role)
        if role != ANY_ROLE and role in {earlier["role"] for earlier in declared[:index]}:
            raise _mismatch(index, "role", "Only one file of a role.")
        if "text" in entry and role in by_role:
            raise _mismatch(index, "role", "This file came twice.")
        if "text" in entry and role in ROLES and role not in TEXT_ROLES:
            raise _mismatch(index, "text", f"This is no text: send it as a file, with curl -F {role}=@FILE.")
        if "text" not in entry and part is None:
            raise _mismatch(index, "text", "Neither its text nor a part of that name came.")
        body = part.body if part is not None else entry["text"].encode()
        if entry.get("size", len(body)) != len(body):
            raise _mismatch(index, "size", f"{len(body)} bytes came.")
        if entry.get("sha256", digest := sha256(body).hexdigest()) != digest:
            raise _mismatch(index, "sha256", f"The bytes that came have {digest}.")
        if part is None:
            texts.append(Upload(role, entry["name"], body))
    return (*parts, *texts)


def _part_of(entry: dict[str, Any], parts: list[Upload], by_role: dict[str, Upload]) -> Upload | None:
    """The part that an entry is about: by its role, or by its name where the role is to be found."""
    if "text" in entry:
        return None
    if entry["role"] != ANY_ROLE:
        return by_role.get(entry["role"])
    return next((part for part in parts if part.name == entry["name"]), None)


def _mismatch(index: int, field: str, message: str) -> ValidationError:
    return ValidationError({"files": {str(index): {field: [message]}}})
