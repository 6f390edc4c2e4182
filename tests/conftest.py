"""Fixtures that tests of several rooms share."""

from dataclasses import dataclass

import pytest

from patreview.analyses.services import Submitted
from patreview.catalogue.models import Platform
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
