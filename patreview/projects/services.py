"""Projects, members and tokens: made by commands today."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from django.db import transaction
from django.utils import timezone

from patreview.accounts.models import User
from patreview.journal.services import record
from patreview.projects.errors import Conflict, NotFound
from patreview.projects.models import Membership, Project, Role, Token

TOKEN_DAYS = 90
TOKEN_DAYS_MAX = 365
LAST_USED_GRAIN = timedelta(minutes=5)


@transaction.atomic
def create_project(slug: str, *, title: str, by: str, **fields: Any) -> Project:
    """Raises Conflict when the slug is taken, ValidationError on a bad slug or field."""
    if Project.objects.filter(slug=slug).exists():
        raise Conflict("slug_taken", f"There is a project {slug!r} already.")
    project = Project(slug=slug, title=title, **fields)
    project.full_clean()
    project.save()
    record(project.pk, "project.created", f"project:{slug}", actor=by, title=title)
    return project


@transaction.atomic
def set_member(project: Project, user: User, role: Role, *, by: str) -> Membership:
    """Make somebody a member, or give a member another role."""
    membership, _ = Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    record(project.pk, "member.set", f"user:{user.username}", actor=by, role=str(role))
    return membership


@dataclass(frozen=True)
class IssuedToken:
    """`text` is the only copy of the whole token: show it once."""

    token: Token
    text: str


@transaction.atomic
def issue_token(
    project: Project, owner: User, *, name: str, scopes: list[str], days: int = TOKEN_DAYS, by: str
) -> IssuedToken:
    """Raises NotFound when the owner is no member, Conflict on unknown scopes or a life of over a year."""
    if not Membership.objects.filter(project=project, user=owner).exists():
        raise NotFound("not_a_member", f"{owner.username} is no member of {project.slug}.")
    unknown = sorted(set(scopes) - set(Token.Scope.values))
    if unknown or not scopes:
        raise Conflict("scopes", f"Unknown scope {', '.join(unknown) or 'list'}; use {', '.join(Token.Scope.values)}.")
    if not 1 <= days <= TOKEN_DAYS_MAX:
        raise Conflict("days", f"A token lives 1 to {TOKEN_DAYS_MAX} days.")
    key, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    token = Token.objects.create(
        key=key,
        secret_hash=_hash(secret),
        name=name,
        project=project,
        owner=owner,
        scopes=sorted(set(scopes)),
        expires_at=timezone.now() + timedelta(days=days),
    )
    record(project.pk, "token.issued", f"token:{key}", actor=by, name=name, owner=owner.username, scopes=token.scopes)
    return IssuedToken(token=token, text=f"prt_{key}_{secret}")


def find_token(text: str) -> Token | None:
    """The live token that this text is; None for anything else, without saying why."""
    prefix, _, rest = text.partition("_")
    key, _, secret = rest.partition("_")
    if prefix != "prt" or not text.isascii() or not key.isalnum() or len(text) > 200:
        return None
    token = Token.objects.select_related("owner", "project").filter(key=key).first()
    if token is None or not compare_digest(token.secret_hash, _hash(secret)):
        return None
    now = timezone.now()
    if token.revoked_at or token.expires_at <= now or not token.owner.is_active:
        return None
    if token.last_used_at is None or token.last_used_at < now - LAST_USED_GRAIN:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _hash(secret: str) -> str:
    """The secret has 256 random bits, so a plain hash is enough (ASVS 6.5.2)."""
    return sha256(f"patreview-token-v1\0{secret}".encode()).hexdigest()
