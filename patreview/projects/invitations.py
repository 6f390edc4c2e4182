"""Links that make their holder a member. The secret is in the link alone; here is its hash."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from smtplib import SMTPException
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from patreview.accounts.models import User
from patreview.accounts.services import register
from patreview.journal.services import record
from patreview.projects.errors import Conflict, NotFound
from patreview.projects.models import Invitation, Membership, Project, Role
from patreview.projects.principal import Principal
from patreview.projects.queries import may_administer, require_administration, visible_invitations
from patreview.projects.services import lock_people

LIFE = timedelta(days=7)
OPEN_MAX = 100
WORDS = {
    "used": "This invitation was accepted already: each link makes one person a member.",
    "revoked": "This invitation was revoked.",
    "expired": f"This invitation has expired: a link lives {LIFE.days} days.",
}
log = structlog.get_logger("patreview.mail")


@dataclass(frozen=True)
class IssuedInvitation:
    """`secret` is the only copy: show the link once. `mailed` is whether a mail took it along."""

    invitation: Invitation
    secret: str
    mailed: bool = False

    @property
    def path(self) -> str:
        """Where the link leads, below the public address."""
        return f"/invitations/{self.secret}/"


def invite(project: Project, role: Role, *, email: str = "", note: str = "", by: Principal) -> IssuedInvitation:
    """Make a link that lives seven days, and mail it where an address is given.

    Raises ValidationError on a bad address or note, Conflict when too many are open.
    """
    issued = _make(project, role, email=email, note=note, by=by)
    return replace(issued, mailed=_send(issued)) if email else issued


@transaction.atomic
def _make(project: Project, role: Role, *, email: str, note: str, by: Principal) -> IssuedInvitation:
    locked = lock_people(project.pk)
    require_administration(by, locked)
    assert isinstance(by.user, User)
    if visible_invitations(by, locked).count() >= OPEN_MAX:
        raise Conflict("too_many", f"{OPEN_MAX} invitations are open; revoke some first.")
    secret, expires_at = secrets.token_urlsafe(32), timezone.now() + LIFE
    invitation = Invitation(
        project=locked, role=role, email=email, note=note, invited_by=by.user, expires_at=expires_at
    )
    invitation.secret_hash = _hash(secret)
    invitation.full_clean(exclude=["accepted_at", "accepted_by", "revoked_at", "revoked_by"])
    invitation.save()
    # No address here: the journal keeps what it has for ever.
    about: dict[str, Any] = {"role": str(role), "by_mail": bool(email)}
    record(locked.pk, "invitation.made", f"invitation:{invitation.pk}", actor=by.name, **about)
    return IssuedInvitation(invitation, secret)


@transaction.atomic
def revoke_invitation(project: Project, pk: int, *, by: Principal) -> None:
    """Make an open link worthless. Raises NotFound when there is no such open invitation."""
    locked = lock_people(project.pk)
    require_administration(by, locked)
    invitation = visible_invitations(by, locked).filter(pk=pk).first()
    if invitation is None:
        raise NotFound("no_such_invitation", "There is no such open invitation.")
    Invitation.objects.filter(pk=invitation.pk).update(revoked_at=timezone.now(), revoked_by=by.user.pk)
    record(locked.pk, "invitation.revoked", f"invitation:{invitation.pk}", actor=by.name, role=invitation.role)


def find_invitation(secret: str) -> Invitation | None:
    """The invitation whose link this is, in whatever state; None for anything else."""
    if not secret.isascii() or len(secret) > 100:
        return None
    return Invitation.objects.select_related("project", "invited_by").filter(secret_hash=_hash(secret)).first()


@transaction.atomic
def accept(secret: str, *, by: Principal) -> Membership:
    """Make the one who asks a member, or lift their role; never lower it.

    Raises NotFound for an unknown link, Conflict when it is used, revoked or expired, or would bring nothing.
    """
    found = find_invitation(secret)
    if found is None or by.token is not None or not by.user.is_authenticated:
        raise NotFound("no_such_invitation", "There is no such invitation.")
    assert isinstance(by.user, User)
    project = lock_people(found.project_id)
    invitation = Invitation.objects.select_related("invited_by").get(pk=found.pk)
    _check_open(invitation, project)
    membership = project.memberships.filter(user=by.user).first()
    before = Role(membership.role) if membership else None
    role = Role(invitation.role)
    if before and before.covers(role):
        message = f"You are {before} there already, so this would bring you nothing; the link stays good for another."
        raise Conflict("already_member", message)
    membership, _ = Membership.objects.update_or_create(project=project, user=by.user, defaults={"role": role})
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now(), accepted_by=by.user)
    made = {"invitation": invitation.pk, "invited_by": invitation.invited_by.username}
    about: dict[str, Any] = {"before": before, "role": str(role), **made}
    record(project.pk, "member.joined", f"user:{by.name}", actor=by.name, **about)
    return membership


@transaction.atomic
def join(secret: str, *, name: str, password: str) -> User:
    """Make an account for one who has the link, and accept as that person: both or neither.

    Raises ValidationError on a name or password that cannot be, Conflict and NotFound as accept does.
    """
    found = find_invitation(secret)
    if found is None:
        raise NotFound("no_such_invitation", "There is no such invitation.")
    _check_open(found, found.project)
    user = register(name, password=password, email=found.email)
    accept(secret, by=Principal(user))
    return user


def ending_of(invitation: Invitation) -> str:
    """Why a link is worth nothing: "used", "revoked", "expired"; "" while it is open.

    A link whose maker may no longer invite counts as revoked.
    """
    return invitation.ending or (
        "" if may_administer(Principal(invitation.invited_by), invitation.project) else "revoked"
    )


def _check_open(invitation: Invitation, project: Project) -> None:
    invitation.project = project
    ending = ending_of(invitation)
    if ending:
        raise Conflict(ending, WORDS[ending])


def _send(issued: IssuedInvitation) -> bool:
    """Whether the mail was handed over. It is sent after the commit, and its failure undoes nothing."""
    invitation = issued.invitation
    title = " ".join(invitation.project.title.split())
    lines = [
        f"{invitation.invited_by.username} invites you to {title} on patreview, as {invitation.role}.",
        *([invitation.note] if invitation.note else []),
        f"{settings.PATREVIEW_URL}{issued.path}",
        f"The link is for one person and lives until {invitation.expires_at:%Y-%m-%d %H:%M} UTC. Keep it to yourself.",
    ]
    if settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend"):
        return False
    try:
        return send_mail(f"Invitation to {title}", "\n\n".join(lines), None, [invitation.email]) > 0
    except (OSError, SMTPException) as exc:
        log.warning("mail_not_sent", invitation=invitation.pk, error=type(exc).__name__)
        return False


def _hash(secret: str) -> str:
    """The secret has 256 random bits, so a plain hash is enough (ASVS 6.5.2)."""
    return sha256(f"patreview-invitation-v1\0{secret}".encode()).hexdigest()
