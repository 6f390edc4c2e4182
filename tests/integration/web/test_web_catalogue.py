"""The pages of platforms, layouts and guests: for whom, with what on them, and by which address."""

import pytest
from django.urls import reverse

from patreview.catalogue.facts import facts_digest
from patreview.catalogue.models import Guest, Platform
from patreview.catalogue.retirement import retire
from patreview.projects.models import Project
from tests import make
from tests.integration.web.tables import tables

ODD = "<b>odd</b> / β\u202e & 'x'"
WEB = {"role": "domU", "devices": False, "release": "6.1.192"}
PAGES = (
    "", "platforms/", "platforms/?state=retired", "platforms/xen-4.17/", "layouts/", f"layouts/{make.XEN}/", "guests/",
    "guests/?platform=xen-4.17", "guests/list/", "guests/list/?state=all&verdict=compatible&name=d", "guests/{guest}/",
)  # fmt: skip


def path(team, page):
    return f"/p/{team.project.slug}/{page.format(guest=Guest.objects.filter(project=team.project).first().pk)}"


def get(client, team, page, who="viewer", status=200):
    if who:
        client.force_login(getattr(team, who).user)
    answer = client.get(path(team, page))
    assert answer.status_code == status, (page, answer.status_code)
    return answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_members_see_the_pages_and_others_nothing(team, client, page):
    get(client, team, page)
    get(client, team, page, "outsider", 404)
    client.logout()
    get(client, team, page, "", 404)
    Project.objects.update(visibility="public")
    get(client, team, page, "")


@pytest.mark.parametrize("page", PAGES)
def test_as_many_queries_for_one_as_for_a_hundred(team, client, django_assert_max_num_queries, page):
    client.force_login(team.maintainer.user)

    def queries():
        client.get(path(team, page))  # where the project stands is remembered
        with django_assert_max_num_queries(25) as captured:
            assert client.get(path(team, page)).status_code == 200
        return len(captured)

    one = queries()
    for number in range(20):
        make.make_platform(team.project, name=f"p{number}")
        make.make_layout_submission(team.platform, team.submitter, title=str(number))
    for number in range(100):
        guest = make.make_guest(team.platform, name=f"g{number}", release=f"5.{number % 19}")
        guest.platforms.add(*Platform.objects.all())
    assert queries() == one


@pytest.mark.parametrize(
    "page",
    [
        "platforms/none/", "platforms/a%00b/", "layouts/0x0/", "layouts/WB/", "layouts/%00/", "guests/99999/",
        "guests/99999999999999999999999/", f"layouts/{make.LINUX}/",
    ],
)  # fmt: skip
def test_what_is_not_there(team, client, page):
    get(client, team, page, "maintainer", 404)


@pytest.mark.parametrize(
    "page",
    [
        "platforms/?state=gone", "platforms/?colour=red", "layouts/?after=x", "layouts/?page=2",
        "guests/?platform=none", "guests/?class=x",
        "guests/list/?verdict=fine", "guests/list/?state=gone", "guests/list/?platform=none",
        "guests/list/?after=-1", "guests/list/?after=1&before=2", "guests/list/?after=٣", "guests/list/?name=%00",
        "guests/list/?before=99999999999999999999", "guests/list/?q=x", f"guests/list/?name={'x' * 101}",
        "submit/?kind=guest&preset=beos", "platforms/add/?release=latest",
    ],
)  # fmt: skip
def test_addresses_that_ask_what_nobody_understands(team, client, page):
    get(client, team, page, "maintainer", 400)


def test_guests_of_another_project_are_not_here(team, client):
    other = make.make_project()
    guest = make.make_guest(make.make_platform(other))
    get(client, team, f"guests/{guest.pk}/", "maintainer", 404)


def test_a_platform_shows_who_relies_on_what(team, client):
    for number in range(12):
        make.make_guest(team.platform, name=f"web{number}", **WEB)
    make.make_guest(team.platform, name="gpu", role="domU", release="5.15", drivers=["amdgpu"])
    page = get(client, team, "platforms/xen-4.17/")
    assert "1 of 14 guests cannot rely on the layout in force." in page
    found = tables(page)
    layout = found["Entries PA0 to PA7 of xen-4.17"]
    assert layout[1][4] == "WB of dom0, gpu and 12 more."
    assert "WC of gpu" in layout[5][4]
    assert found["Guests on xen-4.17: what each gets for what it wants"][1][0].startswith("gpu")
    assert found["History"][-1][0] == "Added"


def test_classes_lead_to_their_guests(team, client):
    for number in range(12):
        make.make_guest(team.platform, name=f"web{number}", **WEB)
    page = get(client, team, "guests/")
    assert "web0 and 11 more" in page
    href = page[: page.index("web0 and 11 more")].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    client.force_login(team.viewer.user)
    assert len(tables(client.get(href).content.decode())["Guests, by name"]) == 13


def test_the_list_goes_on_by_key_and_back(team, client):
    for number in range(120):
        make.make_guest(team.platform, name=f"g{number:03}", **WEB)
    client.force_login(team.viewer.user)
    address, seen = reverse("web:guest-list", args=[team.project.slug]), []
    pages = []
    while address:
        pages.append(address)
        answer = client.get(address)
        seen += [row["it"].name for row in answer.context["guests"]]
        address = answer.context["next_page"]
    assert seen == sorted(["dom0", *(f"g{number:03}" for number in range(120))])
    back = client.get(pages[-1]).context["previous_page"]
    assert [row["it"].name for row in client.get(back).context["guests"]] == seen[50:100]
    assert client.get(client.get(back).context["previous_page"]).context["previous_page"] == ""


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["dom0", "gpu", "web"]),
        ("?verdict=incompatible", ["gpu"]),
        ("?verdict=compatible", ["dom0", "web"]),
        ("?verdict=degraded", []),
        ("?platform=other", ["web"]),
        ("?platform=other&verdict=incompatible", []),
        ("?state=retired", ["gone"]),
        ("?state=all", ["dom0", "gone", "gpu", "web"]),
        ("?name=E", ["web"]),
        ("?class=c-00000000", []),
        ("?after=0", []),
        ("?platform=&verdict=&name=", ["dom0", "gpu", "web"]),
    ],
)
def test_filters_of_the_list(team, client, query, names):
    make.make_guest(team.platform, name="gpu", role="domU", release="5.15", drivers=["amdgpu"])
    web = make.make_guest(team.platform, name="web", **WEB)
    web.platforms.add(make.make_platform(team.project, name="other"))
    retire(make.make_guest(team.platform, name="gone", **WEB), reason="gone", by=team.maintainer)
    client.force_login(team.viewer.user)
    answer = client.get(path(team, f"guests/list/{query}"))
    assert [row["it"].name for row in answer.context["guests"]] == names


def test_a_guest_with_an_odd_name(team, client):
    Guest.objects.all().delete()
    odd = make.make_guest(team.platform, name=ODD.replace("\u202e", ""), drivers=["i915"])
    retire(odd, reason="<script>alert(1)</script>", by=team.maintainer)
    for page in ("guests/", "guests/list/?state=retired", "guests/{guest}/", "platforms/xen-4.17/"):
        text = get(client, team, page, "maintainer")
        assert "<b>odd" not in text
        assert "<script>alert" not in text


def test_a_guest_whose_facts_cannot_be_read_breaks_no_page(team, client):
    facts = ["not facts"]
    Guest.objects.update(facts=facts, facts_digest=facts_digest(facts))
    for page in PAGES:
        get(client, team, page, "maintainer")
    assert "Not judged" in get(client, team, "guests/{guest}/")
    assert "cannot be read" in get(client, team, "guests/")


@pytest.mark.parametrize("who", ["viewer", "submitter", "reviewer", "maintainer", "outsider"])
@pytest.mark.parametrize("page", ["guests/{guest}/", "platforms/xen-4.17/"])
def test_retiring_in_the_browser(team, client, who, page):
    shown = {"maintainer": 303, "outsider": 404}.get(who, 403)
    client.force_login(getattr(team, who).user)
    assert client.post(path(team, page) + "retire/", {"reason": "gone"}).status_code == shown
    if who == "maintainer":
        text = get(client, team, page, "maintainer")
        assert "Retired" in text
        assert "gone" in text
        assert client.post(path(team, page) + "retire/", {"reason": "gone"}).status_code == 409
        assert client.post(path(team, page) + "restore/", {}).status_code == 303
        assert client.post(path(team, page) + "restore/", {}).status_code == 409


def test_what_was_typed_comes_back_with_the_refusal(team, client):
    client.force_login(team.maintainer.user)
    answer = client.post(path(team, "guests/{guest}/retire/"), {"reason": "why not" * 100})
    assert answer.status_code == 409
    assert "At most" in answer.content.decode() or "at most" in answer.content.decode()
    assert "why notwhy not" in answer.content.decode()
    client.logout()
    Project.objects.update(visibility="public")
    assert client.post(path(team, "guests/{guest}/retire/"), {"reason": "x"}).status_code == 302
    assert client.get(path(team, "guests/{guest}/retire/")).status_code == 405


def test_only_a_maintainer_is_offered_to_retire_and_add(team, client):
    for page in ("guests/{guest}/", "platforms/xen-4.17/"):
        assert 'id="retirement"' in get(client, team, page, "maintainer")
        assert 'id="retirement"' not in get(client, team, page, "reviewer")
    get(client, team, "platforms/add/", "reviewer", 403)
    assert "Add a platform" not in get(client, team, "platforms/", "reviewer")


def test_adding_a_platform(team, client):
    page = get(client, team, "platforms/add/?release=4.19", "maintainer")
    assert 'value="xen-4.19"' in page
    form = {"name": "xen-4.19", "release": "4.19", "cpu_vendor": "amd", "layout": make.LINUX, "patches": "40b05620e2"}
    answer = client.post(path(team, "platforms/add/"), form)
    assert answer.headers["Location"] == path(team, "platforms/xen-4.19/")
    made = Platform.objects.get(name="xen-4.19")
    assert (made.cpu_vendor, made.layout.msr, made.details) == ("amd", make.LINUX, {"patches": ["40b05620e2"]})
    assert client.post(path(team, "platforms/add/"), form).status_code == 409
    for fields, words in (
        ({"name": "x y"}, "Letters, digits"),
        ({"mtrr": "{"}, "no JSON"),
        ({"mtrr": '{"default": "UC-"}'}, "default"),
        ({"layout": "WB"}, "WB"),
        ({"release": "latest"}, "no Xen release"),
        ({"name": ""}, "required"),
        ({"cmdline": "mmio-relax=perhaps"}, "a boolean"),
    ):
        answer = client.post(path(team, "platforms/add/"), form | {"name": "another"} | fields)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert Platform.objects.count() == 2


def test_an_empty_project_says_what_to_do(client, db):
    project = make.make_project()
    client.force_login(make.make_member(project, "maintainer").user)
    for page in ("", "platforms/", "layouts/", "guests/"):
        assert f"/p/{project.slug}/platforms/add/" in client.get(f"/p/{project.slug}/{page}").content.decode()
    assert "kind=guest" in client.get(f"/p/{project.slug}/guests/list/").content.decode()


def test_a_retired_platform_is_told_apart(team, client):
    retire(team.platform, reason="Its hosts were sold.", by=team.maintainer)
    page = get(client, team, "platforms/xen-4.17/")
    assert "Its hosts were sold." in page
    assert "Propose a layout" not in page
    assert "xen-4.17" not in str(tables(get(client, team, "platforms/")))
    assert "xen-4.17" in str(tables(get(client, team, "platforms/?state=retired")))
    assert "no platform in service" in get(client, team, "guests/{guest}/")


def test_a_layout_names_its_proposals_and_platforms(team, client):
    submitted = make.make_layout_submission(team.platform, team.submitter, layout=make.XEN, title="Keep it")
    page = get(client, team, f"layouts/{make.XEN}/")
    assert "Keep it" in page
    assert "In force on 1 platform." in page
    assert f"/s/{submitted.submission.pk}/" in page


def test_a_known_kernel_fills_the_form(team, client):
    page = get(client, team, "submit/?kind=guest&preset=netbsd-10", "submitter")
    assert 'value="10.0"' in page
    assert '<option value="netbsd" selected' in page
    page = get(client, team, f"submit/?platform=xen-4.17&layout={make.LINUX}", "submitter")
    assert '<option value="xen-4.17" selected' in page
