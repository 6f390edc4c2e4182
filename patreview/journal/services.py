"""Write the journal."""

from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from patreview.journal.chain import entry_hash, first_broken
from patreview.journal.models import Entry, Head

__all__ = ["first_broken", "record"]


def record(project_id: int, action: str, subject: str, *, actor: str, token: str = "", **data: Any) -> None:
    """Append one entry to a project's chain. Call it inside the transaction of the act, as its last step."""
    with transaction.atomic():
        head, _ = Head.objects.select_for_update().get_or_create(project_id=project_id)
        entry = Entry(
            project_id=project_id,
            seq=head.seq + 1,
            at=timezone.now(),
            actor=actor,
            token=token,
            action=action,
            object=subject,
            data=data,
            request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
            prev_hash=head.hash,
        )
        entry.hash = entry_hash(entry)
        entry.save()
        head.seq, head.hash = entry.seq, entry.hash
        head.save()
