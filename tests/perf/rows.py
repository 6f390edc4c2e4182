"""A database of a million submissions within a minute: one real one, copied by the database itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from patreview.accounts.models import User
from patreview.projects.models import Project, Role
from patreview.projects.principal import Principal
from patreview.submissions.models import Submission
from tests import make
from tests.copies import copy_rows, copy_submission
from tests.perf.models import Row

OWNERS = 20
FLOOR_ROWS = 10_000


class Stock:
    """A project with one submission that was really judged, and as many copies of it as are asked for."""

    def __init__(self) -> None:
        self.project: Project = make.make_project(slug="stock", title="Stock")
        platform = make.make_platform(self.project)
        for _ in range(5):
            make.make_guest(platform)
        self.owners = [make.make_member(self.project, Role.SUBMITTER) for _ in range(OWNERS)]
        self.reader: Principal = make.make_member(self.project, Role.REVIEWER)
        self.token = make.make_token(self.project)
        submitted = make.make_layout_submission(platform, self.owners[0])
        make.execute(submitted.run)
        self.real = Submission.objects.get(pk=submitted.submission.pk)
        self.revision, self.run = submitted.revision, submitted.run
        self.count = 1

    def grow(self, count: int) -> None:
        """Copy until there are that many. Every tenth is open, every fourth about a guest; verdicts take turns."""
        owner = self.owners[0].user
        assert isinstance(owner, User)
        changed = {
            "owner_id": f"{owner.pk} + i % {OWNERS}",
            "title": "'Layout ' || i",
            "kind": "CASE WHEN i % 4 = 0 THEN 'guest' ELSE 'layout' END",
            "proposed_msr": "CASE WHEN i % 4 = 0 THEN '' ELSE proposed_msr END",
            "state": "CASE WHEN i % 10 = 0 THEN 'open' WHEN i % 3 = 0 THEN 'withdrawn' ELSE 'adopted' END",
            "verdict": "CASE i % 5 WHEN 0 THEN 'compatible' WHEN 1 THEN 'degraded' WHEN 2 THEN 'conditional' "
            "WHEN 3 THEN 'indeterminate' ELSE 'incompatible' END",
        }
        with unchecked(), transaction.atomic():
            copy_submission(self.real, range(self.count, count), changed)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.count = count


def make_floor(stock: Stock) -> None:
    """The floor's table, its rows like those of the list."""
    real = stock.real
    first = Row.objects.create(
        project=stock.project.slug,
        kind=real.kind,
        title=real.title,
        platform="xen-4.17",
        layout=real.proposed_msr,
        owner=real.owner.username,
        state=real.state,
        revision=1,
        run_state=real.run_state,
        verdict=real.verdict,
        created_at=real.created_at,
        url=f"/api/v1/submissions/{real.pk}",
    )
    copy_rows(Row, first.pk, range(1, FLOOR_ROWS), {"id": f"{first.pk} + i", "title": "'Layout ' || i"})


@contextmanager
def unchecked() -> Iterator[None]:
    """Copies of a row refer to what that row refers to: checking a million of them would take longer than all else."""
    off, on = ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON")
    if connection.vendor == "postgresql":
        off, on = "SET session_replication_role = replica", "SET session_replication_role = DEFAULT"
    with connection.cursor() as cursor:
        cursor.execute(off)
        yield
        cursor.execute(on)
