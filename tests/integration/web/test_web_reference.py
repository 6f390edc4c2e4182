"""The reference pages say what the engine's data says, cell by cell."""

import re
from html import unescape

import pytest

from patreview import engine
from patreview.web.templatetags.marks import verdict_word
from patreview.web.templatetags.reference import kernel_link, rule_link
from tests.integration.web.tables import tables

PAGES = ("/memory-types/", "/memory-types/?vendor=amd", "/kernels/", "/hypervisors/", "/rules/", "/rules/ENC010/")
VENDORS = {"intel": "Intel", "amd": "AMD"}
DEVICE, READ = "device memory", "RAM that a non-snooping device reads"


def words(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def pairs():
    return {(pair["context"], pair["wanted"], pair["in_force"]): pair for pair in engine.memory_types()["pairs"]}


@pytest.fixture
def read(client, db):
    """A page of one who is not logged in."""

    def get(path, status=200):
        answer = client.get(path)
        assert answer.status_code == status
        return answer.text

    return get


def grid_of(page, vendor):
    """Rows of the explorer without its head."""
    caption = f"Effective type on {VENDORS[vendor]} by MTRR type and PAT type, and what it means for one who wanted WC"
    return tables(page)[caption][1:]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_grid_of_a_vendor(read, vendor):
    known = engine.memory_types()
    shown = grid_of(read(f"/memory-types/?vendor={vendor}"), vendor)
    assert [row[0].split()[0] for row in shown] == list(known["effective"][vendor])
    for mtrr, *cells in shown:
        mtrr = mtrr.split()[0]
        context = DEVICE if mtrr in ("UC", "WC") else READ
        for pat, cell in zip(known["order"], cells, strict=True):
            made = known["effective"][vendor][mtrr][pat]
            pair = pairs()[context, "WC", made]
            assert cell.startswith(f"{made} {verdict_word(pair['verdict'])}")
            if pair["verdict"] != "compatible":
                assert pair["consequence"].removeprefix("correct, but slower: ") in cell
            for other, name in VENDORS.items():
                differs = known["effective"][other][mtrr][pat] != made
                assert (f"{name}: {known['effective'][other][mtrr][pat]}" in cell) is differs


def test_where_the_vendors_differ(read):
    page = read("/memory-types/")
    differing = {
        (row[0].split()[0], pat)
        for row in grid_of(page, "intel")
        for pat, cell in zip(engine.memory_types()["order"], row[1:], strict=True)
        if "AMD:" in cell
    }
    assert differing == {("WT", "WP"), ("WP", "UC-"), ("WP", "WT")}
    assert "The vendors differ in 3 cells" in words(page)


@pytest.mark.parametrize(("vendor", "wp"), [("intel", "WT"), ("amd", "UC")])
def test_the_question_of_2010(read, vendor, wp):
    page = read(f"/memory-types/?vendor={vendor}")
    assert '<header class="band v-conditional">' in page
    assert "Conditional" in page.split('class="word"')[1].split("</p>")[0]
    strip = page.split('<ul class="swap">')[1].split("</ul>")[0]
    stops = [words(stop) for stop in strip.split("<li>")[1:]]
    gets = [re.search(r"MTRR (\S+), .*? WC becomes (\S+) ", stop).groups() for stop in stops]
    assert gets == [("UC", "UC"), ("WC", "UC"), ("WT", "WT"), ("WP", wp), ("WB", "WT")]
    by_pat = engine.memory_types()["effective"][vendor]
    assert gets == [(mtrr, by_pat[mtrr]["WT"]) for mtrr, _ in gets]
    assert "UC- or WB would have been WC here." in stops[1]
    assert "Incompatible" in stops[4]
    assert "Incompatible" not in stops[0]


def test_every_pair(read):
    page = read("/memory-types/")
    known, found = engine.memory_types(), tables(page)
    contexts = list(dict.fromkeys(pair["context"] for pair in known["pairs"]))
    seen = 0
    for context in contexts:
        head, *rows = found[f"Wanted by in force: {context}"]
        in_force = [cell.split()[0] for cell in head[1:]]
        for wanted, *cells in rows:
            for given, cell in zip(in_force, cells, strict=True):
                pair = pairs()[context, wanted, given]
                assert cell == f"{verdict_word(pair['verdict'])} {pair['consequence']}"
                seen += 1
    assert seen == len(known["pairs"])
    assert page.count("<details><summary><h3>") == len(contexts) == 5


def test_properties_and_harms(read):
    known, found = engine.memory_types(), tables(read("/memory-types/"))
    shown = {row[0]: row[1:] for row in found["Liberties and services of each memory type"] if len(row) > 1}
    for row in (*known["liberties"], *known["services"]):
        assert shown[row["title"]] == ["yes" if name in row["types"] else "no" for name in known["order"]]
    head, *rows = found["The verdict of each liberty that was not asked for, by context"]
    titles = {row["key"]: row["title"] for row in known["liberties"]}
    harms = {(titles[harm["liberty"]], harm["context"].lower()): harm["verdict"] for harm in known["harms"]}
    for title, *cells in rows:
        for context, cell in zip(head[1:], cells, strict=True):
            harm = harms.pop((title, context.lower()))
            assert cell == ("No harm" if harm == "compatible" else verdict_word(harm))
    assert harms == {}


@pytest.mark.parametrize("vendor", VENDORS)
def test_notes_disputes_and_bits(read, vendor):
    page = read(f"/memory-types/?vendor={vendor}")
    known, found = engine.memory_types(), tables(page)
    for note in known["notes"][vendor]:
        assert note in unescape(page)
    head, *rows = found["What each source says of the cells on which they differ"]
    for cell, row in zip(known["disputed"], rows, strict=True):
        assert row[0] == f"{cell['mtrr']} \N{MULTIPLICATION SIGN} {cell['pat']}"
        assert {source: said for source, said in zip(head[1:], row[1:], strict=True) if said[0] != "·"} == cell["said"]
    shown = found["Numbers of the bits PWT, PCD and PAT in each kind of entry"][1:]
    for leaf, row in zip(known["leaves"], shown, strict=True):
        pat = "none" if leaf["pat"] is None else f"bit {leaf['pat']}"
        assert [row[0], *row[2:]] == [leaf["title"], f"bit {leaf['pwt']}", f"bit {leaf['pcd']}", pat]
    assert [row[1] for row in shown[:4]] == ["4 KiB", "4 MiB", "2 MiB", "1 GiB"]


MODES = {
    "PV": ("pv_dom0", "pv_domu"),
    "PV, HVM, PVH": ("pv_dom0", "pv_domu", "native"),
    "PV dom0, HVM, PVH": ("pv_dom0", "native"),
    "PV domU, HVM, PVH": ("pv_domu", "native"),
    "PV dom0": ("pv_dom0",),
    "PV domU": ("pv_domu",),
    "HVM, PVH": ("native",),
}


def test_every_kernel(read):
    page = read("/kernels/")
    rows = iter(tables(page)["The PAT index that each kernel sets for each memory type, by how it runs"][1:])
    titles = {layout["key"]: layout["title"] for layout in engine.known_layouts()}
    for kernel in engine.known_guests():
        missing = {mode for mode in ("pv_dom0", "pv_domu", "native") if kernel[mode]}
        first = True
        while missing:
            row = next(rows)
            if first:
                assert row[0] == kernel["title"]
                assert row[9].startswith(titles.get(kernel["layout"], "none"))
                assert titles.get(kernel["errata_layout"], "") in row[9]
                assert row[10].startswith(kernel["confidence"])
            modes, indices, how = (row[1:] if first else row)[0], row[1 + first : 7 + first], row[7 + first]
            first = False
            for mode in MODES[modes]:
                behaviour = kernel[mode]
                missing.remove(mode)
                assert indices == [index_as_shown(index) for index in behaviour["indices"].values()]
                assert behaviour["title"].lower() in how.lower()
                assert how.startswith("Fixed: ") is not behaviour["reads_layout"]
                for cite in behaviour["cites"]:
                    assert cite in unescape(page)
    assert next(rows, None) is None


def index_as_shown(index):
    return {None: "· never set", "?": "? not known"}.get(index, f"PA{index}")


def test_every_family_has_one_anchor(read):
    page = read("/kernels/")
    families = list(dict.fromkeys(kernel["family"] for kernel in engine.known_guests()))
    assert re.findall(r'<tbody id="([^"]+)"', page) == families
    assert set(re.findall(r'href="#([^"]+)"', page)) == {"main", *families}


def test_losses_and_drivers(read):
    page = read("/kernels/")
    found = tables(page)
    shown = found["Linux series that lose the PAT bit"][1:]
    assert len(shown) == len(engine.known_losses())
    assert ["5.15", "up to 5.15.131", "5.15.132", "verified"] in shown
    assert ["3.19 to 5.9", "every release", "no release of the series", "verified"] in shown
    assert ["6.5", "up to 6.5.2", "6.5.3", "recalled"] in shown
    rows = found["Drivers, the memory types that they map, and what they insist on"][1:]
    for driver, row in zip(engine.known_drivers(), rows, strict=True):
        assert row[0].startswith(f"{driver['driver']} {driver['title']}")
        assert all(symbol in row[0] for symbol in driver["symbols"])
        wants = [want.partition("@") for want in (*driver["wants"], *driver["possible"])]
        for wanted, _, place in wants:
            assert re.search(rf"(?:^| ){re.escape(wanted)} [^@]*{place.upper()}", row[1])
        assert row[2] == driver["how"]
        assert all(one["effect"] in row[3] and one["condition"] in row[3] for one in driver["constraints"])
        assert (row[3] == "nothing") is not bool(driver["constraints"])


def test_hypervisors(read):
    page = read("/hypervisors/")
    known, found = engine.known_hypervisors(), tables(page)
    rows = iter(found["What Xen does, by matter and release"][1:])
    for facet in known["facets"]:
        for place, fact in enumerate(facet["rows"]):
            row = next(rows)
            assert row[0] == facet["title"] or place
            assert [cell.lower() for cell in row[-3:]] == [
                fact["since"],
                fact["text"].lower(),
                "; ".join(fact["cites"]).lower(),
            ]
    assert next(rows, None) is None
    windows = [row[1] for row in found["Releases that resume with the firmware's layout"][1:]]
    assert windows == ["every 3.2", "every 3.3", "every 4.14", "every 4.15", "4.16.0 to 4.16.3", "4.17.0"]
    ept = found["Rules by which Xen chooses the EPT memory type"][1:]
    for rule, row in zip(known["ept_rules"], ept, strict=True):
        assert row[0] == str(rule["number"])
        assert row[1].lower() == rule["condition"].lower()
        assert row[2] == (rule["emt"] or "what the condition names")
        assert (row[3] == "ignored") is bool(rule["ipat"])
    layouts = found["Layouts that processors, Xen and kernels are known to use"][1:]
    for layout, row in zip(known["layouts"], layouts, strict=True):
        assert row == [
            layout["title"],
            " ".join(layout["entries"]),
            layout["msr"],
            layout["confidence"],
            layout["origin"],
        ]
        assert f'id="layout-{layout["key"]}"' in page


def test_the_table_of_rules(read):
    page = read("/rules/")
    rules = engine.rules()
    shown = [row for table in tables(page).values() for row in table[1:]]
    assert [(row[0], row[1], row[2], row[3].lower()) for row in shown] == [
        (rule["id"], rule["title"], rule["severity"], rule["applies_to"].lower()) for rule in rules
    ]
    assert re.findall(r'href="/rules/(\w+)/"', page) == [rule["id"] for rule in rules]
    assert len(tables(page)) == len({rule["group"] for rule in rules})


def test_every_rule_shows_what_the_engine_says_of_its_examples(read):
    rules = engine.rules()
    for place, rule in enumerate(rules):
        page = read(f"/rules/{rule['id']}/")
        text = words(page)
        for part in (rule["title"], rule["about"], rule["applies_to"], *rule["cites"]):
            assert words(part).strip() in text, rule["id"]
        for key in ("fires", "silent"):
            section = words(page.split(f'aria-labelledby="{key}"')[1].split("</section>")[0])
            report = engine.analyse(rule[key])
            mine = [finding for finding in report["findings"] if finding["rule"] == rule["id"]]
            found = [finding for finding in mine if finding["state"] != "fixed"]
            assert bool(found) is (key == "fires")
            assert f"The whole report: {verdict_word(report['verdict'])}" in section
            for finding in found:
                assert f"{verdict_word(finding['verdict'])} " in section
                assert words(finding["message"]) in section
        assert (f'rel="prev" href="/rules/{rules[place - 1]["id"]}/"' in page) is (place > 0)
        assert ('rel="next"' in page) is (place < len(rules) - 1)


def test_an_example_to_which_the_rule_does_not_apply_says_why(read):
    rule = next(rule for rule in engine.rules() if rule["id"] == "DRV010")
    coverage = engine.analyse(rule["silent"])["coverage"]
    page = words(read("/rules/DRV010/"))
    reasons = [row["why"] for row in coverage["not_applicable"] if row["rule"] == "DRV010"]
    assert all(f"It does not apply: {why}" in page for why in reasons)
    assert reasons or "It has nothing to say here." in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/rules/ENC999/", 404),
        ("/rules/enc010/", 404),
        ("/memory-types/?vendor=via", 400),
        ("/memory-types/?mtrr=UC", 400),
        ("/kernels/?x=1", 400),
        ("/hypervisors/?x=1", 400),
        ("/rules/?x=1", 400),
        ("/rules/ENC010/?x=1", 400),
    ],
)
def test_addresses_that_mean_nothing(read, path, status):
    read(path, status)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_read_only_and_keeps_the_policy(client, db, path):
    answer = client.get(path)
    page = answer.text
    assert client.post(path).status_code == 405
    assert not re.search(r"<[^>]+\sstyle=|<style|\son\w+=|javascript:", page)
    ours = [f'<script src="/static/patreview/{name}" defer>' for name in ("htmx.min.js", "keys.js")]
    assert re.findall(r"<script[^>]*>", page) == ours
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert all("<a " not in summary for summary in re.findall(r"<summary>.*?</summary>", page))
    labels = re.findall(r'aria-labelledby="([^"]+)"', page)
    assert set(labels) <= set(ids)
    assert page.count("<table") == page.count("<caption")


@pytest.mark.parametrize("path", PAGES)
def test_the_navigation_leads_there(team, client, path):
    client.force_login(team.viewer.user)
    home = client.get("/").text
    nav = home.split('<ul class="nav">')[1].split("</ul>")[0]
    address = path.split("?")[0].replace("ENC010/", "")
    assert f'href="{address}"' in nav
    page = client.get(path).text
    here = page.split('<ul class="nav">')[1].split("</ul>")[0]
    assert f'href="{address}" aria-current="page"' in here


def test_one_next_action_for_each_reader(team, client):
    assert "/login/?next=/memory-types/" in client.get("/memory-types/").text
    client.force_login(team.submitter.user)
    assert f"/p/{team.project.slug}/submit/?kind=guest" in client.get("/memory-types/").text
    client.force_login(team.viewer.user)
    assert 'class="button primary"' not in client.get("/memory-types/").text


@pytest.mark.parametrize("path", PAGES)
def test_the_database_is_hardly_asked(team, client, path, django_assert_max_num_queries):
    client.force_login(team.submitter.user)
    client.get(path)
    with django_assert_max_num_queries(3):
        client.get(path)


def test_every_page_names_its_twin(read, team, client):
    twins = [re.search(r'<a href="(/api/v1/[^"]+)">open</a>', read(path))[1] for path in PAGES]
    client.force_login(team.viewer.user)
    assert [client.get(twin).status_code for twin in twins] == [200] * len(PAGES)


def test_links_lead_only_to_what_is_known():
    assert rule_link("ENC010") == '<a href="/rules/ENC010/">ENC010</a>'
    assert rule_link("OLD<1>") == "OLD&lt;1&gt;"
    kernel = engine.known_guests()[0]
    assert kernel_link(kernel["title"], "x") == f'<a href="/kernels/#{kernel["family"]}">x</a>'
    assert kernel_link(None, "PV dom0 <b>") == "PV dom0 &lt;b&gt;"
