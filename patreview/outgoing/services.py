"""Make letters of what the journal says, and send those that are due.

A letter is made once, in the transaction that moves the cursor on. It is sent at least once: who dies between the
server's yes and our note of it sends the same letter again, with the same Message-ID.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import Error as DatabaseFault
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from patreview.journal.models import Entry, Head
from patreview.outgoing.acts import Act, act_of
from patreview.outgoing.audience import Recipient, audience, reachable
from patreview.outgoing.letters import letter
from patreview.outgoing.models import Letter, Mailed
from patreview.outgoing.server import Later, Outage, Refused, hand_over

log = structlog.get_logger("patreview.mail")

TOO_OLD = timedelta(days=2)
PROJECTS = 20
ENTRIES = 20
LETTERS = 20
LEASE = timedelta(minutes=2)  # more than one letter can take
BACK_OFF_MAX = timedelta(hours=1)


def make_letters() -> bool:
    """Read on in the journals that went on. True when there is more to read."""
    read = Coalesce(Subquery(Mailed.objects.filter(project_id=OuterRef("project_id")).values("seq")), 0)
    ahead = Head.objects.annotate(read=read).filter(seq__gt=F("read")).order_by("project_id")
    found = list(ahead.values_list("project_id", flat=True)[:PROJECTS])
    more = [_read_on(project_id) for project_id in found]
    return any(more) or len(found) == PROJECTS


def _read_on(project_id: int) -> bool:
    """Make the letters of a project's next entries; True when there may be more."""
    cursor, _ = Mailed.objects.get_or_create(project_id=project_id)
    following = Entry.objects.filter(project_id=project_id, seq__gt=cursor.seq)
    entries = list(following.order_by("seq")[:ENTRIES])
    if not entries:
        return False
    made = [one for entry in entries for one in _letters_of(entry)]
    with transaction.atomic():
        here = Mailed.objects.filter(project_id=project_id, seq=cursor.seq)
        if here.update(seq=entries[-1].seq) == 1:  # else another dispatcher made them
            Letter.objects.bulk_create(made)
    return len(entries) == ENTRIES


def _letters_of(entry: Entry) -> list[Letter]:
    if not sends_mail() or entry.at < timezone.now() - TOO_OLD:
        return []
    try:
        act = act_of(entry)
        people = audience(act) if act else []
    except DatabaseFault:
        raise
    except Exception:  # an entry of a shape that nobody foresaw must not hold up the ones after it
        log.exception("no letters made", project=entry.project_id, seq=entry.seq)
        return []
    about = {"project_id": entry.project_id, "seq": entry.seq}
    return [Letter(**about, user=one.user, why=one.why, reason=one.reason[:300]) for one in people]


def sends_mail() -> bool:
    """Whether there is a server, a file or a terminal that mail goes to."""
    return not settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend")


def send_letters(stopping: Callable[[], bool] = lambda: False) -> bool:
    """Send some letters that are due; True when there were any. Raises Outage."""
    due = list(_due().select_related("user")[:LETTERS])
    connection = get_connection() if due else None
    acts: dict[tuple[int, int], Act | None] = {}
    try:
        for one in due:
            if connection is None or stopping():
                break
            _send(one, connection, acts)
    finally:
        if connection is not None:
            with suppress(OSError):
                connection.close()
    return bool(due)


def _due() -> QuerySet[Letter]:
    """The oldest letter of each person and project, where it is due: those after it wait for it."""
    earlier = Letter.objects.filter(project_id=OuterRef("project_id"), user=OuterRef("user"), seq__lt=OuterRef("seq"))
    return Letter.objects.filter(~Exists(earlier), due_at__lte=Now()).order_by("pk")


def _send(one: Letter, connection: BaseEmailBackend, acts: dict[tuple[int, int], Act | None]) -> None:
    """Claim a letter, write it, hand it over, forget it."""
    claimed = Letter.objects.filter(pk=one.pk, due_at__lte=Now())
    if claimed.update(due_at=Now() + LEASE, tries=F("tries") + 1) != 1:
        return  # another dispatcher has it
    mine = Letter.objects.filter(pk=one.pk)
    about = {"project": one.project_id, "seq": one.seq, "user": one.user_id}
    try:
        message = _written(one, acts)
        if message is not None:
            hand_over(message, connection)
    except DatabaseFault:
        raise  # the lease ends, and somebody tries again
    except Outage:
        mine.update(due_at=Now(), tries=F("tries") - 1)
        raise
    except Later as exc:
        log.info("letter put off", **about, tries=one.tries + 1, answer=str(exc))
        mine.update(due_at=Now() + min(timedelta(minutes=2 ** min(one.tries, 6)), BACK_OFF_MAX))
        return
    except Refused as exc:
        log.warning("letter refused", **about, answer=str(exc))
    except Exception:  # a report or a name that cannot be put into words: the letters after it must go out
        log.exception("letter not written", **about)
    mine.delete()


def _written(one: Letter, acts: dict[tuple[int, int], Act | None]) -> EmailMessage | None:
    """The mail as things are now; None for who left meanwhile, for what was hidden, and for old news."""
    key = (one.project_id, one.seq)
    if key not in acts:
        entry = Entry.objects.filter(project_id=one.project_id, seq=one.seq).first()
        acts[key] = act_of(entry) if entry and entry.at >= timezone.now() - TOO_OLD else None
    act = acts[key]
    if act is None or one.user_id not in {member.user_id for member in reachable(one.project_id, one.user_id)}:
        return None
    return letter(act, Recipient(one.user, one.why, one.reason))
