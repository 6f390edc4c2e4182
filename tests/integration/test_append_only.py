"""What is written down stays: the database refuses to change or delete journal entries and stored reports."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from patreview.analyses.models import Report, Run
from patreview.journal import append_only
from patreview.journal.models import Entry
from tests.conftest import lifted

ENTRY_COLUMNS = [field.column for field in Entry._meta.fields]


def refused(act):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        act()


@pytest.mark.parametrize("table", [append_only.ENTRIES, append_only.REPORTS], ids=lambda one: one.table)
def test_every_trigger_is_there_after_all_migrations(db, table):
    """If this fails on SQLite, a later migration built the table anew: repeat append_only.operation() after it."""
    assert append_only.missing(table) == []


@pytest.mark.parametrize("column", ENTRY_COLUMNS)
def test_no_column_of_an_entry_changes(team, column):
    refused(lambda: Entry.objects.filter(seq=2).update(**{column: F(column)}))


@pytest.mark.parametrize("column", ["run_id", "digest", "body", "scenario"])
def test_no_column_of_a_report_changes(team, column):
    team.submission()
    refused(lambda: Report.objects.update(**{column: F(column)}))


def test_nothing_is_deleted(team):
    run = team.submission().run
    refused(lambda: Entry.objects.filter(seq=2).delete())
    refused(lambda: Report.objects.all().delete())
    refused(lambda: Run.objects.filter(pk=run.pk).delete())
    refused(lambda: Report.objects.all()._raw_delete("default"))
    assert Report.objects.filter(run=run).exists()


def test_a_row_keeps_to_its_model(team):
    team.submission()
    for row in (Entry.objects.first(), Report.objects.first()):
        refused(row.save)
        refused(row.delete)


@pytest.mark.parametrize("pragma", ["ON", "OFF"])
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no INSERT OR REPLACE")
def test_a_row_is_not_replaced_on_sqlite(team, pragma):
    team.submission()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers")
        assert cursor.fetchone() == (1,)
        cursor.execute(f"PRAGMA recursive_triggers={pragma}")
        for table in ("journal_entry", "analyses_report"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            before = cursor.fetchone()
            refused(lambda: cursor.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1"))  # noqa: B023
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == before
        cursor.execute("PRAGMA recursive_triggers=ON")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
@pytest.mark.parametrize("table", ["journal_entry", "analyses_report"])
def test_a_table_is_not_emptied_on_postgresql(team, table):
    refused(lambda: connection.cursor().execute(f"TRUNCATE {table}"))


def test_the_owner_of_the_database_may_lift_them(team):
    """As a migration backwards does; the chain and the digests are for that."""
    with lifted():
        assert append_only.missing(append_only.ENTRIES)
        assert Entry.objects.filter(seq=2).update(actor="forged") == 1
    assert append_only.missing(append_only.ENTRIES) == []


@pytest.mark.django_db(transaction=True)
def test_they_are_there_after_the_tables_were_emptied():
    assert append_only.missing(append_only.ENTRIES) == append_only.missing(append_only.REPORTS) == []
