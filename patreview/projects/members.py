"""Who is a member, and as what. Every change holds the project's lock, so that one maintainer always stays."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from patreview.accounts.models import User
from patreview.journal.services import record
from patreview.projects.errors import Conflict, NotFound
from patreview.projects.models import Invitation, Membership, Project, Role, Token
from patreview.projects.principal import Principal
from patreview.projects.queries import is_admin, require_administration, require_in_person
from patreview.projects.services import lock_people

Json = dict[str, Any]


@transaction.atomic
def set_member(project: Project, user: User, role: Role, *, by: str) -> Membership:
    """Make somebody a member, or give a member another role: for commands, which ask for no right."""
    locked = lock_people(project.pk)
    known = locked.memberships.filter(user=user).first()
    if known and role != Role.MAINTAINER:
        _keep_a_maintainer(locked, known)
    membership, _ = Membership.objects.update_or_create(project=locked, user=user, defaults={"role": role})
    about: Json = {"before": known.role if known else None, "role": str(role)}
    record(locked.pk, "member.set", f"user:{user.username}", actor=by, **about)
    return membership


@transaction.atomic
def put_member(project: Project, name: str, role: Role, *, by: Principal) -> Membership:
    """Give a member another role. A site admin also adds a person who is none yet; maintainers invite.

    Raises NotFound for one who is no member, Conflict `last_maintainer`.
    """
    locked = lock_people(project.pk)
    require_administration(by, locked)
    membership = _member(locked, name)
    if membership is None:
        return _add(locked, name, role, by=by)
    before = membership.role
    if before == role:
        return membership
    about: Json = {"before": before, "role": str(role)}
    if role != Role.MAINTAINER:
        _keep_a_maintainer(locked, membership)
        about["invitations_revoked"] = _revoke_invitations(membership, by=by)
    membership.role = role
    membership.save(update_fields=["role"])
    record(locked.pk, "member.changed", f"user:{membership.user.username}", actor=by.name, **about)
    return membership


@transaction.atomic
def remove_member(project: Project, name: str, *, by: Principal) -> None:
    """End a membership: one's own, or as maintainer or site admin anybody's. Nothing of it works from then on.

    Raises NotFound for one who is no member, Conflict `last_maintainer`.
    """
    locked = lock_people(project.pk)
    leaving = name == by.name
    if leaving:
        require_in_person(by, locked)
    else:
        require_administration(by, locked)
    membership = _member(locked, name)
    if membership is None:
        raise _no_member(locked, name)
    _keep_a_maintainer(locked, membership)
    ended: Json = {
        "role": membership.role,
        "tokens_revoked": _revoke_tokens(membership),
        "invitations_revoked": _revoke_invitations(membership, by=by),
    }
    membership.delete()
    action = "member.left" if leaving else "member.removed"
    record(locked.pk, action, f"user:{membership.user.username}", actor=by.name, **ended)


@transaction.atomic
def choose_mail(project: Project, mail: str, *, by: Principal) -> None:
    """Of which submissions the member who asks hears by mail: mine, all, none."""
    locked = lock_people(project.pk)
    require_in_person(by, locked)
    if mail not in Membership.Mail.values:
        raise Conflict("mail", f"Choose one of {', '.join(Membership.Mail.values)}.")
    before = Membership.objects.get(project=locked, user=by.user.pk).mail
    if before != mail:
        Membership.objects.filter(project=locked, user=by.user.pk).update(mail=mail)
        record(locked.pk, "member.mail", f"user:{by.name}", actor=by.name, before=before, after=mail)


def _add(project: Project, name: str, role: Role, *, by: Principal) -> Membership:
    user = None if "\0" in name else User.objects.filter(username=name, is_active=True).first()
    if user is None or not is_admin(by):  # a maintainer does not learn here who has an account
        raise _no_member(project, name)
    membership = Membership.objects.create(project=project, user=user, role=role)
    record(project.pk, "member.added", f"user:{user.username}", actor=by.name, role=str(role))
    return membership


def _member(project: Project, name: str) -> Membership | None:
    if "\0" in name:
        return None
    return project.memberships.select_related("user").filter(user__username=name).first()


def _no_member(project: Project, name: str) -> NotFound:
    return NotFound("not_a_member", f"{name[:150]!r} is no member of {project.slug}; invite them.")


def _keep_a_maintainer(project: Project, leaving: Membership) -> None:
    """Raise Conflict where a project would be left without a maintainer who can log in."""
    others = project.memberships.filter(role=Role.MAINTAINER, user__is_active=True).exclude(pk=leaving.pk)
    if leaving.role == Role.MAINTAINER and not others.exists():
        name = leaving.user.username
        message = f"{name} is the last maintainer of {project.slug}: make somebody else maintainer first."
        raise Conflict("last_maintainer", message)


def _revoke_tokens(membership: Membership) -> list[str]:
    """The keys of the member's live tokens in the project, which end now."""
    live = Token.objects.filter(project=membership.project_id, owner=membership.user_id, revoked_at=None)
    keys = sorted(live.values_list("key", flat=True))
    live.update(revoked_at=timezone.now())
    return keys


def _revoke_invitations(membership: Membership, *, by: Principal) -> list[int]:
    """The ids of the open links that the member made, and still knows: they end with the right to make them."""
    made = {"project": membership.project_id, "invited_by": membership.user_id}
    live = Invitation.objects.filter(**made, accepted_at=None, revoked_at=None)
    ids = sorted(live.values_list("pk", flat=True))
    live.update(revoked_at=timezone.now(), revoked_by=by.user.pk)
    return ids
