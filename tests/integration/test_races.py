"""Requests at the same time, on real connections: each rule holds whichever comes first."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from patreview.analyses import runner
from patreview.analyses.models import Report, Run
from patreview.journal.services import first_broken
from patreview.projects.errors import Conflict, Refused
from patreview.projects.invitations import accept as accept_invitation
from patreview.projects.invitations import invite, join
from patreview.projects.members import put_member, remove_member
from patreview.projects.models import Membership, Role, Token
from patreview.projects.services import create_token
from patreview.reviews.models import Vote
from patreview.reviews.services import adopt, vote
from patreview.submissions.models import Revision, Submission
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)
SIDE_BY_SIDE = 8


@pytest.fixture
def project():
    return make.make_project()


@pytest.fixture
def platform(project):
    return make.make_platform(project)


def side_by_side(*acts):
    """Run acts in threads that start together; what each returned or raised."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        barrier.wait()
        try:
            return act()
        except Refused as exc:
            return exc
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_one_key_is_one_submission(project, platform):
    by = make.make_member(project)
    act = lambda: make.make_layout_submission(platform, by, external_key="ci")  # noqa: E731
    results = side_by_side(*[act] * SIDE_BY_SIDE)
    assert sum(result.created for result in results) == 1
    assert (Submission.objects.count(), Revision.objects.count(), Run.objects.count()) == (1, 1, 1)
    assert first_broken(project.pk) is None


def test_one_key_with_different_contents_is_one_submission(project, platform):
    by = make.make_member(project)
    layouts = [
        f"WB WT UC- UC WC WP {sixth} {seventh}" for sixth in ("UC", "UC-", "WT") for seventh in ("UC", "UC-", "WP")
    ]
    acts = [
        lambda text=text: make.make_layout_submission(platform, by, layout=text, external_key="ci") for text in layouts
    ]
    results = side_by_side(*acts[:SIDE_BY_SIDE])
    assert all(result.created for result in results)
    numbers = sorted(Revision.objects.values_list("number", flat=True))
    assert (Submission.objects.count(), numbers) == (1, list(range(1, SIDE_BY_SIDE + 1)))


def test_what_is_adopted_at_once_fits_together(project, platform):
    """A layout and a guest that exclude each other, each right by what is in service: only one comes in."""
    by, reviewer = make.make_member(project), make.make_member(project, Role.REVIEWER)
    maintainer = make.make_member(project, Role.MAINTAINER)
    suse = {"family": "suse-xenlinux", "release": "2.6.32", "role": "dom0"}
    pair = (
        make.make_guest_submission(project, by, **suse),
        make.make_layout_submission(platform, by, layout=make.LINUX),
    )
    for submitted in pair:
        make.execute(submitted.run)
        vote(submitted.revision, "approve", by=reviewer)
    results = side_by_side(
        *[lambda one=one: adopt(one.revision, by=maintainer, digest=one.revision.digest) for one in pair]
    )
    assert [result.code for result in results if isinstance(result, Conflict)] == ["gate"]


def test_a_run_is_claimed_once(project, platform):
    run = make.make_layout_submission(platform, make.make_member(project)).run
    side_by_side(*[lambda: runner.execute(run.pk)] * SIDE_BY_SIDE)
    run.refresh_from_db()
    assert (run.state, run.claims, Report.objects.count()) == ("completed", 1, 1)


def test_one_person_has_one_vote(project, platform):
    submitted = make.make_layout_submission(platform, make.make_member(project))
    make.execute(submitted.run)
    reviewer = make.make_member(project, Role.REVIEWER)
    values = ["approve", "nits", "block", "comment"] * 2
    side_by_side(*[lambda value=value: vote(submitted.revision, value, by=reviewer) for value in values])
    assert Vote.objects.count() == 1
    assert first_broken(project.pk) is None


def test_adopting_happens_once(project, platform):
    submitted = make.make_layout_submission(platform, make.make_member(project))
    make.execute(submitted.run)
    vote(submitted.revision, "approve", by=make.make_member(project, Role.REVIEWER))
    maintainer = make.make_member(project, Role.MAINTAINER)
    digest = submitted.revision.digest
    results = side_by_side(*[lambda: adopt(submitted.revision, by=maintainer, digest=digest)] * 4)
    assert sorted(result.code for result in results if isinstance(result, Conflict)) == ["not_open"] * 3


def test_a_vote_and_a_new_revision_come_one_after_the_other(project, platform):
    by = make.make_member(project)
    submitted = make.make_layout_submission(platform, by)
    make.execute(submitted.run)
    reviewer = make.make_member(project, Role.REVIEWER)
    voted, added = side_by_side(
        lambda: vote(submitted.revision, "approve", by=reviewer),
        lambda: make.make_layout_submission(platform, by, layout=make.LINUX, submission=submitted.submission),
    )
    assert added.revision.number == 2
    if isinstance(voted, Conflict):
        assert (voted.code, Vote.objects.count()) == ("outdated", 0)
    else:
        assert Vote.objects.get().revision == submitted.revision


@pytest.mark.parametrize("act", ["remove each other", "leave", "demote each other", "demote themselves"])
def test_one_maintainer_always_stays(project, act):
    first, second = (make.make_member(project, Role.MAINTAINER) for _ in range(2))
    pairs = [(first, second), (second, first)]
    acts = {
        "remove each other": lambda by, other: remove_member(project, other.name, by=by),
        "leave": lambda by, other: remove_member(project, by.name, by=by),
        "demote each other": lambda by, other: put_member(project, other.name, Role.VIEWER, by=by),
        "demote themselves": lambda by, other: put_member(project, by.name, Role.VIEWER, by=by),
    }
    results = side_by_side(*[lambda pair=pair: acts[act](*pair) for pair in pairs])
    assert sum(isinstance(result, Refused) for result in results) == 1
    assert Membership.objects.filter(project=project, role=Role.MAINTAINER).count() == 1
    assert first_broken(project.pk) is None


def test_a_link_makes_one_person_a_member(project):
    secret = invite(project, Role.VIEWER, by=make.make_member(project, Role.MAINTAINER)).secret
    people = [make.make_principal() for _ in range(SIDE_BY_SIDE // 2)]
    known = [lambda by=by: accept_invitation(secret, by=by) for by in people]
    new = [lambda n=n: join(secret, name=f"new{n}", password=make.PASSWORD) for n in range(SIDE_BY_SIDE // 2)]
    results = side_by_side(*known, *new)
    assert sorted(result.code for result in results if isinstance(result, Refused)) == ["used"] * (SIDE_BY_SIDE - 1)
    assert Membership.objects.filter(project=project).count() == 2
    assert first_broken(project.pk) is None


def test_one_who_is_removed_meanwhile_keeps_no_live_token(project):
    maintainer, leaver = make.make_member(project, Role.MAINTAINER), make.make_member(project)
    make_one = lambda: create_token(project, name="x", scopes=["read"], by=leaver)  # noqa: E731
    side_by_side(*[make_one] * (SIDE_BY_SIDE - 1), lambda: remove_member(project, leaver.name, by=maintainer))
    assert not Token.objects.filter(revoked_at=None).exists()
