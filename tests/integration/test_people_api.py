"""REST of projects and people: every role at every door, and what is left to one who was removed."""

import threading
import time

import pytest
from django.db import connection
from rest_framework.test import APIClient

from patreview.api import waiting
from patreview.projects.invitations import accept, invite
from patreview.projects.members import put_member, remove_member
from patreview.projects.models import Invitation, Membership, Project, Role, Token
from patreview.projects.principal import Principal
from patreview.projects.queries import role_in
from patreview.projects.services import change_project, create_token, find_token, issue_token
from tests import make

ROOT = "/api/v1/projects"


@pytest.fixture
def admin(db):
    return make.make_admin()


def as_person(principal):
    client = APIClient()
    if principal:
        client.force_login(principal.user)
    return client


def as_token(text):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def token_text(principal, project, scopes=("read", "submit", "review")):
    return issue_token(project, principal.user, name="t", scopes=list(scopes), by="tests").text


def callers(team, admin):
    elsewhere = make.make_project()
    return {
        "anonymous": APIClient(),
        "outsider": as_person(team.outsider),
        "viewer": as_person(team.viewer),
        "submitter": as_person(team.submitter),
        "reviewer": as_person(team.reviewer),
        "maintainer": as_person(team.maintainer),
        "admin": as_person(admin),
        "token of every scope": as_token(token_text(team.maintainer, team.project)),
        "token that submits": as_token(token_text(team.maintainer, team.project, ["submit"])),
        "token of another project": as_token(make.make_token(elsewhere, Role.MAINTAINER)),
    }


NAMES = (
    "anonymous",
    "outsider",
    "viewer",
    "submitter",
    "reviewer",
    "maintainer",
    "admin",
    "token of every scope",
    "token that submits",
    "token of another project",
)
STRANGERS = {"anonymous": 401, "outsider": 404, "token of another project": 404}
TOKENS = {"token of every scope": 403, "token that submits": 403}
LESSER = dict.fromkeys(("viewer", "submitter", "reviewer"), 403)
# address below the project, method, body, the answer to those whom `refused` does not name, refused
MATRIX = {
    "read the project": ("", "get", None, 200, STRANGERS | {"admin": 404, "token that submits": 404}),
    "read members": ("/members", "get", None, 200, STRANGERS | {"token that submits": 404}),
    "change settings": ("", "patch", {"title": "New"}, 200, STRANGERS | LESSER | TOKENS | {"admin": 403}),
    "change a role": ("/members/VIEWER", "put", {"role": "submitter"}, 200, STRANGERS | LESSER | TOKENS),
    "remove": ("/members/SPARE", "delete", None, 204, STRANGERS | LESSER | TOKENS),
    "read invitations": ("/invitations", "get", None, 200, STRANGERS | LESSER | TOKENS),
    "invite": ("/invitations", "post", {"role": "viewer"}, 201, STRANGERS | LESSER | TOKENS),
    "revoke an invitation": ("/invitations/OPEN", "delete", None, 204, STRANGERS | LESSER | TOKENS),
    "read tokens": ("/tokens", "get", None, 200, STRANGERS | TOKENS | {"admin": 403}),
    "make a token": ("/tokens", "post", {"name": "x", "scopes": ["read"]}, 201, STRANGERS | TOKENS | {"admin": 403}),
    "revoke another's token": (
        "/tokens/KEY",
        "delete",
        None,
        204,
        STRANGERS | TOKENS | {"admin": 403, "viewer": 404, "submitter": 404, "reviewer": 404},
    ),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("row", MATRIX)
def test_matrix(team, admin, row, name):
    path, method, body, done, refused = MATRIX[row]
    spare = make.make_member(team.project)
    issued = create_token(team.project, name="x", scopes=["read"], by=spare)
    link = invite(team.project, Role.VIEWER, by=team.maintainer)
    client = callers(team, admin)[name]
    words = {"VIEWER": team.viewer.name, "SPARE": spare.name, "OPEN": str(link.invitation.pk), "KEY": issued.token.key}
    for word, value in words.items():
        path = path.replace(word, value)
    answer = getattr(client, method)(f"{ROOT}/{team.project.slug}{path}", body, format="json")
    assert answer.status_code == refused.get(name, done)
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        if answer.status_code == 403 and name in TOKENS:
            assert answer.json()["code"] == "person_only"


@pytest.mark.parametrize("name", NAMES)
def test_founding_a_project(team, admin, name):
    body = {"slug": "new", "title": "New", "required_approvals": 2, "join": True}
    answer = callers(team, admin)[name].post(ROOT, body, format="json")
    assert answer.status_code == {"admin": 201, "anonymous": 401}.get(name, 403)
    assert Project.objects.filter(slug="new").exists() is (name == "admin")
    if name == "admin":
        assert answer["Location"] == f"{ROOT}/new"
        assert role_in(admin, Project.objects.get(slug="new")) is Role.MAINTAINER
        assert as_person(admin).post(ROOT, body, format="json").status_code == 409
    elif "token" in name:
        assert answer.json()["code"] == "person_only"


def test_a_token_of_an_administrator_is_none(team, admin):
    put_member(team.project, admin.name, Role.VIEWER, by=admin)
    client = as_token(token_text(admin, team.project))
    assert client.post(ROOT, {"slug": "new", "title": "New"}, format="json").json()["code"] == "person_only"
    private = make.make_project()
    assert client.get(f"{ROOT}/{private.slug}/members").status_code == 404


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("", "patch", {"slug": "other"}),
        ("", "patch", {"catalogue_version": 1}),
        ("", "patch", {"required_approvals": 0}),
        ("", "patch", {"required_approvals": "٣"}),
        ("", "patch", {"required_approvals": 10**30}),
        ("", "patch", {"visibility": "internal"}),
        ("", "patch", {"title": " "}),
        ("", "patch", {"title": "two\nlines"}),
        ("", "patch", {"title": "\u202eturned"}),
        ("", "patch", ["title"]),
        ("/members/VIEWER", "put", {"role": "owner"}),
        ("/members/VIEWER", "put", {}),
        ("/members/VIEWER", "put", {"role": "viewer", "mail": "all"}),
        ("/members/MAINTAINER", "patch", {"mail": "daily"}),
        ("/members?limit=0", "get", None),
        ("/members?before=1", "get", None),
        ("/invitations", "post", {"role": "viewer", "email": "nobody"}),
        ("/invitations", "post", {"role": "viewer", "note": "x" * 501}),
        ("/invitations", "post", {"email": "a@example.org"}),
        ("/tokens", "post", {"name": "x", "scopes": []}),
        ("/tokens", "post", {"name": "x", "scopes": ["admin"]}),
        ("/tokens", "post", {"name": "x", "scopes": ["read"], "days": 366}),
        ("/tokens", "post", {"name": "", "scopes": ["read"]}),
        ("/tokens", "post", {"name": "x", "scopes": ["read"], "owner": "jo"}),
    ],
)
def test_what_cannot_be_taken(team, path, method, body):
    path = path.replace("VIEWER", team.viewer.name).replace("MAINTAINER", team.maintainer.name)
    client = as_person(team.maintainer)
    answer = getattr(client, method)(f"{ROOT}/{team.project.slug}{path}", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request"), answer.content


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/members/nobody", "delete"),
        ("/members/%00", "delete"),
        ("/members/" + "x" * 500, "delete"),
        ("/members/..", "delete"),
        ("/invitations/0", "delete"),
        ("/invitations/99999999999999999999999999", "delete"),
        ("/tokens/none", "delete"),
    ],
)
def test_what_is_not_there(team, path, method):
    answer = getattr(as_person(team.maintainer), method)(f"{ROOT}/{team.project.slug}{path}")
    assert answer.status_code == 404, answer.content


def test_members_by_page(team):
    client, path = as_person(team.viewer), f"{ROOT}/{team.project.slug}/members?limit=3"
    first = client.get(path).json()
    rest = client.get(first["next"]).json()
    names = [row["name"] for row in first["results"] + rest["results"]]
    assert names == sorted(names)
    assert len(names) == 4
    assert rest["next"] is None


def test_the_last_maintainer_stays(team):
    client, path = as_person(team.maintainer), f"{ROOT}/{team.project.slug}/members/{team.maintainer.name}"
    for answer in (client.delete(path), client.put(path, {"role": "viewer"}, format="json")):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_maintainer")


def test_an_invitation_from_link_to_member(team):
    client = as_person(team.maintainer)
    sent = {"role": "reviewer", "email": "ada@example.org", "note": "Hello"}
    made = client.post(f"{ROOT}/{team.project.slug}/invitations", sent, format="json").json()
    assert made["mailed"] is True
    secret = made["link"].rstrip("/").rpartition("/")[2]
    [listed] = client.get(f"{ROOT}/{team.project.slug}/invitations").json()["results"]
    assert secret not in str(listed)
    assert listed.items() <= made.items()
    accept(secret, by=team.outsider)
    assert client.get(f"{ROOT}/{team.project.slug}/invitations").json()["results"] == []
    assert role_in(team.outsider, team.project) is Role.REVIEWER


def test_a_token_is_shown_once_and_works(team):
    client, path = as_person(team.submitter), f"{ROOT}/{team.project.slug}/tokens"
    made = client.post(path, {"name": "ci", "scopes": ["submit", "read"], "days": 7}, format="json").json()
    assert as_token(made["token"]).get("/api/v1/whoami").json()["token"]["name"] == "ci"
    [listed] = client.get(path).json()["results"]
    assert "token" not in listed
    assert made["token"].split("_", 2)[2] not in str(listed)
    assert listed["last_used_at"]
    assert client.delete(f"{path}/{made['key']}").status_code == 204
    assert as_token(made["token"]).get("/api/v1/whoami").status_code == 401
    answer = client.post(path, {"name": "x", "scopes": ["review"]}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "scope_above_role")


def test_mail_is_each_member_s_own_choice(team):
    path = f"{ROOT}/{team.project.slug}/members/{team.viewer.name}"
    assert as_person(team.viewer).patch(path, {"mail": "all"}, format="json").status_code == 204
    assert Membership.objects.get(user=team.viewer.user).mail == "all"
    answer = as_person(team.maintainer).patch(path, {"mail": "none"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "own_only")


# One who is removed


def doors(team, submitted):
    """Every address that a member may read."""
    slug, pk, run = team.project.slug, submitted.submission.pk, submitted.run.pk
    rest = [
        f"projects/{slug}",
        f"projects/{slug}/members",
        f"projects/{slug}/submissions",
        f"submissions/{pk}",
        f"runs/{run}",
        f"runs/{run}?wait=1",
        f"runs/{run}/findings",
        f"runs/{run}/report",
    ]
    pages = [f"/p/{slug}/", f"/p/{slug}/submissions/", f"/s/{pk}/", f"/s/{pk}/r1/"]
    return [f"/api/v1/{path}" for path in rest], pages


@pytest.mark.parametrize("visibility", ["private", "public"])
@pytest.mark.parametrize("role", ["viewer", "submitter", "reviewer", "maintainer"])
def test_every_door_closes_at_once(team, admin, role, visibility):
    submitted = team.submission()
    change_project(team.project, by=team.maintainer, visibility=visibility)
    leaver = make.make_member(team.project, Role(role))
    person, token = as_person(leaver), as_token(token_text(leaver, team.project))
    rest, pages = doors(team, submitted)
    assert {person.get(path).status_code for path in rest + pages} == {200}
    assert {token.get(path).status_code for path in rest} == {200}
    own = f"/p/{team.project.slug}/settings/"
    assert person.get(own).status_code == 200
    remove_member(team.project, leaver.name, by=admin)
    left = 200 if visibility == "public" else 404
    assert {person.get(path).status_code for path in rest + pages} == {left}
    assert {token.get(path).status_code for path in rest} == {401}
    assert person.get(own).status_code == (403 if visibility == "public" else 404)
    sent = {"kind": "layout", "title": "x", "platform": team.platform.name, "layout": make.HARMLESS}
    slug = team.project.slug
    refused = 403 if visibility == "public" else 404
    assert person.post(f"{ROOT}/{slug}/submissions", sent, format="json").status_code == refused
    assert person.post(f"{ROOT}/{slug}/preview", sent, format="json").status_code == refused
    assert person.post(f"/s/{submitted.submission.pk}/comment/", {"body": "x"}).status_code == refused
    assert person.post(f"/p/{slug}/submit/", {"title": "x"}).status_code == refused
    assert token.post(f"{ROOT}/{slug}/submissions", sent, format="json").status_code == 401


def test_a_token_that_nobody_revoked_is_worth_nothing_without_membership(team):
    text = token_text(team.reviewer, team.project)
    Membership.objects.filter(user=team.reviewer.user).delete()
    assert find_token(text)
    submitted = team.submission()
    rest, _ = doors(team, submitted)
    assert {as_token(text).get(path).status_code for path in rest} == {404}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", ["GET", "POST"])
def test_who_is_removed_while_waiting_hears_no_verdict(db, door, monkeypatch):
    project = make.make_project()
    platform = make.make_platform(project)
    leaver, maintainer = make.make_member(project), make.make_member(project, Role.MAINTAINER)
    submitted = make.make_layout_submission(platform, leaver, external_key="ci")
    client, waits, answers = as_token(token_text(leaver, project)), threading.Event(), []
    polled = waiting._poll

    def poll(run, deadline):
        waits.set()
        return polled(run, deadline)

    monkeypatch.setattr(waiting, "_poll", poll)

    def ask():
        try:
            if door == "GET":
                answers.append(client.get(f"/api/v1/runs/{submitted.run.pk}?wait=30"))
            else:
                sent = {"kind": "layout", "title": "Another layout", "platform": platform.name, "external_key": "ci"}
                sent["layout"] = make.HARMLESS
                path = f"{ROOT}/{project.slug}/submissions"
                answers.append(client.post(path, sent, format="json", HTTP_PREFER="wait=30"))
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    assert waits.wait(30)
    time.sleep(0.05)
    remove_member(project, leaver.name, by=maintainer)
    make.execute(submitted.run)
    thread.join(30)
    assert [answer.status_code for answer in answers] == [404]


def test_nothing_of_a_request_is_left_after_a_refusal(team):
    client = as_person(team.reviewer)
    client.post(f"{ROOT}/{team.project.slug}/invitations", {"role": "maintainer"}, format="json")
    client.put(f"{ROOT}/{team.project.slug}/members/{team.reviewer.name}", {"role": "maintainer"}, format="json")
    assert not Invitation.objects.exists()
    assert not Token.objects.exists()
    assert role_in(Principal(team.reviewer.user), team.project) is Role.REVIEWER
