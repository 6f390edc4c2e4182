"""Store proposals. The caller holds the transaction, so that a revision and its first run are stored together."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from patreview import engine
from patreview.accounts.models import User
from patreview.catalogue.models import Platform
from patreview.projects.errors import Conflict, Forbidden
from patreview.projects.models import Project, Role
from patreview.projects.principal import Principal
from patreview.projects.queries import may
from patreview.submissions.models import Artifact, Blob, Revision, Submission

TITLE_MAX = 100
NOTE_MAX = 2000
KEY_MAX = 200


@dataclass(frozen=True)
class Upload:
    """A file as it came: its role ("config"), the sender's name for it, its text."""

    role: str
    name: str
    text: str

    def as_input(self) -> dict[str, str]:
        return {"role": self.role, "name": self.name, "text": self.text}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A submission's content before it is stored: read by the engine, refused as a whole or taken as a whole."""

    kind: str
    title: str
    content: dict[str, Any]
    digest: str
    platform: Platform | None = None
    files: tuple[Upload, ...] = field(default=())
    external_key: str = ""
    note: str = ""


def read_proposal(
    *,
    kind: str,
    title: str,
    by: str,
    platform: Platform | None = None,
    layout: str = "",
    guest: dict[str, Any] | None = None,
    files: tuple[Upload, ...] = (),
    external_key: str = "",
    note: str = "",
) -> Proposal:
    """Let the engine read what was sent. Raises engine.InvalidInput with every problem that was found."""
    problems = _text_problems(title=title, note=note, external_key=external_key)
    stated: dict[str, Any] = {}
    content: dict[str, Any] = {}
    try:
        if kind == Submission.Kind.LAYOUT:
            if platform is None:
                problems.append(engine.problem("platform", "Name the platform that this layout is for."))
            if files:
                problems.append(engine.problem("files", "A layout takes no files: send its text in `layout`."))
            content["layout"] = engine.check_layout(layout)
            stated = {"layout": content["layout"]["msr"]}
        else:
            stated = {"guest": guest or {}}
            content["guest"] = engine.read_guest(guest or {}, [upload.as_input() for upload in files], by=by)
    except engine.InvalidInput as exc:
        problems += exc.problems
    if problems:
        raise engine.refusal(*problems)
    return Proposal(
        kind=kind,
        title=title.strip(),
        content=content | {"stated": stated},
        digest=engine.digest("input", _identity(kind, platform, stated, files)),
        platform=platform,
        files=files,
        external_key=external_key,
        note=note,
    )


def _text_problems(**texts: str) -> list[dict[str, Any]]:
    limits = {"title": TITLE_MAX, "note": NOTE_MAX, "external_key": KEY_MAX}
    problems = []
    for name, text in texts.items():
        odd = [char for char in text if not char.isprintable() and not (name == "note" and char in "\r\n\t")]
        if odd:
            problems.append(engine.problem(name, f"Character U+{ord(odd[0]):04X} cannot stand here."))
        elif len(text) > limits[name]:
            problems.append(engine.problem(name, f"{len(text)} characters; at most {limits[name]}."))
    if not texts["title"].strip():
        problems.append(engine.problem("title", "Say in a few words what is proposed."))
    return problems


def _identity(
    kind: str, platform: Platform | None, stated: dict[str, Any], files: tuple[Upload, ...]
) -> dict[str, Any]:
    """What makes two revisions the same content: what was stated, and the bytes of the files."""
    artifacts = sorted([upload.role, sha256(upload.text.encode()).hexdigest()] for upload in files)
    return {"kind": kind, "platform": platform.name if platform else "", "stated": stated, "artifacts": artifacts}


def store(
    project: Project, proposal: Proposal, *, by: Principal, submission: Submission | None
) -> tuple[Revision, bool]:
    """Add a revision to the submission given, or to the one of the same external key, or to a new one.

    Returns the revision and whether it is new: the same content as the current revision adds nothing.
    """
    assert isinstance(by.user, User)
    if submission is None and proposal.external_key:
        submission = Submission.objects.filter(project=project, external_key=proposal.external_key).first()
    if submission is None:
        submission = Submission.objects.create(
            project=project,
            kind=proposal.kind,
            title=proposal.title,
            external_key=proposal.external_key or None,
            platform=proposal.platform,
            owner=by.user,
        )
    else:
        submission = lock(submission.pk)
        _check_addition(submission, proposal, by=by)
    current = submission.current
    if current and current.digest == proposal.digest:
        return current, False
    revision = Revision.objects.create(
        submission=submission,
        number=current.number + 1 if current else 1,
        content=proposal.content,
        digest=proposal.digest,
        note=proposal.note,
        created_by=by.user,
        token_key=by.token_key,
    )
    _keep_files(revision, proposal.files)
    Submission.objects.filter(pk=submission.pk).update(current=revision, title=proposal.title)
    submission.current, submission.title = revision, proposal.title
    return revision, True


def lock(pk: int) -> Submission:
    """The submission as it is now, locked until the transaction ends.

    Nothing is joined: PostgreSQL reads only the locked row anew after it waited for the lock.
    """
    return Submission.objects.select_for_update().get(pk=pk)


def _check_addition(submission: Submission, proposal: Proposal, *, by: Principal) -> None:
    if by.user.pk != submission.owner_id and not may(by, submission.project, Role.MAINTAINER):
        raise Forbidden(
            "not_yours", f"#{submission.pk} belongs to {submission.owner}: only they or a maintainer add to it."
        )
    if submission.state != Submission.State.OPEN:
        raise Conflict("not_open", f"#{submission.pk} is {submission.state}; submit a proposal of its own.")
    if (submission.kind, submission.platform_id) != (
        proposal.kind,
        proposal.platform.pk if proposal.platform else None,
    ):
        raise Conflict(
            "other_subject", f"#{submission.pk} is about another kind or platform; use another external key."
        )


def _keep_files(revision: Revision, files: tuple[Upload, ...]) -> None:
    for upload in files:
        body = upload.text.encode()
        blob, _ = Blob.objects.get_or_create(sha256=sha256(body).hexdigest(), defaults={"body": body})
        Artifact.objects.create(revision=revision, role=upload.role, name=upload.name[:255], size=len(body), blob=blob)
