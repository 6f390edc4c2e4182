"""Signing in, people, members and tokens, and the commands that make them."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import RequestFactory
from django.utils import timezone

from patreview.accounts.models import SignInGuesses, User
from patreview.accounts.services import TooManyAttempts, client_address, create_person, sign_in
from patreview.projects.errors import Conflict, NotFound
from patreview.projects.models import Membership, Project, Role, Token
from patreview.projects.principal import Principal
from patreview.projects.queries import members_of, role_in, visible_projects
from patreview.projects.services import create_project, find_token, issue_token
from tests import make


@pytest.fixture
def request_from():
    def make_request(address="192.0.2.1"):
        request = RequestFactory().post("/login/", REMOTE_ADDR=address)
        request.session = SessionStore()
        return request

    return make_request


def test_sign_in(db, request_from, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    make.make_user("ada")
    request = request_from()
    assert sign_in(request, "ada", "wrong") is None
    user = sign_in(request, "ada", make.PASSWORD)
    assert user == get_user(request)
    assert user.password.startswith("argon2")
    assert SignInGuesses.objects.count() == 1, "a right password clears the name's count, the address's stays"


def test_guessing_is_slowed(db, request_from, settings):
    make.make_user("ada")
    for _ in range(settings.SIGN_IN_GUESSES + 1):
        if SignInGuesses.objects.filter(count__gte=settings.SIGN_IN_GUESSES).exists():
            break
        assert sign_in(request_from(), "ada", "guess") is None
    with pytest.raises(TooManyAttempts) as refused:
        sign_in(request_from(), "ADA", make.PASSWORD)
    assert 0 < refused.value.retry_after_s <= settings.SIGN_IN_WINDOW_S
    assert sign_in(request_from("192.0.2.2"), "ada", make.PASSWORD), "another address is not shut out"
    SignInGuesses.objects.update(since=timezone.now() - timedelta(seconds=settings.SIGN_IN_WINDOW_S + 1))
    assert sign_in(request_from(), "ada", make.PASSWORD)


def test_spraying_names_from_one_address_is_slowed(db, request_from, settings):
    settings.SIGN_IN_GUESSES_AN_ADDRESS = 3
    for name in ("ada", "bob", "eve"):
        assert sign_in(request_from(), name, "guess") is None
    with pytest.raises(TooManyAttempts):
        sign_in(request_from(), "mia", "guess")


def test_one_name_does_not_shut_out_its_address(db, request_from, settings):
    settings.SIGN_IN_GUESSES_AN_ADDRESS = settings.SIGN_IN_GUESSES + 1
    make.make_user("ada")
    make.make_user("bob")
    for _ in range(settings.SIGN_IN_GUESSES):
        assert sign_in(request_from(), "ada", "guess") is None
    for _ in range(5):
        with pytest.raises(TooManyAttempts):
            sign_in(request_from(), "ada", "guess")
    for _ in range(3):
        assert sign_in(request_from(), "bob", make.PASSWORD), "neither refused guesses nor right passwords count"


def test_old_counts_are_swept(db, request_from):
    sign_in(request_from(), "ada", "guess")
    SignInGuesses.objects.update(since=timezone.now() - timedelta(days=1))
    sign_in(request_from("192.0.2.9"), "bob", "guess")
    assert SignInGuesses.objects.count() == 2


def test_the_address_behind_a_proxy(request_from, settings):
    request = request_from("192.0.2.1")
    request.META["HTTP_X_FORWARDED_FOR"] = "6.6.6.6, 203.0.113.7"
    assert client_address(request) == "192.0.2.1", "anybody can send the header"
    settings.BEHIND_PROXY = True
    assert client_address(request) == "203.0.113.7"


@pytest.mark.parametrize(("name", "password"), [("x" * 151, "y"), ("x", "y" * 4097), ("x\0", "y"), ("x", "\0")])
def test_absurd_credentials_cost_nothing(db, request_from, name, password):
    assert sign_in(request_from(), name, password) is None
    assert not SignInGuesses.objects.exists()


def test_people(db):
    assert create_person("ada", password=make.PASSWORD) == create_person("ada", password="ignored")
    assert not create_person("without-password").has_usable_password()
    for name, password in (("eve", "short"), ("eve", "password1234"), ("no spaces allowed", None)):
        with pytest.raises(ValidationError):
            create_person(name, password=password)


def test_a_slug_is_taken_once(db):
    make.make_project(slug="xen")
    with pytest.raises(Conflict):
        create_project("xen", title="again", by="tests")
    with pytest.raises(ValidationError):
        create_project("not a slug", title="x", by="tests")
    assert Project.objects.count() == 1


def test_visibility(db):
    private, public = make.make_project(slug="private"), make.make_project(slug="public", visibility="public")
    member = make.make_member(private)
    from django.contrib.auth.models import AnonymousUser

    nobody, stranger = Principal(AnonymousUser()), Principal(make.make_user())
    assert list(visible_projects(nobody)) == list(visible_projects(stranger)) == [public]
    assert list(visible_projects(member)) == [private, public]
    assert (role_in(nobody, public), role_in(stranger, public), role_in(member, private)) == (None, None, "submitter")
    assert [m.user for m in members_of(private)] == [member.user]


def test_one_who_leaves_loses_everything(team):
    token = issue_token(team.project, team.submitter.user, name="x", scopes=["read"], by="tests").text
    Membership.objects.filter(user=team.submitter.user).delete()
    principal = Principal(team.submitter.user, find_token(token))
    assert not visible_projects(team.submitter).exists()
    assert not visible_projects(principal).exists()


def test_tokens_are_kept_as_hashes_and_found_again(team):
    issued = issue_token(team.project, team.submitter.user, name="ci", scopes=["submit", "read"], by="tests")
    assert issued.text.startswith(f"prt_{issued.token.key}_")
    assert issued.text.split("_", 2)[2] not in str(Token.objects.values().get())
    assert find_token(issued.text) == issued.token
    assert Token.objects.get().last_used_at is not None
    find_token(issued.text)
    assert find_token(issued.text + "x") is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"scopes": ["root"]}, Conflict), ({"scopes": []}, Conflict), ({"days": 0}, Conflict), ({"days": 366}, Conflict)],
)
def test_tokens_that_are_not_issued(team, changes, error):
    with pytest.raises(error):
        issue_token(team.project, team.submitter.user, **({"name": "x", "scopes": ["read"], "by": "t"} | changes))
    with pytest.raises(NotFound):
        issue_token(team.project, team.outsider.user, name="x", scopes=["read"], by="tests")


def test_the_commands_of_a_first_project(db):
    call_command("create_project", "xen", title="Xen", stderr=StringIO())
    call_command("create_member", "xen", "ada", role="maintainer", password=make.PASSWORD, stderr=StringIO())
    said = StringIO()
    call_command("create_platform", "xen", "xen-4.19", release="4.19", stderr=said)
    assert "xen-4.19 is Xen 4.19 with WB WT UC- UC WC WP UC UC." in said.getvalue()
    out = StringIO()
    call_command("create_token", "xen", user="ada", name="ci", stdout=out)
    token = find_token(out.getvalue().strip())
    assert token is not None
    assert token.scopes == ["read", "submit"]
    assert role_in(Principal(User.objects.get()), Project.objects.get()) == Role.MAINTAINER


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        (["create_project", "xen"], {"title": "again"}, "already"),
        (["create_project", "b c"], {"title": "x"}, "slug"),
        (["create_project", "new"], {"title": "x", "approvals": 0}, "greater than or equal to 1"),
        (["create_member", "none", "ada"], {"role": "viewer"}, "no project"),
        (["create_member", "xen", "eve"], {"role": "viewer", "password": "short"}, "too short"),
        (["create_platform", "none", "x"], {"release": "4.19"}, "no project"),
        (["create_platform", "xen", "x"], {"release": "2.9"}, "2.9"),
        (["create_platform", "xen", "x"], {"release": "4.19", "layout": "WB"}, "eight|8"),
        (["create_platform", "xen", "a b"], {"release": "4.19"}, "valid"),
        (["create_token", "none"], {"user": "ada", "name": "x"}, "no project"),
        (["create_token", "xen"], {"user": "nobody", "name": "x"}, "no user"),
        (["create_token", "xen"], {"user": "ada", "name": "x"}, "no member"),
    ],
)
def test_commands_say_what_is_wrong(db, command, options, words):
    make.make_project(slug="xen")
    make.make_user("ada")
    with pytest.raises(CommandError, match=words):
        call_command(*command, **options, stderr=StringIO())


def test_a_known_person_keeps_their_password(db):
    make.make_project(slug="xen")
    user = make.make_user("ada")
    said = StringIO()
    call_command("create_member", "xen", "ada", role="viewer", password="another long password", stderr=said)
    assert "password is as it was" in said.getvalue()
    user.refresh_from_db()
    assert user.check_password(make.PASSWORD)


def test_a_password_is_asked_for_on_a_terminal(db, monkeypatch):
    make.make_project(slug="xen")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("patreview.projects.management.commands.create_member.getpass", lambda prompt: make.PASSWORD)
    call_command("create_member", "xen", "ada", role="viewer", stderr=StringIO())
    assert User.objects.get().check_password(make.PASSWORD)


def test_a_command_where_nothing_was_set_up_says_what_to_do(db, monkeypatch):
    def fail(*args, **fields):
        raise DatabaseError("no such table: projects_project")

    monkeypatch.setattr("patreview.projects.management.commands.create_project.create_project", fail)
    with pytest.raises(CommandError, match="make run"):
        call_command("create_project", "xen", title="x", stderr=StringIO())
