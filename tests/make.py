"""Rows for tests, made through the services that the product uses. Every call makes rows of its own."""

from itertools import count
from typing import Any

from patreview import engine
from patreview.accounts.models import User
from patreview.analyses import runner
from patreview.analyses.models import Run
from patreview.analyses.services import Submitted, submit
from patreview.catalogue.models import Guest, Platform
from patreview.catalogue.services import add_platform, know_layout, put_guest_in_service
from patreview.projects.members import set_member
from patreview.projects.models import Project, Role
from patreview.projects.principal import Principal
from patreview.projects.services import create_project, issue_token
from patreview.submissions.services import Proposal

XEN = "0x0000050100070406"
LINUX = "0x0407050600070106"
# Xen's layout with PA6 = UC- instead of UC: nobody relies on that entry.
HARMLESS = "WB WT UC- UC WC WP UC- UC"
PASSWORD = "a long enough password"

_serial = count(1)


def make_user(name: str = "") -> User:
    return User.objects.create_user(name or f"user{next(_serial)}", password=PASSWORD)


def make_project(**fields: Any) -> Project:
    slug = fields.pop("slug", f"project{next(_serial)}")
    return create_project(slug, title=fields.pop("title", slug.title()), by="tests", **fields)


def make_member(project: Project, role: Role = Role.SUBMITTER, name: str = "") -> Principal:
    user = make_user(name)
    set_member(project, user, role, by="tests")
    return Principal(user)


def make_principal() -> Principal:
    """A person who is in no project."""
    return Principal(make_user())


def make_admin(name: str = "") -> Principal:
    """An administrator of the site, member of nothing."""
    return Principal(User.objects.create_superuser(name or f"admin{next(_serial)}", password=PASSWORD))


def make_token(project: Project, role: Role = Role.SUBMITTER, scopes: tuple[str, ...] = ("read", "submit")) -> str:
    """The text of a token of a member made for it."""
    owner = make_member(project, role).user
    assert isinstance(owner, User)
    return issue_token(project, owner, name="tests", scopes=list(scopes), by="tests").text


def make_platform(project: Project, name: str = "xen-4.17", release: str = "4.17", layout: str = XEN) -> Platform:
    return add_platform(project, name, release=release, layout=know_layout(project, layout), by="tests")


def make_guest(platform: Platform, **stated: Any) -> Guest:
    """A Linux 6.12 dom0 unless stated otherwise."""
    facts = {"family": "linux", "release": "6.12.117", "mode": "pv", "role": "dom0", "devices": True} | stated
    facts.setdefault("name", f"guest{next(_serial)}")
    return put_guest_in_service(platform.project, engine.read_guest(facts, [], by="tests"), [platform], by="tests")


def make_layout_submission(platform: Platform, by: Principal, layout: str = HARMLESS, **fields: Any) -> Submitted:
    submission = fields.pop("submission", None)
    fields = {"title": "Another layout"} | fields
    proposal = Proposal(kind="layout", platform=platform, layout=layout, **fields)
    return submit(platform.project, proposal, by=by, submission=submission)


def make_guest_submission(project: Project, by: Principal, **stated: Any) -> Submitted:
    guest = {"name": "new", "family": "linux", "release": "6.12.117", "mode": "pv", "role": "dom0", "devices": True}
    return submit(project, Proposal(kind="guest", title="A kernel", guest=guest | stated), by=by)


def execute(run: Run) -> Run:
    """Let the runner compute a run here and now, as a worker would."""
    runner.execute(run.pk)
    run.refresh_from_db()
    return run
