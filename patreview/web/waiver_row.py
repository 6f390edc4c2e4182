"""A waiver as pages show it: what it is today, and what the reader may do."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from patreview.projects.queries import Role
from patreview.reviews.queries import EXPIRES_SOON

if TYPE_CHECKING:
    from patreview.reviews.queries import Waiver


def waiver_row(
    waiver: Waiver, day: date, role: Role | None, user_id: int | None, used: set[str] | None = None
) -> dict[str, Any]:
    """`used` are the fingerprints that open submissions have; None where nobody asked."""
    is_open = waiver.state in ("proposed", "active")
    maintains = role == Role.MAINTAINER
    return {
        "it": waiver,
        "word": word_of(waiver, day),
        "icon": _icon_of(waiver, day),
        "days_left": (waiver.expires_on - day).days,
        "expiring": waiver.is_active(day) and waiver.expires_on <= day + EXPIRES_SOON,
        "unused": used is not None and waiver.is_active(day) and waiver.fingerprint not in used,
        "may_decide": waiver.state == "proposed" and maintains and waiver.proposed_by_id != user_id,
        "may_revoke": is_open and role is not None and (maintains or waiver.proposed_by_id == user_id),
    }


def word_of(waiver: Waiver, day: date) -> str:
    """The state of a waiver on a day: `Expired` is what `active` comes to."""
    return "Expired" if waiver.has_expired(day) else str(waiver.get_state_display())


def _icon_of(waiver: Waiver, day: date) -> str:
    if waiver.has_expired(day):
        return "g-no"
    return {"proposed": "g-wait", "active": "g-ok", "rejected": "g-no"}.get(waiver.state, "g-na")
