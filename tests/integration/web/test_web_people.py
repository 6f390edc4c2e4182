"""Settings, invitations, the account and founding projects in the browser."""

import re

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from patreview.accounts.models import User
from patreview.projects.invitations import invite, revoke_invitation
from patreview.projects.members import remove_member
from patreview.projects.models import Invitation, Membership, Project, Role, Token
from patreview.projects.principal import Principal
from patreview.projects.queries import role_in
from patreview.projects.services import change_project, create_token, find_token
from patreview.submissions.drafts import drafts_of
from patreview.submissions.queries import artifacts_of
from patreview.submissions.services import Proposal, Upload
from tests import make

PASSWORD = "correct horse battery"


@pytest.fixture
def admin(db):
    return make.make_admin()


def browser(principal=None):
    client = Client()
    if principal:
        client.force_login(principal.user)
    return client


def posted(client, address, sent):
    """The page that a form leads to."""
    answer = client.post(address, sent)
    assert answer.status_code == 303
    return client.get(answer["Location"])


def path(team, rest=""):
    return f"/p/{team.project.slug}/settings/{rest}"


POSTS = {
    "about/": {"title": "New", "summary": "", "required_approvals": "2"},
    "visibility/": {"visibility": "public"},
    "members/role/": {"name": "VIEWER", "role": "reviewer"},
    "members/remove/": {"name": "VIEWER"},
    "invitations/": {"role": "viewer", "email": "", "note": ""},
    "invitations/revoke/": {"id": "OPEN"},
    "tokens/": {"name": "ci", "scopes": ["read"], "days": "7"},
    "tokens/revoke/": {"key": "KEY"},
    "mail/": {"mail": "all"},
}
ADMINISTERS = {"members/role/", "members/remove/", "invitations/", "invitations/revoke/"}
OWN = {"tokens/", "mail/"}


def expected(name, act):
    """302 to log in, 404 for strangers, 403 for lesser roles; what is done answers 303, or 200 with a secret."""
    done = 200 if act in {"invitations/", "tokens/"} else 303
    if name in {"anonymous", "outsider"}:
        return {"anonymous": 302, "outsider": 404}[name]
    if name == "admin":
        return done if act in ADMINISTERS else 403
    if name == "maintainer" or act in OWN or (name, act) == ("viewer", "members/remove/"):
        return done
    return 404 if act == "tokens/revoke/" else 403


@pytest.mark.parametrize("name", ["anonymous", "outsider", "viewer", "submitter", "reviewer", "maintainer", "admin"])
@pytest.mark.parametrize("act", POSTS)
def test_who_may_do_what(team, admin, act, name):
    link = invite(team.project, Role.VIEWER, by=team.maintainer)
    spare = make.make_member(team.project)
    token = create_token(team.project, name="x", scopes=["read"], by=spare).token
    words = {"VIEWER": team.viewer.name, "OPEN": str(link.invitation.pk), "KEY": token.key}
    sent = {field: words.get(value, value) if isinstance(value, str) else value for field, value in POSTS[act].items()}
    by = admin if name == "admin" else getattr(team, name, None)
    answer = browser(by).post(path(team, act), sent)
    assert answer.status_code == expected(name, act)
    if answer.status_code == 302:
        assert answer["Location"] == f"/login/?next={path(team)}"


@pytest.mark.parametrize("act", POSTS)
def test_acts_are_posts(team, act):
    assert browser(team.maintainer).get(path(team, act)).status_code == 405


def test_the_settings_show_each_what_they_may_do(team, admin):
    invite(team.project, Role.VIEWER, email="ada@example.org", by=team.maintainer)
    create_token(team.project, name="nightly", scopes=["read"], by=team.submitter)
    seen = {name: browser(getattr(team, name)).get(path(team)).text for name in ("viewer", "submitter", "maintainer")}
    seen["admin"] = browser(admin).get(path(team)).text
    for name, page in seen.items():
        administers = name in {"maintainer", "admin"}
        assert (">Invitations</h2>" in page, "ada@example.org" in page) == (administers, administers)
        assert (">About the project</h2>" in page) is (name == "maintainer")
        assert ("nightly" in page) is (name in {"submitter", "maintainer"})
        assert team.reviewer.name in page
    assert f'href="/p/{team.project.slug}/"' not in seen["admin"], "the navigation leads only where one may go"
    assert browser(team.outsider).get(path(team)).status_code == 404
    assert browser().get(path(team))["Location"] == f"/login/?next={path(team)}"
    change_project(team.project, by=team.maintainer, visibility="public")
    assert browser(team.outsider).get(path(team)).status_code == 403
    assert browser(team.maintainer).get(path(team) + "?page=2").status_code == 400
    assert browser(team.maintainer).get(path(team) + "?after=%00").status_code == 200


def test_members_by_page(team, monkeypatch):
    monkeypatch.setattr("patreview.web.project_settings.PAGE", 3)
    page = browser(team.viewer).get(path(team)).text
    [following] = re.findall(r'href="(\?after=[^"#]+)', page)
    rest = browser(team.viewer).get(path(team) + following).text
    shown = [name in page for name in (p.name for p in (team.viewer, team.submitter, team.reviewer))]
    assert shown == [True] * 3
    assert team.maintainer.name in rest
    assert "More members" not in rest


def test_a_form_that_is_wrong_comes_back_with_what_was_typed(team):
    client = browser(team.maintainer)
    answer = client.post(path(team, "about/"), {"title": "", "summary": "kept", "required_approvals": "99"})
    assert answer.status_code == 422
    assert "kept</textarea>" in answer.text
    assert "less than or equal to 10" in answer.text
    assert 'href="#about"' in answer.text
    answer = client.post(path(team, "tokens/"), {"name": "kept", "days": "7"})
    assert answer.status_code == 422
    assert 'value="kept"' in answer.text
    answer = client.post(path(team, "invitations/"), {"role": "viewer", "email": "kept"})
    assert answer.status_code == 422
    assert 'value="kept"' in answer.text
    for act, sent in (("visibility/", {"visibility": "x"}), ("members/role/", {"name": team.viewer.name, "role": "x"})):
        assert client.post(path(team, act), sent).status_code in {409, 422}
    for sent in ({}, {"id": "x"}, {"id": "9" * 30}):
        assert client.post(path(team, "invitations/revoke/"), sent).status_code == 404
    assert client.post(path(team, "members/remove/"), {"name": "\0"}).status_code == 404


def test_the_last_maintainer_is_told_what_to_do(team):
    answer = browser(team.maintainer).post(path(team, "members/remove/"), {"name": team.maintainer.name})
    assert answer.status_code == 409
    assert "make somebody else maintainer first" in answer.text


def test_leaving_leads_to_the_account(team):
    client = browser(team.viewer)
    answer = posted(client, path(team, "members/remove/"), {"name": team.viewer.name})
    assert answer.request["PATH_INFO"] == "/account/"
    assert "You left" in answer.text
    assert "You are in no project yet" in answer.text
    assert client.get(f"/p/{team.project.slug}/").status_code == 404


def test_who_may_read_it_is_said_before_it_is_changed(team):
    client = browser(team.maintainer)
    page = client.get(path(team)).text
    assert "Everybody reads everything without logging in" in page
    assert "Only members know that the project exists" in page
    assert browser().get(f"/p/{team.project.slug}/").status_code == 404
    client.post(path(team, "visibility/"), {"visibility": "public"})
    assert browser().get(f"/p/{team.project.slug}/").status_code == 200
    client.post(path(team, "visibility/"), {"visibility": "private"})
    assert browser().get(f"/p/{team.project.slug}/").status_code == 404


def test_a_token_is_shown_once(team):
    client = browser(team.submitter)
    shown = client.post(path(team, "tokens/"), {"name": "ci", "scopes": ["read", "submit"], "days": "7"}).text
    [text] = re.findall(r"prt_[0-9a-f]{8}_[\w-]{43}", shown)
    assert find_token(text).owner == team.submitter.user
    for page in (client.get(path(team)).text, client.get("/account/").text):
        assert text not in page
        assert f"prt_{Token.objects.get().key}_…" in page
    answer = client.post(path(team, "tokens/revoke/"), {"key": Token.objects.get().key, "back": "account"})
    assert answer["Location"] == "/account/"
    assert find_token(text) is None


# invitations


def made_link(team, role=Role.SUBMITTER, **fields):
    issued = invite(team.project, role, by=team.maintainer, **fields)
    return f"/invitations/{issued.secret}/"


def test_a_link_is_shown_once_and_mailed(team):
    client = browser(team.maintainer)
    sent = {"role": "reviewer", "email": "ada@example.org", "note": "Hello"}
    shown = client.post(path(team, "invitations/"), sent)
    [link] = re.findall(r"http://testserver(/invitations/[\w-]{43}/)", shown.text)
    assert shown["Cache-Control"] == "no-store"
    assert link in mail.outbox[0].body
    assert "It was mailed to ada@example.org." in shown.text
    assert link not in client.get(path(team)).text
    assert browser().get(link).status_code == 200


def test_the_page_says_what_is_offered_and_nothing_of_the_project(team):
    team.submission(title="A secret proposal")
    change_project(team.project, by=team.maintainer, summary="A secret summary")
    link = made_link(team, note="<b>Hello</b>")
    for client in (browser(), browser(team.outsider)):
        answer = client.get(link)
        page = answer.text
        assert team.project.title in page
        assert team.maintainer.name in page
        assert "&lt;b&gt;Hello" in page
        for secret in ("secret", team.reviewer.name, team.platform.name, "dom0", f"/p/{team.project.slug}"):
            assert secret not in page
        assert answer["Referrer-Policy"] == "strict-origin"
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Robots-Tag"] == "noindex"
        assert not re.findall(r'(?:href|src|action)="https?:', page)


def test_accepting_is_a_post(team):
    link, client = made_link(team), browser(team.outsider)
    assert "Accept</button>" in client.get(link).text
    assert role_in(team.outsider, team.project) is None
    answer = client.post(link)
    assert (answer.status_code, answer["Location"]) == (303, f"/p/{team.project.slug}/")
    assert role_in(team.outsider, team.project) is Role.SUBMITTER
    assert client.get(link)["Location"] == f"/p/{team.project.slug}/", "they are there already"
    assert browser().get(link).status_code == browser(team.viewer).post(link).status_code == 410
    remove_member(team.project, team.outsider.name, by=team.maintainer)
    assert client.get(link).status_code == client.post(link).status_code == 410
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403


def test_an_account_there_and_then(team):
    link, client = made_link(team), browser()
    answer = posted(client, link, {"name": "ada", "password": PASSWORD})
    assert answer.request["PATH_INFO"] == f"/p/{team.project.slug}/"
    assert "Welcome: you are submitter" in answer.text
    assert answer.context["user"].username == "ada"
    assert role_in(Principal(User.objects.get(username="ada")), team.project) is Role.SUBMITTER
    again = browser().post(link, {"name": "bob", "password": PASSWORD})
    assert again.status_code == 410
    assert not User.objects.filter(username="bob").exists()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": "taken", "password": PASSWORD}, "This name is taken"),
        ({"name": "two words", "password": PASSWORD}, "valid username"),
        ({"name": "ada", "password": "short"}, "too short"),
        ({"name": "ada"}, "required"),
        ({"name": "a\0", "password": PASSWORD}, "Null characters"),
    ],
)
def test_accounts_that_are_not_made(team, sent, words):
    make.make_user("taken")
    link = made_link(team)
    answer = browser().post(link, sent)
    assert answer.status_code == 422
    assert words in answer.text
    assert PASSWORD not in answer.text
    assert browser().get(link).status_code == 200


def test_logging_in_leads_back_to_the_invitation(team):
    link = made_link(team)
    page = browser().get(link).text
    assert f'href="/login/?next={link}"' in page
    sent = {"username": team.outsider.name, "password": make.PASSWORD, "next": link}
    assert browser().post("/login/", sent)["Location"] == link


def test_links_that_bring_nothing_stay_good(team):
    link = made_link(team, Role.VIEWER)
    client = browser(team.maintainer)
    assert "stays good for somebody else" in client.get(link).text
    assert client.post(link).status_code == 409
    assert browser(team.outsider).post(link).status_code == 303


def test_links_that_are_over_say_why(team):
    link = made_link(team)
    revoke_invitation(team.project, Invitation.objects.get().pk, by=team.maintainer)
    for answer in (browser().get(link), browser(team.outsider).post(link), browser().post(link, {"name": "x"})):
        assert answer.status_code == 410
        assert "This invitation was revoked." in answer.text
        assert team.project.title not in answer.text
        assert answer["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize("secret", ["x", "x" * 43, "%00", "%ED%A0%80", "é", "x" * 2000])
def test_links_that_never_were(team, secret):
    for answer in (browser().get(f"/invitations/{secret}/"), browser(team.outsider).post(f"/invitations/{secret}/")):
        assert answer.status_code == 404
        assert "There is no such invitation" in answer.text


def test_guessing_is_slowed_and_right_links_are_not(team):
    link = made_link(team)
    for index in range(settings.INVITATION_GUESSES_AN_ADDRESS):
        assert browser().get(f"/invitations/guess{index}/").status_code == 404
    answer = browser().get("/invitations/guess/")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert browser().get(link).status_code == 200


def test_a_secret_is_in_no_log_line(team, caplog):
    from patreview.middleware import _loggable

    assert _loggable("/invitations/abc/") == "/invitations/.../"
    assert _loggable("/invitations/abc/x") == "/invitations/.../x"
    assert _loggable("/p/invitations/x/") == "/p/invitations/x/"


# account, projects of the site


def test_the_account(team):
    client = browser(team.viewer)
    page = client.get("/account/").text
    assert team.project.title in page
    answer = client.post(path(team, "mail/"), {"mail": "none", "back": "account"})
    assert answer["Location"] == "/account/"
    assert Membership.objects.get(user=team.viewer.user).mail == "none"
    assert "Create a project" not in page
    assert browser().get("/account/")["Location"] == "/login/?next=/account/"


def test_where_mail_goes(team):
    client = browser(team.viewer)
    assert client.post("/account/email/", {"email": "v@example.org"}).status_code == 303
    assert 'value="v@example.org"' in client.get("/account/").text
    for wrong in ("nobody", "a@b.c\nBcc: x@y.z", "x" * 300 + "@example.org"):
        assert client.post("/account/email/", {"email": wrong}).status_code == 422
    assert client.post("/account/email/", {"email": ""}).status_code == 303
    assert User.objects.get(pk=team.viewer.user.pk).email == ""


def test_one_without_a_project_sees_what_to_do(db, admin):
    page = browser(Principal(make.make_user())).get("/account/").text
    assert "A maintainer of a project sends you an invitation" in page
    assert "/projects/create/" not in page
    assert "/projects/create/" in browser(admin).get("/account/").text


def test_an_administrator_founds_a_project_and_goes_on_to_its_people(admin):
    client = browser(admin)
    sent = {"slug": "xen", "title": "Xen", "summary": "", "required_approvals": "2", "visibility": "private"}
    assert client.get("/projects/create/").status_code == 200
    answer = posted(client, "/projects/create/", sent)
    assert answer.request["PATH_INFO"] == "/p/xen/settings/"
    assert "Invite the first maintainer below" in answer.text
    assert '<option value="maintainer" selected>' in answer.text
    assert "xen" in client.get("/projects/").text
    assert client.get("/p/xen/").status_code == 404
    assert client.post("/projects/create/", sent).status_code == 409
    for change in ({"slug": "no slug"}, {"title": ""}, {"required_approvals": "0"}, {"visibility": "x"}):
        assert client.post("/projects/create/", sent | {"slug": "other"} | change).status_code == 422
    client.post("/projects/create/", sent | {"slug": "mine", "join": "on"})
    assert client.get("/p/mine/").status_code == 200
    assert Project.objects.count() == 2


@pytest.mark.parametrize("address", ["/projects/", "/projects/create/"])
def test_all_projects_are_for_administrators(team, address):
    assert browser(team.maintainer).get(address).status_code == 403
    assert browser(team.maintainer).post("/projects/create/", {"slug": "x", "title": "x"}).status_code == 403
    assert browser().get(address).status_code == 302
    assert not Project.objects.filter(slug="x").exists()


def test_projects_by_page(admin, monkeypatch):
    monkeypatch.setattr("patreview.web.account.PAGE", 2)
    for slug in ("a", "b", "c"):
        make.make_project(slug=slug)
    page = browser(admin).get("/projects/").text
    assert 'href="?after=b"' in page
    assert "/p/c/" in browser(admin).get("/projects/?after=b").text
    assert browser(admin).get("/projects/?x=1").status_code == 400


# drafts


def test_files_of_a_project_do_not_leave_it_with_a_former_member(team):
    """A token of a kept file brings it back in its own project, and nowhere else."""
    body = b"CONFIG_X86_64=y\nCONFIG_SECRET=y\n"
    guest = {"name": "k", "family": "linux", "release": "6.12", "mode": "pv", "role": "dom0"}
    files = (Upload("config", "guest.config", body),)
    proposal = Proposal(kind="guest", title="A kernel", guest=guest, files=files)
    from patreview.analyses.services import submit

    submitted = submit(team.project, proposal, by=team.submitter)
    leaver = make.make_member(team.project)
    [draft] = drafts_of(list(artifacts_of(submitted.revision)), team.project, by=leaver)
    elsewhere = make.make_project()
    make.set_member(elsewhere, leaver.user, Role.SUBMITTER, by="tests")
    client = browser(leaver)
    sent = {"title": "x", "kind": "guest", "name": "k", "kept": draft.token, "action": "preview"}
    assert client.post(f"/p/{team.project.slug}/submit/?kind=guest", sent).status_code == 200
    remove_member(team.project, leaver.name, by=team.maintainer)
    assert client.post(f"/p/{team.project.slug}/submit/?kind=guest", sent).status_code == 404
    answer = client.post(f"/p/{elsewhere.slug}/submit/?kind=guest", sent)
    assert answer.status_code == 422
    assert "is kept no more" in answer.text
