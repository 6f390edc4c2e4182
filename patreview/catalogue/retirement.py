"""Take a platform or a guest out of service and put it back: by a maintainer, with a reason, one entry an act.

What is retired is judged no more and keeps its name, its facts and its history. Layouts proposed for a retired
platform stay open, and cannot be adopted.
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
from patreview.projects.text import checked_line, required

REASON_MAX = 500
InService = Platform | Guest


@transaction.atomic
def retire(one: InService, *, reason: str, by: Principal) -> None:
    """Take it out of service. Raises Forbidden, NotFound, Conflict (`already_retired`, `empty`)."""
    require(by, one.project, Role.MAINTAINER, scope="review")
    why = required(checked_line(reason, at_most=REASON_MAX), "The reason")
    hold(one.project_id)
    if not type(one).objects.filter(pk=one.pk, retired_at=None).update(retired_at=timezone.now()):
        raise Conflict("already_retired", f"{one.name} is already retired.")
    _record("retired", one, why, by=by)


@transaction.atomic
def restore(one: InService, *, reason: str = "", by: Principal) -> None:
    """Put it back in service, with the facts it had. Raises as retire() does (`not_retired`, `too_many`)."""
    require(by, one.project, Role.MAINTAINER, scope="review")
    why = checked_line(reason, at_most=REASON_MAX)
    hold(one.project_id)
    in_service = Platform.objects.filter(project=one.project_id, retired_at=None)
    if isinstance(one, Platform) and in_service.count() >= PLATFORMS_MAX:
        raise Conflict("too_many", f"{PLATFORMS_MAX} platforms are in service, which is the most; retire one first.")
    if not type(one).objects.filter(pk=one.pk, retired_at__isnull=False).update(retired_at=None):
        raise Conflict("not_retired", f"{one.name} is in service already.")
    _record("restored", one, why, by=by)


def _record(act: str, one: InService, reason: str, *, by: Principal) -> None:
    changed(one.project_id)
    noun = "platform" if isinstance(one, Platform) else "guest"
    record(one.project_id, f"{noun}.{act}", f"{noun}:{one.name}", actor=by.name, token=by.token_key, reason=reason)
