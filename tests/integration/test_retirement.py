"""Platforms and guests are retired, restored and added by maintainers, with a reason and one journal entry."""

import pytest

from patreview import engine
from patreview.analyses.scenario import scenario_of
from patreview.catalogue.models import Guest, Platform
from patreview.catalogue.queries import catalogue_version
from patreview.catalogue.registration import NewPlatform, read_mtrr, register_platform
from patreview.catalogue.retirement import restore, retire
from patreview.catalogue.services import PLATFORMS_MAX
from patreview.journal.models import Entry
from patreview.journal.queries import entries_about
from patreview.journal.services import first_broken
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.projects.models import Project, Role, Token
from patreview.projects.principal import Principal
from patreview.reviews.services import adopt, vote
from tests import make


def guest_of(team):
    return Guest.objects.get(project=team.project)


@pytest.fixture(params=["guest", "platform"])
def one(request, team):
    """Something in service, and how it is retired and restored."""
    if request.param == "guest":
        return guest_of(team), retire, restore
    return team.platform, retire, restore


@pytest.mark.parametrize(
    ("who", "refused"),
    [
        ("viewer", Forbidden),
        ("submitter", Forbidden),
        ("reviewer", Forbidden),
        ("maintainer", None),
        ("outsider", NotFound),
        ("admin", NotFound),
    ],
)
def test_who_may_retire_and_restore(team, one, who, refused):
    thing, retire, restore = one
    by = getattr(team, who, None)
    if by is None:
        by = Principal(make.make_user("root"))
        by.user.is_superuser = True
        by.user.save()
    if refused is None:
        retire(thing, reason="gone", by=by)
        restore(thing, by=by)
        return
    with pytest.raises(refused):
        retire(thing, reason="gone", by=by)
    retire(thing, reason="gone", by=team.maintainer)
    with pytest.raises(refused):
        restore(thing, by=by)
    thing.refresh_from_db()
    assert thing.retired_at is not None


def test_a_stranger_may_not_in_a_public_project(team, one):
    Project.objects.update(visibility="public")
    thing, retire, _ = one
    thing.refresh_from_db()
    thing.project.refresh_from_db()
    with pytest.raises(Forbidden):
        retire(thing, reason="gone", by=team.outsider)


@pytest.mark.parametrize(("scopes", "allowed"), [(["read", "submit"], False), (["review"], True)])
def test_a_token_needs_the_scope(team, one, scopes, allowed):
    thing, retire, _ = one
    text = make.make_token(team.project, Role.MAINTAINER, scopes)
    token = Token.objects.get(key=text.split("_")[1])
    by = Principal(token.owner, token)
    if allowed:
        retire(thing, reason="gone", by=by)
        assert Entry.objects.order_by("-seq").first().token == token.key
    else:
        with pytest.raises(Forbidden):
            retire(thing, reason="gone", by=by)


def test_each_act_is_one_entry_and_another_state_of_the_catalogue(team, one):
    thing, retire, restore = one
    entries, version = Entry.objects.count(), catalogue_version(team.project.pk)
    retire(thing, reason="  its hosts are gone ", by=team.maintainer)
    restore(thing, reason="they are not", by=team.maintainer)
    assert (Entry.objects.count(), catalogue_version(team.project.pk)) == (entries + 2, version + 2)
    noun = "guest" if isinstance(thing, Guest) else "platform"
    restored, retired = list(entries_about(team.project.pk, f"{noun}:{thing.name}", 2))
    assert (retired.action, retired.data) == (f"{noun}.retired", {"reason": "its hosts are gone"})
    assert (restored.action, restored.data) == (f"{noun}.restored", {"reason": "they are not"})
    assert retired.actor == team.maintainer.name
    assert first_broken(team.project.pk) is None


def test_doing_it_again_is_a_conflict(team, one):
    thing, retire, restore = one
    with pytest.raises(Conflict, match="in service already"):
        restore(thing, by=team.maintainer)
    retire(thing, reason="gone", by=team.maintainer)
    entries = Entry.objects.count()
    with pytest.raises(Conflict, match="already retired"):
        retire(thing, reason="gone", by=team.maintainer)
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("reason", ["", "  \n", "a\0b", "x" * 501])
def test_a_reason_is_needed_and_bounded(team, one, reason):
    thing, retire, _ = one
    with pytest.raises(Conflict):
        retire(thing, reason=reason, by=team.maintainer)
    thing.refresh_from_db()
    assert thing.retired_at is None


def test_an_open_proposal_outlives_its_platform_and_is_not_adopted(team):
    submitted = team.submission()
    vote(submitted.revision, "approve", by=team.reviewer, digest=submitted.revision.digest)
    retire(team.platform, reason="gone", by=team.maintainer)
    submitted.submission.refresh_from_db()
    assert submitted.submission.state == "open"
    make.execute(submitted.run)
    with pytest.raises(Conflict):
        adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    assert Platform.objects.get().layout.msr == make.XEN


def test_a_retired_guest_is_judged_no_more_and_returns_by_adoption(team):
    submitted = team.submission()
    retire(guest_of(team), reason="gone", by=team.maintainer)
    assert scenario_of(submitted.revision)["guests"] == []
    make.make_guest(team.platform, name="dom0")
    assert guest_of(team).retired_at is None


def test_adopting_a_guest_says_where_it_comes_from(team):
    submitted = make.make_guest_submission(team.project, team.submitter)
    make.execute(submitted.run)
    vote(submitted.revision, "approve", by=team.reviewer, digest=submitted.revision.digest)
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    assert Guest.objects.get(name="new").origin == f"submission #{submitted.submission.pk} r1"


def test_a_platform_is_added_by_a_maintainer(team):
    stated = NewPlatform("xen-4.19", "4.19", details={"cmdline": "mmio-relax", "patches": ["40b05620e2"]})
    made = register_platform(team.project, stated, by=team.maintainer)
    assert (made.layout.msr, made.details["cmdline"]) == (engine.stock_layout("4.19"), "mmio-relax")
    entry = Entry.objects.order_by("-seq").first()
    assert (entry.action, entry.actor) == ("platform.added", team.maintainer.name)
    other = register_platform(
        team.project, NewPlatform("patched", "4.17", layout=make.LINUX, cpu_vendor="amd"), by=team.maintainer
    )
    assert (other.layout.msr, other.cpu_vendor) == (make.LINUX, "amd")


@pytest.mark.parametrize("who", ["viewer", "submitter", "reviewer"])
def test_nobody_else_adds_one(team, who):
    with pytest.raises(Forbidden):
        register_platform(team.project, NewPlatform("x", "4.19"), by=getattr(team, who))
    with pytest.raises(NotFound):
        register_platform(team.project, NewPlatform("x", "4.19"), by=team.outsider)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "a\0"}, "name"),
        ({"name": "add"}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"release": "latest"}, "release"),
        ({"release": "4.17\0"}, "release"),
        ({"layout": "WB WB"}, "layout"),
        ({"layout": "0x0202020202020202"}, "layout"),
        ({"cpu_vendor": "via"}, "vendor"),
        ({"details": {"cmdline": "mmio-relax=perhaps"}}, "cmdline"),
        ({"details": {"patches": ["latest"]}}, "patches"),
        ({"details": {"mtrr": {"default": "UC-"}}}, "mtrr"),
        ({"details": {"mtrr": {"default": 1.5}}}, "mtrr"),
        ({"details": {"colour": "red"}}, "colour"),
    ],
)
def test_a_platform_that_cannot_be_is_refused_at_its_field(team, fields, field):
    layouts = team.project.layouts.count()
    with pytest.raises(engine.InvalidInput) as refused:
        register_platform(
            team.project, NewPlatform(**({"name": "new", "release": "4.19"} | fields)), by=team.maintainer
        )
    assert any((one["field"] or "").startswith(field) for one in refused.value.problems)
    assert (Platform.objects.count(), team.project.layouts.count()) == (1, layouts)


def test_a_name_is_taken_also_by_a_retired_one(team):
    retire(team.platform, reason="gone", by=team.maintainer)
    with pytest.raises(Conflict, match="retired; restore it"):
        register_platform(team.project, NewPlatform(team.platform.name, "4.19"), by=team.maintainer)


def test_as_many_platforms_as_the_engine_takes(team):
    for number in range(PLATFORMS_MAX - 1):
        make.make_platform(team.project, name=f"p{number}")
    with pytest.raises(Conflict, match="retire one first"):
        register_platform(team.project, NewPlatform("one-more", "4.19"), by=team.maintainer)
    retire(team.platform, reason="gone", by=team.maintainer)
    register_platform(team.project, NewPlatform("one-more", "4.19"), by=team.maintainer)
    with pytest.raises(Conflict, match="retire one first"):
        restore(team.platform, by=team.maintainer)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "1" * 5000, " " * 70_000])
def test_what_is_no_mtrr_text(text):
    with pytest.raises(engine.InvalidInput):
        read_mtrr(text)
