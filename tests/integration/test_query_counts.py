"""The number of SQL statements of an answer does not grow with the rows it shows."""

import pytest

from patreview.analyses.models import Finding
from patreview.reviews.discussion import say
from patreview.reviews.models import Thread, Vote
from patreview.reviews.services import vote
from tests import make
from tests.copies import copy_finding, copy_rows, copy_submission


def count(django_assert_max_num_queries, call):
    with django_assert_max_num_queries(100) as captured:
        assert call().status_code == 200
    return len(captured)


LISTS = {
    # the address, and how many statements it may take at most
    "api/v1/projects/{slug}/submissions?limit=200": 4,
    "api/v1/projects/{slug}/findings?limit=200": 6,
    "api/v1/runs/{run}/findings": 6,
    "p/{slug}/submissions/?limit=200": 7,
    "p/{slug}/submissions/?limit=200&state=open&verdict=compatible&owner={owner}&platform=xen-4.17": 7,
    "p/{slug}/findings/?limit=200": 7,
    "p/{slug}/": 12,
    "": 20,
}


def more_of(submitted, first, last):
    """As many submissions with a vote, an open thread and two findings each; as many findings in the first's report."""
    span = range(first, last)
    copy_submission(submitted.submission, span, {"title": "'Layout ' || i"})
    of_each = {"revision_id": "revision_id + i"}
    copy_rows(Vote, Vote.objects.order_by("pk").first().pk, span, {"id": "id + i"} | of_each)
    thread = Thread.objects.order_by("pk").first()
    copy_rows(Thread, thread.pk, span, {"id": "id + i", "submission_id": "submission_id + i"})
    found = Finding.objects.filter(run=submitted.run).order_by("position").first()
    copy_finding(found, span, {}, first_pk=100_000)
    copy_rows(Finding, found.pk, span, {"id": "200000 + i", "position": "1000 + i"})


def test_lists(team, client, django_assert_max_num_queries):
    client.force_login(team.submitter.user)
    submitted = team.submission()
    vote(submitted.revision, "request_changes", by=team.reviewer, body="why?")
    say(submitted.revision, "really?", by=team.reviewer, asks=True)
    known = {"slug": team.project.slug, "run": submitted.run.pk, "owner": team.submitter.name}
    paths = {f"/{door.format(**known)}": at_most for door, at_most in LISTS.items()}
    taken = {path: [] for path in paths}
    for first, last in ((1, 1), (1, 100), (100, 250)):
        more_of(submitted, first, last)
        for path, counts in taken.items():
            client.get(path)
            counts.append(count(django_assert_max_num_queries, lambda path=path: client.get(path)))
    assert {path: len(set(counts)) for path, counts in taken.items()} == dict.fromkeys(paths, 1)
    assert not {path: counts for path, counts in taken.items() if counts[0] > paths[path]}


def test_a_project_with_much_in_service(team, client, django_assert_max_num_queries):
    client.force_login(team.submitter.user)
    team.submission()
    paths = (f"/p/{team.project.slug}/", "/")
    for path in paths:
        client.get(path)
    one = [count(django_assert_max_num_queries, lambda path=path: client.get(path)) for path in paths]
    for index in range(20):
        make.make_guest(make.make_platform(team.project, name=f"xen{index}"))
    for path in paths:
        client.get(path)  # where the project stands is found out once a change, and remembered
    assert [count(django_assert_max_num_queries, lambda path=path: client.get(path)) for path in paths] == one


def test_what_a_pipeline_asks(team, django_assert_max_num_queries, client):
    submitted = team.submission()
    headers = {"Authorization": f"Bearer {make.make_token(team.project)}"}
    asked = {f"/api/v1/runs/{submitted.run.pk}": 2, f"/api/v1/projects/{team.project.slug}/submissions": 2}
    for path, at_most in asked.items():
        client.get(path, headers=headers)  # the first notes that the token was used
        call = lambda path=path: client.get(path, headers=headers)  # noqa: E731
        assert count(django_assert_max_num_queries, call) <= at_most, path


@pytest.mark.parametrize("door", ["api/v1/submissions/{pk}", "s/{pk}/"])
def test_a_submission(team, client, django_assert_max_num_queries, door):
    client.force_login(team.submitter.user)
    submitted = team.submission()
    path = f"/{door.format(pk=submitted.submission.pk)}"
    vote(submitted.revision, "approve", by=team.reviewer)
    say(submitted.revision, "first", by=team.submitter)
    make.make_guest(team.platform, release="5.15")  # so that the report may be stale before and after
    client.get(path)
    one = count(django_assert_max_num_queries, lambda: client.get(path))
    for index in range(10):
        author = make.make_member(team.project, "reviewer")
        say(submitted.revision, str(index), by=author)
        vote(submitted.revision, "nits", by=author)
        make.make_guest(team.platform, release="5.15")
    assert count(django_assert_max_num_queries, lambda: client.get(path)) == one


@pytest.mark.parametrize(
    "door",
    [
        "p/{slug}/settings/",
        "account/",
        "projects/",
        "api/v1/projects/{slug}/members",
        "api/v1/projects/{slug}/invitations",
        "api/v1/projects/{slug}/tokens",
    ],
)
def test_people(team, client, django_assert_max_num_queries, door):
    from patreview.accounts.models import User
    from patreview.projects.invitations import invite
    from patreview.projects.members import set_member
    from patreview.projects.services import create_token

    User.objects.filter(pk=team.maintainer.user.pk).update(is_superuser=True)
    client.force_login(team.maintainer.user)
    path = f"/{door.format(slug=team.project.slug)}"

    def more():
        create_token(team.project, name="x", scopes=["read"], by=team.maintainer)
        create_token(team.project, name="x", scopes=["read"], by=make.make_member(team.project))
        invite(team.project, "viewer", by=team.maintainer)
        set_member(make.make_project(), team.maintainer.user, "viewer", by="tests")

    more()
    client.get(path)
    one = count(django_assert_max_num_queries, lambda: client.get(path))
    for _ in range(20):
        more()
    assert count(django_assert_max_num_queries, lambda: client.get(path)) == one
    assert one <= 12
