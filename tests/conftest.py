"""Fixtures that tests of several rooms share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction

from patreview.analyses.services import Submitted
from patreview.catalogue.models import Platform
from patreview.journal import append_only
from patreview.projects.models import Project, Role
from patreview.projects.principal import Principal
from tests import make


@dataclass
class Team:
    """A project with one platform, a dom0, and somebody of each role."""

    project: Project
    platform: Platform
    viewer: Principal
    submitter: Principal
    reviewer: Principal
    maintainer: Principal
    outsider: Principal

    def submission(self, **fields: object) -> Submitted:
        """A layout by the submitter, its run completed."""
        submitted = make.make_layout_submission(self.platform, self.submitter, **fields)
        make.execute(submitted.run)
        submitted.submission.refresh_from_db()
        return submitted


@pytest.fixture
def team(db: None) -> Team:
    project = make.make_project()
    platform = make.make_platform(project)
    make.make_guest(platform, name="dom0")
    return Team(
        project=project,
        platform=platform,
        viewer=make.make_member(project, Role.VIEWER),
        submitter=make.make_member(project, Role.SUBMITTER),
        reviewer=make.make_member(project, Role.REVIEWER),
        maintainer=make.make_member(project, Role.MAINTAINER),
        outsider=Principal(make.make_user()),
    )


@pytest.fixture(autouse=True)
def fast_passwords(settings) -> None:  # type: ignore[no-untyped-def]
    """Argon2 would cost most of the time of the tests; test_sign_in puts it back."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@contextmanager
def lifted() -> Iterator[None]:
    """The database lets journal and reports be changed, as it would for its owner."""
    tables = (append_only.ENTRIES, append_only.REPORTS)
    with transaction.atomic():
        connection.check_constraints()  # PostgreSQL drops no trigger while checks wait for the end of the transaction
        for table in tables:
            append_only.lift(table)
        yield
        connection.check_constraints()
        for table in tables:
            append_only.put(table)


@pytest.fixture(scope="session", autouse=True)
def emptied_between_tests() -> Iterator[None]:
    """Tests with transactions of their own end with every table emptied, which the triggers refuse."""
    kind: Any = type(connection.ops)
    empty = kind.execute_sql_flush

    def execute_sql_flush(self: Any, statements: list[str]) -> None:
        with lifted():
            empty(self, statements)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kind, "execute_sql_flush", execute_sql_flush)
        yield
