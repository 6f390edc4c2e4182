"""Rows by the thousands: one real row, copied by the database itself."""

from collections.abc import Mapping

from django.db import connection, models

from patreview.analyses.models import Finding, Run
from patreview.submissions.models import Revision, Submission


def copy_rows(model: type[models.Model], pk: int, span: range, changed: Mapping[str, str]) -> None:
    """Copies of one row, in SQL; `i` counts through the span in what is changed."""
    table = model._meta.db_table
    columns = [field.column for field in model._meta.concrete_fields]
    series = f"SELECT generate_series({span.start}, {span.stop - 1}) AS i"
    if connection.vendor == "sqlite":
        counting = f"VALUES ({span.start}) UNION ALL SELECT i + 1 FROM n LIMIT {len(span)}"
        series = f"WITH RECURSIVE n(i) AS ({counting}) SELECT i FROM n"
    values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    source = f'({series}) AS n, "{table}" WHERE id = {pk}'
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT {values} FROM {source}')


def copy_submission(real: Submission, span: range, changed: Mapping[str, str]) -> None:
    """Copies of a submission with its one revision and its one run; the report stays with the real one.

    They refer to each other; databases look at that when the transaction ends.
    """
    submission, revision, run = (f"{number} + i" for number in (real.pk, real.current_id, real.standing_run))
    copy_rows(Run, real.standing_run or 0, span, {"id": run, "revision_id": revision})
    copy_rows(Revision, real.current_id or 0, span, {"id": revision, "submission_id": submission})
    copy_rows(Submission, real.pk, span, {"id": submission, "current_id": revision, "standing_run": run} | changed)


def copy_finding(real: Finding, span: range, changed: Mapping[str, str], *, first_pk: int) -> None:
    """Copies of a finding, one for each run that copy_submission() made."""
    copy_rows(Finding, real.pk, span, {"id": f"{first_pk} + i", "run_id": f"{real.run_id} + i"} | changed)
