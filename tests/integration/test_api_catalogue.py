"""REST of platforms, layouts and guests."""

import pytest

from patreview.catalogue.models import Guest, Platform
from patreview.catalogue.retirement import retire
from tests import make

WEB = {"role": "domU", "devices": False, "release": "6.1.192"}


@pytest.fixture
def root(team):
    return f"/api/v1/projects/{team.project.slug}"


def bearer(team, role="maintainer", scopes=("read", "submit", "review")):
    return {"HTTP_AUTHORIZATION": f"Bearer {make.make_token(team.project, role, scopes)}"}


READS = (
    "platforms",
    "platforms/xen-4.17",
    "layouts",
    f"layouts/{make.XEN}",
    "guests",
    "guests/{guest}",
    "guest-classes",
)


@pytest.mark.parametrize("address", READS)
def test_who_reads(team, root, client, address):
    address = f"{root}/{address.format(guest=Guest.objects.get().pk)}"
    assert client.get(address).status_code == 401
    assert client.get(address, **bearer(team, "viewer", ("read",))).status_code == 200
    client.force_login(team.outsider.user)
    assert client.get(address).status_code == 404
    assert client.get(f"{address}?colour=red", **bearer(team)).status_code == 400


@pytest.mark.parametrize("address", READS)
def test_as_many_queries_for_one_as_for_a_hundred(team, root, client, django_assert_max_num_queries, address):
    client.force_login(team.maintainer.user)
    address = f"{root}/{address.format(guest=Guest.objects.get().pk)}"

    def queries():
        client.get(address)
        with django_assert_max_num_queries(15) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    one = queries()
    for number in range(20):
        make.make_platform(team.project, name=f"p{number}")
    for number in range(100):
        make.make_guest(team.platform, name=f"g{number}", **WEB)
    assert queries() == one


def test_the_platforms(team, root, client):
    client.force_login(team.viewer.user)
    make.make_guest(team.platform, name="gpu", role="domU", release="5.15", drivers=["amdgpu"])
    (row,) = client.get(f"{root}/platforms").json()["results"]
    assert (row["name"], row["layout"], row["retired_at"]) == ("xen-4.17", make.XEN, None)
    one = client.get(f"{root}/platforms/xen-4.17").json()
    assert one["verdicts"] == {"incompatible": 1, "compatible": 1}
    wanted = {relied["wants"]: relied["members"] for relied in one["entries"][4]["relied_on"]}
    assert wanted == {"WC": ["gpu"]}
    assert client.get(f"{root}/platforms/a%00b").status_code == 404
    assert client.get(f"{root}/platforms?state=retired").json()["results"] == []


def test_lists_go_on_by_key(team, root, client):
    client.force_login(team.viewer.user)
    for number in range(7):
        make.make_guest(make.make_platform(team.project, name=f"p{number}", layout="WB WT UC- UC WC WP UC UC"), **WEB)
    for kind, name in (("platforms", "name"), ("guests", "name"), ("layouts", "msr")):
        seen, address = [], f"{root}/{kind}?limit=3"
        while address:
            answer = client.get(address).json()
            seen += [row[name] for row in answer["results"]]
            address = answer["next"]
        assert len(seen) == len(set(seen)) == {"platforms": 8, "guests": 8, "layouts": 1}[kind]
    last = client.get(f"{root}/guests?limit=5").json()["next"]
    back = client.get(client.get(last).json()["previous"]).json()
    assert (len(back["results"]), back["previous"]) == (5, None)


@pytest.mark.parametrize("query", ["state=gone", "after=x", "limit=0", "limit=201", "after=1&before=2", "verdict=fine",
                                   "platform=none", "after=-1", "after=99999999999999999999", "q=1"])  # fmt: skip
def test_queries_that_are_none(team, root, client, query):
    client.force_login(team.viewer.user)
    assert client.get(f"{root}/guests?{query}").status_code == 400


def test_the_guests(team, root, client):
    client.force_login(team.viewer.user)
    for number in range(5):
        make.make_guest(team.platform, name=f"web {number}", **WEB)
    gone = make.make_guest(team.platform, name="gone", **WEB)
    retire(gone, reason="gone", by=team.maintainer)
    rows = client.get(f"{root}/guests?name=WEB").json()["results"]
    assert [row["name"] for row in rows] == [f"web {number}" for number in range(5)]
    assert rows[0]["platforms"][0]["verdict"] == "compatible"
    classes = client.get(f"{root}/guest-classes?platform=xen-4.17").json()
    assert sorted(row["guests"] for row in classes["results"]) == [1, 5]
    assert {rows[0]["platforms"][0]["class"]} <= {row["key"] for row in classes["results"]}
    assert [row["name"] for row in client.get(f"{root}/guests?state=retired").json()["results"]] == ["gone"]
    one = client.get(f"{root}/guests/{gone.pk}").json()
    assert one["platforms"] == [{"name": "xen-4.17", "verdict": None, "class": None}]
    assert {fact["key"] for fact in one["facts"]} >= {"family", "release"}
    assert client.get(f"{root}/guests/{2**63}").status_code == 404


@pytest.mark.parametrize(("role", "scopes", "status"), [
    ("maintainer", ("read", "submit", "review"), 200), ("maintainer", ("read", "submit"), 403),
    ("reviewer", ("read", "submit", "review"), 403), ("viewer", ("read",), 403),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["guests", "platforms"])
def test_retirement(team, root, client, kind, role, scopes, status):
    thing = Guest.objects.get().pk if kind == "guests" else "xen-4.17"
    address = f"{root}/{kind}/{thing}/retirement"
    who = bearer(team, role, scopes)
    body = {"data": {"reason": "gone"}, "content_type": "application/json"}
    assert client.put(address, **body).status_code == 401
    assert client.put(address, **body, **who).status_code == status
    if status != 200:
        assert client.delete(address, **who).status_code == status
        return
    assert client.get(f"{root}/{kind}/{thing}", **who).json()["retired_at"]
    again = client.put(address, **body, **who)
    assert (again.status_code, again.json()["code"]) == (409, "already_retired")
    answer = client.delete(address, **who)
    assert (answer.status_code, answer.json()["retired_at"]) == (200, None)
    assert client.delete(address, **body, **who).status_code == 409


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": "x", "why": "y"}, [], "x", 5,
                                  {"reason": "a\0b"}, {"reason": ["x"]}, None])  # fmt: skip
def test_bodies_that_retire_nothing(team, root, client, body):
    address = f"{root}/guests/{Guest.objects.get().pk}/retirement"
    answer = client.put(address, data=body, content_type="application/json", **bearer(team))
    assert answer.status_code == 400
    assert Guest.objects.get().retired_at is None


def test_adding_a_platform(team, root, client):
    who = bearer(team)
    body = {"name": "new", "release": "4.19", "patches": ["40b05620e2"], "mtrr": {"default": "UC", "variable": []}}

    def post(fields, who=who):
        return client.post(f"{root}/platforms", data=body | fields, content_type="application/json", **who)

    assert post({}, bearer(team, "reviewer")).status_code == 403
    answer = post({})
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{root}/platforms/new")
    assert answer.json()["details"]["patches"] == ["40b05620e2"]
    assert post({}).json()["code"] == "name_taken"
    for fields, status in (
        ({"name": "a b"}, 422), ({"release": "latest"}, 422), ({"layout": "WB"}, 422),
        ({"mtrr": {"default": "UC-"}}, 422),
        ({"cpu_vendor": "via"}, 400), ({"colour": "red"}, 400), ({"mtrr": 5}, 400), ({"errata_cpu": "perhaps"}, 400),
    ):  # fmt: skip
        answer = post({"name": "other"} | fields)
        assert answer.status_code == status, answer.content
    assert Platform.objects.count() == 2


def test_the_project_embeds_a_bounded_part(team, root, client, monkeypatch):
    from patreview.api import views

    monkeypatch.setattr(views, "EMBEDDED_MAX", 3)
    for number in range(5):
        make.make_guest(team.platform, name=f"web{number}", **WEB)
    client.force_login(team.viewer.user)
    answer = client.get(root).json()
    assert (len(answer["guests"]), answer["guest_count"]) == (3, 6)
