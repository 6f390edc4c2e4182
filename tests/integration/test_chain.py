"""Whatever is done to a chain past the product is found, and where: every entry, every column, every way."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F

from patreview.journal import append_only
from patreview.journal.chain import START, ends_of, entry_hash, faults, first_broken
from patreview.journal.models import Entry, Head
from patreview.journal.services import record
from tests import make
from tests.conftest import lifted

LENGTH = 60
PLACES = range(1, LENGTH + 1)
FORGED = {
    "project_id": F("project_id") + 10**6,
    "seq": F("seq") + 10**6,
    "at": F("at") + timedelta(microseconds=1),
    "actor": "forged",
    "token": "forged",
    "action": "forged",
    "object": "forged",
    "data": {"forged": 1},
    "request_id": "forged",
    "prev_hash": "f" * 64,
    "hash": "f" * 64,
}


@pytest.fixture
def chain(db):
    """The id of a project with a chain of 60 entries, which may be tampered with."""
    project = make.make_project(slug="forged")
    for number in range(2, LENGTH + 1):
        record(project.pk, "vote.cast", f"submission:{number}/r1", actor="ann", token="t", value="nits", at=number)
    with lifted():
        yield project.pk


def entries(chain):
    return Entry.objects.filter(project_id=chain)


def found(chain, tamper):
    """Where the first fault is after tampering, which is undone."""
    with transaction.atomic():
        tamper()
        seen = first_broken(chain)
        transaction.set_rollback(True)
    return seen


def renumber(rows, by):
    """In two steps: no two entries may have one number in between."""
    rows.update(seq=F("seq") + 10**6)
    Entry.objects.filter(seq__gt=10**6 - 1).update(seq=F("seq") - 10**6 + by)


def insert(chain, seq, *, linked):
    """An entry of somebody's own before an entry; `linked` has the right hashes, as far as it goes."""
    renumber(entries(chain).filter(seq__gte=seq), 1)
    before = entries(chain).filter(seq=seq - 1).first()
    entry = Entry(project_id=chain, seq=seq, at=before.at if before else entries(chain).first().at, action="x")
    entry.prev_hash = before.hash if before and linked else START
    entry.hash = entry_hash(entry) if linked else START
    entry.save()


def rehash(chain, start=1):
    """Write a chain anew from an entry on, head included, as its forger would."""
    previous = entries(chain).filter(seq=start - 1).first()
    hashed = previous.hash if previous else START
    for entry in entries(chain).filter(seq__gte=start).order_by("seq"):
        entry.prev_hash = hashed
        hashed = entry_hash(entry)
        entries(chain).filter(seq=entry.seq).update(prev_hash=entry.prev_hash, hash=hashed)
        Head.objects.filter(project_id=chain).update(seq=entry.seq, hash=hashed)


def test_an_untouched_chain_holds(chain):
    assert list(faults(ends_of(chain))) == []
    assert {field.name for field in Entry._meta.fields} - {"id"} == set(FORGED)


@pytest.mark.parametrize("column", FORGED)
def test_a_changed_entry(chain, column):
    where = [found(chain, lambda: entries(chain).filter(seq=n).update(**{column: FORGED[column]})) for n in PLACES]  # noqa: B023
    assert where == list(PLACES)


def test_a_deleted_entry(chain):
    assert [found(chain, lambda: entries(chain).filter(seq=n).delete()) for n in PLACES] == list(PLACES)  # noqa: B023


def test_two_swapped_entries(chain):
    def swap(one, other):
        entries(chain).filter(seq=one).update(seq=10**6)
        entries(chain).filter(seq=other).update(seq=one)
        entries(chain).filter(seq=10**6).update(seq=other)

    assert [found(chain, lambda: swap(n, n + 1)) for n in PLACES[:-1]] == list(PLACES[:-1])  # noqa: B023
    assert found(chain, lambda: swap(3, 40)) == 3


@pytest.mark.parametrize(("linked", "late"), [(False, 0), (True, 1)])
def test_an_inserted_entry(chain, linked, late):
    """One with the right hashes is found at the entry after it, or at the head."""
    where = [found(chain, lambda: insert(chain, n, linked=linked)) for n in PLACES]  # noqa: B023
    assert where == [1, *(n + late for n in PLACES[1:-1]), LENGTH]
    assert found(chain, lambda: insert(chain, LENGTH + 1, linked=linked)) == LENGTH + 1


def test_the_content_of_entries_swapped_under_their_numbers(chain):
    def swap():
        names = ("at", "object", "data", "hash", "prev_hash")
        one, other = (entries(chain).values(*names).get(seq=n) for n in (7, 8))
        entries(chain).filter(seq=7).update(**other)
        entries(chain).filter(seq=8).update(**one)

    assert found(chain, swap) == 7


@pytest.mark.parametrize(
    ("tamper", "seq", "said"),
    [
        (lambda head: head.delete(), LENGTH, "there is no head"),
        (lambda head: head.update(hash="f" * 64), LENGTH, "not the one of the head"),
        (lambda head: head.update(seq=LENGTH - 1), LENGTH - 1, "not the one of the head"),
        (lambda head: head.update(seq=LENGTH + 1), LENGTH + 1, "entries are missing"),
        (lambda head: head.update(seq=0, hash=START), 0, "every project has one"),
        (lambda head: Entry.objects.filter(seq__gt=50).delete(), 51, "ends with 50, its head says 60"),
        (lambda head: Entry.objects.all().delete(), 1, "ends with 0, its head says 60"),
        (lambda head: (head.delete(), Entry.objects.all().delete()), 0, "no entry and no head"),
    ],
    ids=range(8),
)
def test_head_and_end(chain, tamper, seq, said):
    tamper(Head.objects.filter(project_id=chain))
    fault = next(faults(ends_of(chain)))
    assert (fault.seq, said in fault.text) == (seq, True), fault.text


def test_a_chain_begins_with_its_project(chain):
    """Even where all of it was written anew."""
    entries(chain).filter(seq=1).delete()
    renumber(entries(chain), -1)
    rehash(chain)
    assert [str(fault) for fault in faults(ends_of(chain))] == [
        "entry 1: a chain begins with project.created, not with vote.cast"
    ]


def test_what_only_a_kept_head_tells(chain):
    """A new chain with a new head, or one that was cut off with its head, holds in itself."""
    kept = {30: entries(chain).get(seq=30).hash, LENGTH: entries(chain).get(seq=LENGTH).hash}
    assert list(faults(ends_of(chain), kept)) == []
    entries(chain).filter(seq=12).update(actor="forged")
    rehash(chain, 12)
    assert first_broken(chain) is None
    assert [fault.seq for fault in faults(ends_of(chain), kept)] == [30, LENGTH]
    entries(chain).filter(seq__gt=20).delete()
    rehash(chain)
    assert first_broken(chain) is None
    assert [fault.seq for fault in faults(ends_of(chain), kept)] == [30, LENGTH]


def test_several_faults_are_all_said(chain):
    entries(chain).filter(seq=5).update(actor="forged")
    entries(chain).filter(seq__in=[10, 11]).delete()
    assert [(fault.seq, fault.text.partition(":")[0]) for fault in faults(ends_of(chain))] == [
        (5, "its content does not give its hash"),
        (10, "entries 10 to 11 are missing"),
        (12, "it does not follow the entry before it"),
    ]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's columns take nothing else")
@pytest.mark.parametrize(("column", "value"), [("data", "{"), ("data", "1.5"), ("at", "soon"), ("at", 7), ("data", 1)])
def test_what_no_entry_could_hold_is_a_fault_and_no_traceback(chain, column, value):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=ON")
        cursor.execute(f"UPDATE journal_entry SET {column} = %s WHERE seq IN (9, 60)", [value])
        cursor.execute("PRAGMA ignore_check_constraints=OFF")
    assert {fault.seq for fault in faults(ends_of(chain))} >= {9, LENGTH}


def verify(*arguments):
    out = StringIO()
    try:
        call_command("verify_journal", *arguments, stdout=out)
    except CommandError as exc:
        return out.getvalue(), str(exc)
    return out.getvalue(), ""


@pytest.fixture
def two(db):
    return make.make_project(slug="a"), make.make_project(slug="b")


def test_the_command(two):
    heads = [f"1:{Entry.objects.get(project_id=project.pk).hash}" for project in two]
    assert verify() == (f"a {heads[0]} holds\nb {heads[1]} holds\n", "")
    assert verify("b") == (f"b {heads[1]} holds\n", "")
    assert verify("b", "--expect", heads[1])[1] == ""
    record(two[1].pk, "x", "y", actor="z")
    assert verify("b", "--expect", heads[1])[1] == "", "a chain that grew still has the entry"
    out, error = verify("b", "--expect", heads[0])
    assert "BROKEN entry 1: its hash is not the one that was kept" in out
    assert error == "The journal does not hold: b."


def test_the_command_says_what_does_not_hold(two):
    with lifted():
        Entry.objects.filter(project_id=two[0].pk).update(actor="forged")
    out, error = verify()
    assert out.splitlines()[0].endswith(
        "BROKEN entry 1: its content does not give its hash: it was changed, or moved here"
    )
    assert (out.count("holds"), error) == (1, "The journal does not hold: a.")
    gone = two[1].pk
    two[1].delete()
    assert f"project-{gone} " in verify()[0]


def test_the_command_misses_the_triggers(two):
    with lifted():
        out, error = verify()
        assert out.count("holds") == 2
        assert "does not refuse changes" in error
        append_only.put(append_only.ENTRIES)
        assert verify()[1] == ""


@pytest.mark.parametrize(
    "text", ["", "1", "0:" + "0" * 64, "1:" + "g" * 64, "٣:" + "0" * 64, "1:" + "0" * 63, "9" * 40 + ":0"]
)
def test_what_is_no_head_is_refused(two, text):
    with pytest.raises(CommandError, match="is no head"):
        call_command("verify_journal", "a", f"--expect={text}")


def test_a_head_needs_its_project(two):
    assert "needs the SLUG" in verify("--expect", "1:" + "0" * 64)[1]
    assert "no project 'c'" in verify("c")[1]
