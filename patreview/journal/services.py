"""Write and check the journal."""

from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from patreview import engine
from patreview.journal.models import Entry, Head


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


def entry_hash(entry: Entry) -> str:
    """The hash that the chain must carry at this entry, 64 hex digits."""
    names = ("project_id", "seq", "actor", "token", "action", "object", "data", "request_id", "prev_hash")
    body = {name: getattr(entry, name) for name in names}
    return engine.digest("journal", body | {"at": entry.at.isoformat()})


def first_broken(project_id: int) -> int | None:
    """The seq of the first entry that does not follow from the one before it; None when the chain holds."""
    previous, seq = "0" * 64, 0
    for entry in Entry.objects.filter(project_id=project_id).order_by("seq").iterator():
        seq += 1
        if (entry.seq, entry.prev_hash) != (seq, previous) or entry.hash != entry_hash(entry):
            return seq
        previous = entry.hash
    head = Head.objects.filter(project_id=project_id).first()
    return seq + 1 if head and (head.seq, head.hash) != (seq, previous) else None
