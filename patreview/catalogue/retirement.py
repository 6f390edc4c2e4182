"""Take a platform or a guest out of service and put it back: by a maintainer, with a reason, one entry an act.

What is retired is judged no more and keeps its name, its facts and its history.
"""

from django.db import transaction
from django.utils import timezone

from patreview.catalogue.models import Guest, Platform
from patreview.catalogue.services import PLATFORMS_MAX, changed, hold
from patreview.journal.services import record
from patreview.projects.errors import Conflict
from patreview.projects.models import Role
from patreview.projects.principal import Principal
from patreview.projects.queries import require

REASON_MAX = 500


@transaction.atomic
def retire_platform(platform: Platform, *, reason: str, by: Principal) -> None:
    """Nothing is judged on it any more. Layouts proposed for it stay open, and cannot be adopted.

    Raises Forbidden, NotFound, Conflict (`already_retired`, `reason`).
    """
    require(by, platform.project, Role.MAINTAINER, scope="review")
    why = _checked(reason, needed=True)
    hold(platform.project_id)
    if not Platform.objects.filter(pk=platform.pk, retired_at=None).update(retired_at=timezone.now()):
        raise Conflict("already_retired", f"{platform.name} is already retired.")
    _record("platform.retired", platform, why, by=by)


@transaction.atomic
def restore_platform(platform: Platform, *, reason: str = "", by: Principal) -> None:
    """Its guests in service are judged on it again. Raises as retire_platform() does (`not_retired`)."""
    require(by, platform.project, Role.MAINTAINER, scope="review")
    why = _checked(reason)
    hold(platform.project_id)
    if Platform.objects.filter(project=platform.project_id, retired_at=None).count() >= PLATFORMS_MAX:
        raise Conflict("too_many", f"{PLATFORMS_MAX} platforms are in service, which is the most; retire one first.")
    if not Platform.objects.filter(pk=platform.pk, retired_at__isnull=False).update(retired_at=None):
        raise Conflict("not_retired", f"{platform.name} is in service already.")
    _record("platform.restored", platform, why, by=by)


@transaction.atomic
def retire_guest(guest: Guest, *, reason: str, by: Principal) -> None:
    """No layout is checked against it any more. Raises as retire_platform() does."""
    require(by, guest.project, Role.MAINTAINER, scope="review")
    why = _checked(reason, needed=True)
    hold(guest.project_id)
    if not Guest.objects.filter(pk=guest.pk, retired_at=None).update(retired_at=timezone.now()):
        raise Conflict("already_retired", f"{guest.name} is already retired.")
    _record("guest.retired", guest, why, by=by)


@transaction.atomic
def restore_guest(guest: Guest, *, reason: str = "", by: Principal) -> None:
    """It is in service again, with the facts it had. Raises as retire_platform() does (`not_retired`)."""
    require(by, guest.project, Role.MAINTAINER, scope="review")
    why = _checked(reason)
    hold(guest.project_id)
    if not Guest.objects.filter(pk=guest.pk, retired_at__isnull=False).update(retired_at=None):
        raise Conflict("not_retired", f"{guest.name} is in service already.")
    _record("guest.restored", guest, why, by=by)


def _checked(reason: str, *, needed: bool = False) -> str:
    text = reason.strip()
    if needed and not text:
        raise Conflict("reason", "Say why: the reason is kept in the history.")
    if "\0" in text:
        raise Conflict("bad_character", "U+0000 cannot stand here.")
    if len(text) > REASON_MAX:
        raise Conflict("too_long", f"A reason has at most {REASON_MAX} characters.")
    return text


def _record(action: str, one: Platform | Guest, reason: str, *, by: Principal) -> None:
    changed(one.project_id)
    noun = action.partition(".")[0]
    record(one.project_id, action, f"{noun}:{one.name}", actor=by.name, token=by.token_key, reason=reason)
