"""Files of a submission: inside the JSON, or as parts of a multipart body."""

from hashlib import sha256
from typing import Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request

from patreview.api.parsing import loads
from patreview.submissions.services import Upload

ROLES = ("config",)


def read_body(request: Request) -> tuple[Any, list[Upload]]:
    """The JSON part of a request, and the files that came beside it."""
    if not request.content_type.startswith("multipart/"):
        return request.data, []
    fields = set(request.POST) | set(request.FILES)
    unknown = sorted(fields - {"submission", *ROLES})
    if unknown:
        known = ", ".join(("submission", *ROLES))
        raise ValidationError({name[:50]: [f"Unknown part; known: {known}."] for name in unknown})
    if "submission" not in request.POST:
        raise ParseError("A multipart body carries the JSON in a part named `submission`.")
    return loads(request.POST["submission"].encode()), [_part(request, role) for role in ROLES if role in request.FILES]


def _part(request: Request, role: str) -> Upload:
    if len(request.FILES.getlist(role)) > 1:
        raise ValidationError({role: ["Only one file of a role."]})
    part = request.FILES[role]
    return Upload(role=role, name=(part.name or role)[:255], text=decode(part.read()))


def decode(body: bytes) -> str:
    """Text of a file: UTF-8, else Latin-1, which no byte can fail."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def checked(files: list[dict[str, Any]]) -> list[Upload]:
    """Files inside the JSON, with their declared size and sha256 compared."""
    uploads = []
    for index, entry in enumerate(files):
        body = entry["text"].encode()
        if entry.get("size", len(body)) != len(body):
            raise ValidationError({"files": {str(index): {"size": [f"{len(body)} bytes came."]}}})
        if entry.get("sha256", digest := sha256(body).hexdigest()) != digest:
            raise ValidationError({"files": {str(index): {"sha256": [f"The bytes that came have {digest}."]}}})
        uploads.append(Upload(role=entry["role"], name=entry["name"], text=entry["text"]))
    return uploads
