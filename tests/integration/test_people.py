"""Members, invitations, settings and tokens: every rule through the services that both doors use."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.utils import timezone

from patreview.accounts.models import User
from patreview.journal.models import Entry
from patreview.journal.services import first_broken
from patreview.projects.errors import Conflict, Forbidden, NotFound, Refused
from patreview.projects.invitations import (
    OPEN_MAX,
    WORDS,
    accept,
    ending_of,
    find_invitation,
    invite,
    join,
    revoke_invitation,
)
from patreview.projects.members import choose_mail, put_member, remove_member, set_member
from patreview.projects.models import Invitation, Membership, Project, Role, Token
from patreview.projects.principal import Principal
from patreview.projects.queries import (
    all_projects,
    is_admin,
    may_administer,
    reachable_projects,
    role_in,
    tokens_of,
    visible_invitations,
    visible_projects,
    visible_tokens,
)
from patreview.projects.services import (
    TOKENS_MAX,
    change_project,
    create_token,
    find_token,
    found_project,
    issue_token,
    revoke_token,
)
from tests import make

NEW_PASSWORD = "correct horse battery"


@pytest.fixture
def admin(db):
    return make.make_admin()


def entries(project, action):
    return list(Entry.objects.filter(project_id=project.pk, action=action))


def token_of(principal, project, scopes=("read", "submit", "review")):
    issued = issue_token(project, principal.user, name="t", scopes=list(scopes), by="tests")
    return Principal(principal.user, issued.token)


def who(team, admin):
    return {
        "anonymous": Principal(AnonymousUser()),
        "outsider": team.outsider,
        "viewer": team.viewer,
        "submitter": team.submitter,
        "reviewer": team.reviewer,
        "maintainer": team.maintainer,
        "admin": admin,
        "token": token_of(team.maintainer, team.project),
        "admin's token": Principal(admin.user, token_of(team.maintainer, team.project).token),
    }


PEOPLE = ("anonymous", "outsider", "viewer", "submitter", "reviewer", "maintainer", "admin")
NAMES = (*PEOPLE, "token", "admin's token")
MEMBERS_ONLY = {"anonymous": 404, "outsider": 404, "viewer": 403, "submitter": 403, "reviewer": 403, "token": 403}
ACTS = {
    "invite": (
        lambda team, by: invite(team.project, Role.VIEWER, by=by),
        MEMBERS_ONLY | {"maintainer": None, "admin": None, "admin's token": 404},
    ),
    "change a role": (
        lambda team, by: put_member(team.project, team.viewer.name, Role.SUBMITTER, by=by),
        MEMBERS_ONLY | {"maintainer": None, "admin": None, "admin's token": 404},
    ),
    "remove": (
        lambda team, by: remove_member(team.project, team.submitter.name, by=by),
        MEMBERS_ONLY | {"submitter": None, "maintainer": None, "admin": None, "admin's token": 404},
    ),
    "change settings": (
        lambda team, by: change_project(team.project, by=by, title="Another"),
        MEMBERS_ONLY | {"maintainer": None, "admin": 403, "admin's token": 404},
    ),
    "make a token": (
        lambda team, by: create_token(team.project, name="x", scopes=["read"], by=by),
        {"anonymous": 404, "outsider": 404, "token": 403, "admin": 403, "admin's token": 404},
    ),
    "choose mail": (
        lambda team, by: choose_mail(team.project, "all", by=by),
        {"anonymous": 404, "outsider": 404, "token": 403, "admin": 403, "admin's token": 404},
    ),
    "found a project": (
        lambda team, by: found_project("new", title="New", by=by),
        dict.fromkeys([name for name in NAMES if name != "admin"], 403),
    ),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "name",
    NAMES,
)
def test_who_may_do_what(team, admin, act, name):
    do, refused = ACTS[act]
    expected = refused.get(name)
    by = who(team, admin)[name]
    before = Entry.objects.count()
    if expected is None:
        do(team, by)
        assert Entry.objects.count() == before + 1, "one act, one entry"
        assert first_broken(team.project.pk) is None
    else:
        with pytest.raises({403: Forbidden, 404: NotFound}[expected]) as raised:
            do(team, by)
        assert Entry.objects.count() == before
        if by.token and expected == 403:
            assert raised.value.code == "person_only"


def test_what_an_administrator_of_the_site_sees(team, admin):
    public = make.make_project(visibility="public")
    assert is_admin(admin)
    assert set(reachable_projects(admin)) == {team.project, public}
    assert list(visible_projects(admin)) == [public], "what a private project holds is for its members"
    assert role_in(admin, team.project) is None
    assert may_administer(admin, team.project)
    assert {project.slug: project.members for project in all_projects(admin)} == {team.project.slug: 4, public.slug: 0}
    assert not all_projects(team.maintainer).exists()
    issued = token_of(team.maintainer, team.project)
    for nobody in (Principal(admin.user, issued.token), Principal(AnonymousUser()), team.reviewer):
        assert not is_admin(nobody)
        assert not may_administer(nobody, team.project)
    admin.user.is_active = False
    assert not is_admin(admin)


# members


def test_roles_change_with_what_was_before(team):
    put_member(team.project, team.viewer.name, Role.REVIEWER, by=team.maintainer)
    put_member(team.project, team.viewer.name, Role.REVIEWER, by=team.maintainer)
    [entry] = entries(team.project, "member.changed")
    assert (entry.data["before"], entry.data["role"], entry.actor) == ("viewer", "reviewer", team.maintainer.name)
    assert role_in(team.viewer, team.project) is Role.REVIEWER


def test_only_an_administrator_of_the_site_adds_without_an_invitation(team, admin):
    name = team.outsider.name
    for absent in (name, "nobody", "nobody\0", "x" * 1000):
        with pytest.raises(NotFound) as refused:
            put_member(team.project, absent, Role.VIEWER, by=team.maintainer)
        assert refused.value.code == "not_a_member", "a maintainer does not learn who has an account"
    put_member(team.project, name, Role.VIEWER, by=admin)
    assert role_in(team.outsider, team.project) is Role.VIEWER
    with pytest.raises(NotFound):
        put_member(team.project, "nobody", Role.VIEWER, by=admin)
    assert len(entries(team.project, "member.added")) == 1


@pytest.mark.parametrize("by", ["maintainer", "admin"])
def test_the_last_maintainer_stays(team, admin, by):
    name = team.maintainer.name
    principal = admin if by == "admin" else team.maintainer
    acts = [
        lambda: remove_member(team.project, name, by=principal),
        lambda: put_member(team.project, name, Role.REVIEWER, by=principal),
        lambda: set_member(team.project, team.maintainer.user, Role.REVIEWER, by="command line"),
    ]
    for act in acts:
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "last_maintainer"
    asleep = make.make_member(team.project, Role.MAINTAINER)
    User.objects.filter(pk=asleep.user.pk).update(is_active=False)
    with pytest.raises(Conflict):
        acts[0]()
    put_member(team.project, team.viewer.name, Role.MAINTAINER, by=principal)
    acts[1]()
    assert role_in(team.maintainer, team.project) is Role.REVIEWER


def test_one_who_is_removed_keeps_nothing(team):
    put_member(team.project, team.reviewer.name, Role.MAINTAINER, by=team.maintainer)
    issued = issue_token(team.project, team.reviewer.user, name="x", scopes=["read"], by="tests")
    elsewhere = make.make_project()
    set_member(elsewhere, team.reviewer.user, Role.VIEWER, by="tests")
    other = issue_token(elsewhere, team.reviewer.user, name="x", scopes=["read"], by="tests")
    link = invite(team.project, Role.MAINTAINER, by=team.reviewer)
    remove_member(team.project, team.reviewer.name, by=team.maintainer)
    assert role_in(team.reviewer, team.project) is None
    assert not visible_projects(team.reviewer).filter(pk=team.project.pk).exists()
    assert find_token(issued.text) is None
    assert find_token(other.text), "other projects are not touched"
    with pytest.raises(Conflict, match="revoked"):
        accept(link.secret, by=team.reviewer)
    [entry] = entries(team.project, "member.removed")
    assert entry.data["tokens_revoked"] == [issued.token.key]
    assert entry.data["invitations_revoked"] == [link.invitation.pk]
    assert entry.data["role"] == "maintainer"
    set_member(team.project, team.reviewer.user, Role.VIEWER, by="tests")
    assert find_token(issued.text) is None, "nor does it come back with the person"


def test_one_who_is_no_maintainer_any_more_leaves_no_open_links(team):
    put_member(team.project, team.reviewer.name, Role.MAINTAINER, by=team.maintainer)
    link = invite(team.project, Role.MAINTAINER, by=team.reviewer)
    put_member(team.project, team.reviewer.name, Role.SUBMITTER, by=team.maintainer)
    with pytest.raises(Conflict, match="revoked"):
        accept(link.secret, by=team.outsider)


def test_leaving(team):
    remove_member(team.project, team.viewer.name, by=team.viewer)
    assert role_in(team.viewer, team.project) is None
    assert len(entries(team.project, "member.left")) == 1
    with pytest.raises(NotFound):
        remove_member(team.project, team.viewer.name, by=team.viewer)
    with pytest.raises(NotFound) as refused:
        remove_member(team.project, team.viewer.name, by=team.maintainer)
    assert refused.value.code == "not_a_member"


def test_mail_is_each_member_s_own_choice(team):
    assert Membership.objects.get(user=team.viewer.user).mail == "mine"
    choose_mail(team.project, "none", by=team.viewer)
    choose_mail(team.project, "none", by=team.viewer)
    assert Membership.objects.get(user=team.viewer.user).mail == "none"
    assert len(entries(team.project, "member.mail")) == 1
    with pytest.raises(Conflict):
        choose_mail(team.project, "daily", by=team.viewer)


# invitations


def test_an_invitation_makes_one_person_a_member(team):
    issued = invite(team.project, Role.REVIEWER, note="hello", by=team.maintainer)
    assert issued.secret not in str(Invitation.objects.values().get()), "only its hash is kept"
    assert issued.secret not in str(list(Entry.objects.values()))
    assert "hello" not in str(list(Entry.objects.values())), "the journal keeps for ever what it has"
    assert len(issued.secret) >= 43
    assert find_invitation(issued.secret) == issued.invitation
    assert accept(issued.secret, by=team.outsider).role == "reviewer"
    [entry] = entries(team.project, "member.joined")
    assert (entry.actor, entry.data["invited_by"]) == (team.outsider.name, team.maintainer.name)
    with pytest.raises(Conflict, match="accepted already") as refused:
        accept(issued.secret, by=Principal(make.make_user()))
    assert refused.value.code == "used"
    assert ending_of(Invitation.objects.get()) == "used"


@pytest.mark.parametrize("secret", ["", "x", "x" * 43, "é" * 43, "\0", "x" * 10_000])
def test_what_is_no_invitation(team, secret):
    assert find_invitation(secret) is None
    with pytest.raises(NotFound):
        accept(secret, by=team.outsider)
    with pytest.raises(NotFound):
        join(secret, name="new", password=NEW_PASSWORD)


def test_neither_tokens_nor_strangers_accept(team):
    issued = invite(team.project, Role.MAINTAINER, by=team.maintainer)
    for by in (token_of(team.viewer, team.project), Principal(AnonymousUser())):
        with pytest.raises(NotFound):
            accept(issued.secret, by=by)


def test_accepting_lifts_a_role_and_never_lowers_it(team):
    lower = invite(team.project, Role.VIEWER, by=team.maintainer)
    with pytest.raises(Conflict) as refused:
        accept(lower.secret, by=team.reviewer)
    assert refused.value.code == "already_member"
    assert role_in(team.reviewer, team.project) is Role.REVIEWER
    accept(lower.secret, by=team.outsider)
    higher = invite(team.project, Role.MAINTAINER, by=team.maintainer)
    choose_mail(team.project, "all", by=team.reviewer)
    accept(higher.secret, by=team.reviewer)
    assert role_in(team.reviewer, team.project) is Role.MAINTAINER
    assert Membership.objects.get(user=team.reviewer.user, project=team.project).mail == "all"


def expire(team, link):
    Invitation.objects.update(expires_at=timezone.now())


def revoke(team, link):
    revoke_invitation(team.project, link.invitation.pk, by=team.maintainer)


def lock_out(team, link):
    User.objects.filter(pk=team.maintainer.user.pk).update(is_active=False)


@pytest.mark.parametrize(("end", "code"), [(expire, "expired"), (revoke, "revoked"), (lock_out, "revoked")])
def test_invitations_that_are_over(team, end, code):
    link = invite(team.project, Role.VIEWER, by=team.maintainer)
    end(team, link)
    for act in (
        lambda: accept(link.secret, by=team.outsider),
        lambda: join(link.secret, name="new", password=NEW_PASSWORD),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert (refused.value.code, refused.value.message) == (code, WORDS[code])
    assert not User.objects.filter(username="new").exists()
    if end is not lock_out:
        assert not visible_invitations(team.maintainer, team.project).exists()
    assert role_in(team.outsider, team.project) is None


def test_an_invitation_of_a_former_administrator_is_worth_nothing(team, admin):
    link = invite(team.project, Role.MAINTAINER, by=admin)
    User.objects.filter(pk=admin.user.pk).update(is_superuser=False)
    with pytest.raises(Conflict, match="revoked"):
        accept(link.secret, by=team.outsider)


def test_an_account_there_and_then(team):
    link = invite(team.project, Role.SUBMITTER, email="ada@example.org", by=team.maintainer)
    user = join(link.secret, name="ada", password=NEW_PASSWORD)
    assert user.check_password(NEW_PASSWORD)
    assert user.email == "ada@example.org"
    assert role_in(Principal(user), team.project) is Role.SUBMITTER


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        ("TAKEN", NEW_PASSWORD, "name"),
        ("", NEW_PASSWORD, "name"),
        (".hidden", NEW_PASSWORD, "name"),
        ("..", NEW_PASSWORD, "name"),
        ("\u0430da", NEW_PASSWORD, "name"),
        ("two words", NEW_PASSWORD, None),
        ("x" * 151, NEW_PASSWORD, None),
        ("ada", "short", None),
        ("ada", "password1234", None),
        ("ada", "x" * 5000, "password"),
        ("ada", "long enough \0 but", "password"),
    ],
)
def test_accounts_that_are_not_made(team, name, password, field):
    make.make_user("taken")
    link = invite(team.project, Role.SUBMITTER, by=team.maintainer)
    before = User.objects.count()
    with pytest.raises(ValidationError) as refused:
        join(link.secret, name=name, password=password)
    if field:
        assert list(refused.value.message_dict) == [field]
    assert User.objects.count() == before
    assert find_invitation(link.secret).ending == "", "the link is still good"


def test_a_mail_takes_the_link_along(team, mailoutbox, settings):
    settings.PATREVIEW_URL = "https://pat.example.org"
    issued = invite(team.project, Role.REVIEWER, email="ada@example.org", note="Hello\nAda", by=team.maintainer)
    [mail] = mailoutbox
    assert issued.mailed
    assert mail.to == ["ada@example.org"]
    assert f"https://pat.example.org/invitations/{issued.secret}/" in mail.body
    assert "Hello\nAda" in mail.body
    invite(team.project, Role.REVIEWER, by=team.maintainer)
    assert len(mailoutbox) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"},
        {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": 9},
    ],
    ids=["no mail is set up", "nobody answers"],
)
def test_a_mail_that_does_not_go_undoes_nothing(team, settings, changes):
    for name, value in changes.items():
        setattr(settings, name, value)
    issued = invite(team.project, Role.REVIEWER, email="ada@example.org", by=team.maintainer)
    assert not issued.mailed
    assert accept(issued.secret, by=team.outsider)


@pytest.mark.parametrize("fields", [{"email": "no address"}, {"email": "a@b.c\nBcc: x@y.z"}, {"note": "x" * 501}])
def test_invitations_that_are_not_made(team, fields, mailoutbox):
    with pytest.raises(ValidationError):
        invite(team.project, Role.VIEWER, by=team.maintainer, **fields)
    assert not Invitation.objects.exists()
    assert not mailoutbox


def test_open_invitations_are_counted(team):
    first = invite(team.project, Role.VIEWER, by=team.maintainer)
    for _ in range(OPEN_MAX - 1):
        invite(team.project, Role.VIEWER, by=team.maintainer)
    with pytest.raises(Conflict):
        invite(team.project, Role.VIEWER, by=team.maintainer)
    revoke_invitation(team.project, first.invitation.pk, by=team.maintainer)
    for pk in (first.invitation.pk, 0, 2**70):
        with pytest.raises(NotFound):
            revoke_invitation(team.project, pk, by=team.maintainer)
    invite(team.project, Role.VIEWER, by=team.maintainer)


def test_an_invitation_is_revoked_in_its_own_project_only(team):
    other = make.make_project()
    maintainer = make.make_member(other, Role.MAINTAINER)
    link = invite(team.project, Role.VIEWER, by=team.maintainer)
    with pytest.raises(NotFound):
        revoke_invitation(other, link.invitation.pk, by=maintainer)
    assert not visible_invitations(maintainer, team.project).exists()


# settings


def test_settings_are_journalled_with_before_and_after(team):
    change_project(team.project, by=team.maintainer, visibility="public", title=team.project.title)
    change_project(team.project, by=team.maintainer, visibility="public")
    [entry] = entries(team.project, "project.changed")
    assert (entry.data["before"], entry.data["after"]) == ({"visibility": "private"}, {"visibility": "public"})
    assert visible_projects(Principal(AnonymousUser())).get() == team.project


@pytest.mark.parametrize(
    "fields",
    [
        {"required_approvals": 0},
        {"required_approvals": 11},
        {"visibility": "secret"},
        {"title": ""},
        {"title": "two\nlines"},
        {"title": "x" * 101},
        {"summary": "x" * 501},
    ],
)
def test_settings_that_cannot_be(team, fields):
    with pytest.raises(ValidationError):
        change_project(team.project, by=team.maintainer, **fields)
    assert not entries(team.project, "project.changed")


def test_a_project_is_founded_with_or_without_its_founder(admin):
    joined = found_project("one", title="One", join=True, by=admin)
    left = found_project("two", title="Two", visibility="public", by=admin)
    assert role_in(admin, joined) is Role.MAINTAINER
    assert role_in(admin, left) is None
    assert entries(joined, "project.created")[0].data["maintainer"] == admin.name
    with pytest.raises(Conflict):
        found_project("one", title="Again", by=admin)
    with pytest.raises(ValidationError):
        found_project("no slug", title="x", by=admin)
    assert Project.objects.count() == 2


# tokens


@pytest.mark.parametrize(
    ("role", "scopes", "taken"),
    [
        ("viewer", ["read"], True),
        ("viewer", ["read", "submit"], False),
        ("submitter", ["read", "submit"], True),
        ("submitter", ["review"], False),
        ("reviewer", ["read", "submit", "review"], True),
        ("maintainer", ["read", "submit", "review"], True),
    ],
)
def test_scopes_above_the_role_are_refused(team, role, scopes, taken):
    by = getattr(team, role)
    if taken:
        issued = create_token(team.project, name="x", scopes=scopes, by=by)
        assert find_token(issued.text).owner == by.user
        assert list(tokens_of(by)) == list(visible_tokens(by, team.project)) == [issued.token]
    else:
        with pytest.raises(Conflict, match="needs the role") as refused:
            create_token(team.project, name="x", scopes=scopes, by=by)
        assert refused.value.code == "scope_above_role"


@pytest.mark.parametrize("fields", [{"scopes": []}, {"scopes": ["root"]}, {"days": 0}, {"days": 366}])
def test_tokens_that_are_not_made(team, fields):
    with pytest.raises(Refused):
        create_token(team.project, **({"name": "x", "scopes": ["read"], "by": team.viewer} | fields))
    assert not Token.objects.exists()


def test_who_sees_and_revokes_tokens(team, admin):
    own = create_token(team.project, name="x", scopes=["read"], by=team.submitter)
    for by, seen in ((team.submitter, 1), (team.reviewer, 0), (team.maintainer, 1), (team.outsider, 0), (admin, 0)):
        assert visible_tokens(by, team.project).count() == seen
    assert not visible_tokens(Principal(team.submitter.user, own.token), team.project).exists()
    assert not tokens_of(Principal(team.submitter.user, own.token)).exists()
    for by in (team.reviewer, team.outsider, admin, Principal(team.submitter.user, own.token)):
        with pytest.raises(Refused):
            revoke_token(team.project, own.token.key, by=by)
    revoke_token(team.project, own.token.key, by=team.maintainer)
    assert find_token(own.text) is None
    for key in (own.token.key, "none", "\0"):
        with pytest.raises(NotFound):
            revoke_token(team.project, key, by=team.maintainer)
    assert len(entries(team.project, "token.revoked")) == 1


def test_live_tokens_are_counted_and_expired_ones_fade(team):
    for _ in range(TOKENS_MAX):
        create_token(team.project, name="x", scopes=["read"], by=team.viewer)
    with pytest.raises(Conflict, match="revoke one"):
        create_token(team.project, name="x", scopes=["read"], by=team.viewer)
    Token.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert tokens_of(team.viewer).count() == TOKENS_MAX
    assert tokens_of(team.viewer).first().is_expired
    Token.objects.update(expires_at=timezone.now() - timedelta(days=91))
    assert not tokens_of(team.viewer).exists()
    create_token(team.project, name="x", scopes=["read"], by=team.viewer)
