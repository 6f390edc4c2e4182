"""The chain of a project's journal: how an entry is hashed, and what in a chain does not hold.

Whoever can write to the database can also compute a whole new chain and head. Only a head that was kept outside
tells then: `manage.py verify_journal --expect`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Subquery

from patreview import engine
from patreview.journal.models import Entry, Head

START = "0" * 64
FIRST_ACTION = "project.created"
HASHED = ("project_id", "seq", "actor", "token", "action", "object", "data", "request_id", "prev_hash")
CHUNK = 1000


@dataclass(frozen=True)
class Fault:
    """What does not hold, and at which entry."""

    seq: int
    text: str

    def __str__(self) -> str:
        return f"entry {self.seq}: {self.text}"


def content_of(entry: Entry) -> dict[str, Any]:
    """What the hash of an entry covers."""
    return {name: getattr(entry, name) for name in HASHED} | {"at": entry.at.isoformat()}


def entry_hash(entry: Entry) -> str:
    """The hash that the chain must carry at this entry, 64 hex digits."""
    return engine.digest("journal", content_of(entry))


@dataclass(frozen=True)
class Ends:
    """What a project's chain comes to at one moment: its head, if it has one, and the seq of its newest entry."""

    project_id: int
    head: Head | None
    newest: int


def ends_of(project_id: int) -> Ends:
    """Both ends as of one moment, by one statement: entries may be appended meanwhile."""
    entries = Entry.objects.filter(project_id=project_id).order_by()
    newest = entries.values("project_id").annotate(last=Max("seq")).values("last")
    head = Head.objects.filter(project_id=project_id).annotate(newest=Subquery(newest)).first()
    if head is None:
        return Ends(project_id, None, entries.aggregate(last=Max("seq"))["last"] or 0)
    return Ends(project_id, head, head.newest or 0)


def first_broken(project_id: int) -> int | None:
    """The seq of the first entry at which the chain does not hold; None when all of it does."""
    fault = next(faults(ends_of(project_id)), None)
    return fault.seq if fault else None


def faults(ends: Ends, expected: dict[int, str] | None = None) -> Iterator[Fault]:
    """What does not hold up to the ends, in the chain's order. `expected` are heads known from before, by seq.

    Entries stream through: a chain of any length takes the memory of one chunk.
    """
    if ends.head is None:
        yield Fault(ends.newest, "there is no head" if ends.newest else "there is no entry and no head")
    seq, previous = 0, START
    kept = dict(expected or {})
    for entry in _entries(ends.project_id, ends.head.seq if ends.head else ends.newest):
        yield from _compare(entry, seq + 1, previous, kept.pop(entry.seq, None))
        seq, previous = entry.seq, entry.hash
    if ends.head is not None:
        yield from _compare_head(ends.head, ends.newest, seq, previous)
    for at in sorted(kept):
        yield Fault(at, "a head of it was kept, and it is not there: the chain was cut off or written anew")


def _compare_head(head: Head, newest: int, seq: int, previous: str) -> Iterator[Fault]:
    """What is wrong at the end of the chain: of the entries the last is `seq`, with the hash `previous`."""
    if head.seq == 0:
        yield Fault(0, "the head says that there is no entry; every project has one")
    elif seq < head.seq:
        yield Fault(seq + 1, f"the chain ends with {seq}, its head says {head.seq}: entries are missing")
    elif head.hash != previous:
        yield Fault(seq, "its hash is not the one of the head: one of them was changed")
    if newest > head.seq:
        yield Fault(head.seq + 1, f"the head says {head.seq}, but entries go on to {newest}")


def _compare(entry: "Entry | Unreadable", due: int, previous: str, expected: str | None) -> Iterator[Fault]:
    if entry.seq > due:
        some = f"entry {due} is" if entry.seq == due + 1 else f"entries {due} to {entry.seq - 1} are"
        yield Fault(due, f"{some} missing")
    elif entry.seq < due:
        yield Fault(entry.seq, "it stands before the beginning")
    if isinstance(entry, Unreadable):
        yield Fault(entry.seq, "it cannot be read: it was changed")
    else:
        yield from _compare_content(entry, previous)
    if expected not in (None, entry.hash):
        yield Fault(entry.seq, "its hash is not the one that was kept: the chain up to here was written anew")


def _compare_content(entry: Entry, previous: str) -> Iterator[Fault]:
    try:
        holds = entry.hash == entry_hash(entry)
    except (TypeError, ValueError, AttributeError):  # content that was never written: no canonical JSON
        holds = False
    if not holds:
        yield Fault(entry.seq, "its content does not give its hash: it was changed, or moved here")
    if entry.prev_hash != previous:
        yield Fault(entry.seq, "it does not follow the entry before it")
    if entry.seq == 1 and entry.action != FIRST_ACTION:
        yield Fault(1, f"a chain begins with {FIRST_ACTION}, not with {entry.action}")


@dataclass(frozen=True)
class Unreadable:
    """A row of which the database's own types make no entry: SQLite stores anything in any column."""

    seq: int
    hash: str = ""


def _entries(project_id: int, end: int) -> Iterator[Entry | Unreadable]:
    """Entries up to a seq in their order, a chunk at a time in memory."""
    rows, after = Entry.objects.filter(project_id=project_id, seq__lte=end).order_by("seq"), -1
    while True:
        try:
            for entry in rows.filter(seq__gt=after).iterator(chunk_size=CHUNK):
                yield entry
                after = entry.seq
        except (TypeError, ValueError):
            after = rows.filter(seq__gt=after).values_list("seq", flat=True)[0]
            yield Unreadable(after)
        else:
            return
