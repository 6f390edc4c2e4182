"""Files of a form that comes back: kept for a day, so that nobody chooses them again, and named by a signed token.

A browser drops the files that were chosen when a page is shown again. A token says who sent which bytes under which
name, and in which project; it is worth nothing to anybody else, nor to one who may no longer submit there.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core import signing
from django.db.models import Exists, OuterRef, ProtectedError
from django.utils import timezone

from patreview.projects.models import Project
from patreview.projects.principal import Principal
from patreview.submissions.models import Artifact, Blob
from patreview.submissions.services import Upload, store_blob

KEPT_FOR = timedelta(days=1)
_SALT = "patreview.draft"


@dataclass(frozen=True)
class Draft:
    """A kept file: what a form shows of it, and the token that brings it back."""

    role: str
    name: str
    size: int
    token: str


def keep(uploads: tuple[Upload, ...], project: Project, *, by: Principal) -> list[Draft]:
    """Keep the bytes of files for a day."""
    drafts = []
    for upload in uploads:
        if not Blob.objects.filter(sha256=upload.sha256).update(kept_at=timezone.now()):
            store_blob(upload)
        drafts.append(_draft(upload.role, upload.name, len(upload.body), upload.sha256, project, by))
    return drafts


def drafts_of(artifacts: list[Artifact], project: Project, *, by: Principal) -> list[Draft]:
    """The files of a revision as drafts of the next one."""
    return [_draft(one.role, one.name, one.size, one.sha256, project, by) for one in artifacts]


def _draft(role: str, name: str, size: int, sha256: str, project: Project, by: Principal) -> Draft:
    about = {"user": by.user.pk, "project": project.pk, "sha256": sha256, "role": role, "name": name[:255]}
    return Draft(role, name, size, signing.dumps(about, salt=_SALT, compress=True))


def uploads_of(tokens: list[str], project: Project, *, by: Principal) -> tuple[tuple[Upload, ...], list[str]]:
    """The files that tokens name, and the names of those that are gone.

    A token of somebody else's, or of another project, names nothing. Callers let only submitters of the project ask.
    """
    uploads, gone = [], []
    for token in tokens:
        about = _read(token)
        body = Blob.objects.filter(sha256=about.get("sha256", "")).values_list("body", flat=True).first()
        if body is None or (about["user"], about.get("project")) != (by.user.pk, project.pk):
            gone.append(str(about.get("name", "a file")))
        else:
            uploads.append(Upload(about["role"], about["name"], bytes(body)))
    return tuple(uploads), gone


def _read(token: str) -> dict[str, Any]:
    try:
        about: dict[str, Any] = signing.loads(token, salt=_SALT, max_age=KEPT_FOR)
    except signing.BadSignature:
        return {}
    return about


def forget_drafts() -> int:
    """Delete what was kept longer than a day and belongs to no revision."""
    owned = Artifact.objects.filter(blob=OuterRef("pk"))
    stale = Blob.objects.filter(~Exists(owned), kept_at__lt=timezone.now() - KEPT_FOR)
    try:
        deleted: int = stale.defer("body").delete()[0]
    except ProtectedError:
        return 0  # a revision took one of them just now: the next sweep looks again
    return deleted
