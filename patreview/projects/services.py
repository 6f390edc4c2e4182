"""Projects, and the tokens of their members. `by` is a Principal where a person acts, a name where a command does."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from patreview.accounts.models import User
from patreview.journal.services import record
from patreview.projects.errors import Conflict, NotFound
from patreview.projects.models import Membership, Project, Role, Token
from patreview.projects.principal import Principal
from patreview.projects.queries import require_admin, require_in_person, visible_tokens

TOKEN_DAYS = 90
TOKEN_DAYS_MAX = 365
TOKENS_MAX = 50  # live ones of a person in a project
SETTINGS = ("title", "summary", "visibility", "required_approvals")
NEEDED_FOR_SCOPE = {
    Token.Scope.READ: Role.VIEWER,
    Token.Scope.SUBMIT: Role.SUBMITTER,
    Token.Scope.REVIEW: Role.REVIEWER,
}
LAST_USED_GRAIN = timedelta(minutes=5)


@transaction.atomic
def create_project(slug: str, *, title: str, by: str, **fields: Any) -> Project:
    """Raises Conflict when the slug is taken, ValidationError on a bad slug or field."""
    project = _new_project(slug, title=title, **fields)
    record(project.pk, "project.created", f"project:{slug}", actor=by, title=title)
    return project


@transaction.atomic
def found_project(slug: str, *, join: bool = False, by: Principal, **fields: Any) -> Project:
    """A site admin's new project, with the admin as its maintainer if `join`. Raises what create_project does."""
    require_admin(by)
    project = _new_project(slug, **fields)
    if join:
        assert isinstance(by.user, User)
        Membership.objects.create(project=project, user=by.user, role=Role.MAINTAINER)
    about = {name: getattr(project, name) for name in SETTINGS} | {"maintainer": by.name if join else None}
    record(project.pk, "project.created", f"project:{slug}", actor=by.name, **about)
    return project


def _new_project(slug: str, **fields: Any) -> Project:
    taken = Conflict("slug_taken", f"There is a project {slug!r} already.")
    if Project.objects.filter(slug=slug).exists():
        raise taken
    project = Project(slug=slug, **fields)
    project.full_clean()
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError as exc:  # somebody took it just now
        raise taken from exc
    return project


def lock_people(project_id: int) -> Project:
    """Lock who is who in a project until the transaction ends: rights are looked up after this."""
    return Project.objects.select_for_update(no_key=True).get(pk=project_id)


@transaction.atomic
def change_project(project: Project, *, by: Principal, **fields: Any) -> Project:
    """Change settings of a project; one entry with what was before and after, none where nothing changes.

    Raises ValidationError on a bad value.
    """
    locked = lock_people(project.pk)
    require_in_person(by, locked, Role.MAINTAINER)
    after = {name: fields[name] for name in SETTINGS if name in fields and fields[name] != getattr(locked, name)}
    before = {name: getattr(locked, name) for name in after}
    for name, value in after.items():
        setattr(locked, name, value)
    if after:
        locked.full_clean()
        locked.save(update_fields=list(after))
        record(locked.pk, "project.changed", f"project:{locked.slug}", actor=by.name, before=before, after=after)
    return locked


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
    lock_people(project.pk)  # one who is removed meanwhile must not be left with a live token
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


@transaction.atomic
def create_token(
    project: Project, *, name: str, scopes: list[str], days: int = TOKEN_DAYS, by: Principal
) -> IssuedToken:
    """A member's own token. Raises Conflict on a scope above the role, which would be of no use."""
    locked = lock_people(project.pk)
    role = require_in_person(by, locked)
    assert isinstance(by.user, User)
    useless = [scope for scope in Token.Scope if scope in scopes and not role.covers(NEEDED_FOR_SCOPE[scope])]
    if useless:
        needed = NEEDED_FOR_SCOPE[useless[-1]].label.lower()
        raise Conflict("scope_above_role", f"The scope {useless[-1]} needs the role {needed}; yours is {role}.")
    live = Token.objects.filter(project=locked, owner=by.user, revoked_at=None, expires_at__gt=timezone.now())
    if live.count() >= TOKENS_MAX:
        raise Conflict("too_many", f"You have {TOKENS_MAX} live tokens here; revoke one first.")
    return issue_token(locked, by.user, name=name, scopes=scopes, days=days, by=by.name)


@transaction.atomic
def revoke_token(project: Project, key: str, *, by: Principal) -> None:
    """End a token: one's own, or as a maintainer any of the project. Raises NotFound when there is none to see."""
    locked = lock_people(project.pk)
    require_in_person(by, locked)
    token = None if "\0" in key else visible_tokens(by, locked).filter(key=key).first()
    if token is None:
        raise NotFound("no_such_token", "There is no such token, or it is revoked already.")
    Token.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    about = {"name": token.name, "owner": token.owner.username}
    record(locked.pk, "token.revoked", f"token:{token.key}", actor=by.name, **about)


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
