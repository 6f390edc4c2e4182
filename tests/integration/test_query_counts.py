"""The number of SQL statements of an answer does not grow with the rows it shows."""

import pytest

from tests import make


def count(django_assert_max_num_queries, call):
    with django_assert_max_num_queries(100) as captured:
        assert call().status_code == 200
    return len(captured)


@pytest.mark.parametrize("door", ["api/v1/projects/{slug}/submissions", "p/{slug}/submissions/", "p/{slug}/", ""])
def test_lists(team, client, django_assert_max_num_queries, door):
    client.force_login(team.submitter.user)
    path = f"/{door.format(slug=team.project.slug)}"
    team.submission()
    client.get(path)
    one = count(django_assert_max_num_queries, lambda: client.get(path))
    for index in range(20):
        make.make_layout_submission(team.platform, make.make_member(team.project), title=str(index))
        make.make_guest(make.make_platform(team.project, name=f"xen{index}"))
    client.get(path)  # where the project stands is found out once a change, and remembered
    assert count(django_assert_max_num_queries, lambda: client.get(path)) == one


@pytest.mark.parametrize("door", ["api/v1/submissions/{pk}", "s/{pk}/"])
def test_a_submission(team, client, django_assert_max_num_queries, door):
    from patreview.reviews.discussion import say
    from patreview.reviews.services import vote

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
