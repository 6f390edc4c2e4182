"""What a layout in force threatens besides encodings: PA0, Xen's test by index, Xen's own paging."""

import pytest

from simulator import analyse
from tests.unit.simulator.scenarios import (
    LINUX,
    STOCK,
    Data,
    findings_of,
    guest_scenario,
    layout_scenario,
    make_guest,
    make_linux,
)

NO_WC = "WB WT UC- UC WT WP UC UC"
PA2_WC = "WB WT WC UC UC- WP UC UC"


def report_of(*guests: Data, layout: str = STOCK, release: str = "4.18", vendor: str = "any") -> Data:
    return analyse(guest_scenario(*guests, layout=layout, release=release, vendor=vendor))


def test_a_layout_in_force_without_wb_at_pa0() -> None:
    report = report_of(make_linux("a", "6.12.1", devices=False), layout="WT WB UC- UC WC WP UC UC")
    assert report["verdict"] == "incompatible"
    assert findings_of(report, "LAY020")[0]["fix"] == "put WB at PA0"
    (dies,) = findings_of(report, "ENC010")
    assert (dies["title"], dies["fix"]) == ("The kernel stops at boot", "put WB at PA0")
    assert report["classes"][0]["wants"][0]["verdict"] == "incompatible"
    old = report_of(make_linux("a", "3.2", devices=False), layout="WT WB UC- UC WC WP UC UC")
    assert (findings_of(old, "LAY020")[0]["verdict"], old["classes"][0]["after"]) == ("incompatible", "degraded")


def test_every_pv_guest_wants_wb_by_no_bits() -> None:
    guest = make_guest("a", family="stated", mode="pv", role="dom0", encodings={"WC": "PAT"})
    (finding,) = findings_of(report_of(guest, layout="UC WB UC- UC WC WP UC UC"), "ENC010")
    assert (finding["wanted"], finding["in_force"], finding["fix"]) == ("WB", "UC", "put WB at PA0")
    assert "by index 0 (no cache bits)" in finding["message"]
    assert "on RAM under an MTRR of WB" in finding["message"]


def test_xen_tests_a_layout_in_force_by_index() -> None:
    guest = make_linux("a", "6.12.1", role="dom0")
    report = report_of(guest, layout=LINUX, release="4.17")
    (finding,) = findings_of(report, "XEN040")
    assert (report["verdict"], finding["verdict"], finding["entry"]) == ("conditional", "conditional", 1)
    assert finding["assumption"].startswith("Xen's get_page_from_l1e() was changed too")
    assert [step["kind"] for step in finding["steps"]] == ["premise", "consequence"]
    for layout, release in ((STOCK, "4.17"), (LINUX, "4.18"), (LINUX, "4.6")):
        assert findings_of(report_of(guest, layout=layout, release=release), "XEN040") == []
    masks = make_linux("b", "3.10", role="dom0")
    assert findings_of(report_of(masks, layout=LINUX, release="4.17"), "XEN040") == []


def test_an_entry_that_xen_lets_through() -> None:
    guest = make_guest("a", family="stated", mode="pv", role="dom0", encodings={"WT": "PAT"})
    (finding,) = findings_of(report_of(guest, layout=NO_WC, release="4.17"), "XEN040")
    assert (finding["severity"], finding["in_force"]) == ("correctness", "WT")


@pytest.mark.parametrize(
    ("vendor", "verdict", "words"),
    [
        ("intel", "compatible", ""),
        ("amd", "incompatible", "under nested paging Xen maps their RAM by PA0, here WB, and their MMIO by PA2"),
        ("any", "conditional", "if these guests run on AMD, then under nested paging"),
    ],
)
def test_nested_paging_by_vendor(vendor: str, verdict: str, words: str) -> None:
    guest = make_guest("a", mode="hvm", role="domU")
    report = report_of(guest, layout=PA2_WC, vendor=vendor)
    assert report["verdict"] == report["classes"][0]["after"] == verdict
    assert [words in one["message"] for one in findings_of(report, "XEN050")] == [True] * (vendor != "intel")


def test_a_type_that_shadow_paging_cannot_give() -> None:
    hvm, pvh = make_guest("h", mode="hvm", role="domU"), make_guest("p", mode="pvh", role="domU")
    report = report_of(hvm, pvh, layout=NO_WC)
    (finding,) = findings_of(report, "XEN050")
    assert (finding["guests"], finding["class"]) == (["h", "p"], None)
    assert finding["assumption"] == "these guests run with hardware-assisted paging: under shadow paging WC becomes UC"
    assert report["sentence"] == (
        "Each of 2 guests: right with hardware-assisted paging: under shadow paging WC becomes UC."
    )
    no_uc = report_of(hvm, layout="WB WT UC- UC- WC WP UC- UC-")
    assert findings_of(no_uc, "XEN050")[0]["title"] == "Under shadow paging UC becomes WB (PA0)"


def test_the_header_was_wrong_before_4_4() -> None:
    old = analyse(layout_scenario(release="4.3"))
    assert "prints, in columns that were wrong until 4.4, PA1 WT" in findings_of(old, "XEN020")[0]["message"]
    new = analyse(layout_scenario(release="4.4"))
    assert "prints PA1 WT" in findings_of(new, "XEN020")[0]["message"]


def test_kernels_that_cannot_choose_are_told_what_helps() -> None:
    report = report_of(make_linux("a", "3.10", role="dom0"))
    assert findings_of(report, "ENC030") == []
    fixes = {one["fix"] for one in findings_of(report, "ENC010")}
    assert fixes == {"run Linux 6.6 or later (or 6.1.53 or later of 6.1), which reads the MSR and keeps the PAT bit"}
    (first, *_) = findings_of(report, "ENC010")
    assert first["wanted"] == "WC"
    zero = make_guest("b", family="stated", mode="pv", role="dom0", encodings={"WC": "0"})
    assert findings_of(analyse(layout_scenario(zero)), "ENC010")[0]["fix"] == "map WC with PWT: PA1 holds it"


def test_linux_maps_no_ram_uc() -> None:
    report = report_of(make_linux("a", "6.12.1", role="dom0"), layout="WB WT UC- WT WC WP WT WT")
    assert (report["verdict"], findings_of(report, "ENC010")) == ("compatible", [])
    wc = report_of(make_linux("a", "6.12.1", role="dom0"), layout="WB WT UC- WC WC WP WT WT")
    (finding,) = [one for one in findings_of(wc, "ENC010") if one["wanted"] == "UC"]
    assert [one["mtrr"] for one in finding["outcomes"]] == ["UC", "WC"]
    xenlinux = make_guest("b", family="xenlinux", mode="pv", role="dom0")
    old = report_of(xenlinux, layout="WB WT UC- WT WC WP UC UC")
    (finding,) = [one for one in findings_of(old, "ENC010") if one["wanted"] == "UC"]
    assert finding["in_force"] == "WT"
    assert [one["mtrr"] for one in finding["outcomes"]] == ["UC", "WC", "WB"]


def test_only_xens_own_value_is_cited_as_xens() -> None:
    guest = make_guest("a", family="stated", mode="pv", role="dom0", encodings={"WC": "PWT"})
    steps = {step["kind"]: step["cites"] for step in findings_of(report_of(guest), "ENC010")[0]["steps"]}
    assert any("XEN_MSR_PAT" in cite for cite in steps["pat"])
    report = report_of(guest, layout="WB WT UC- UC WC WP UC- UC")
    steps = {step["kind"]: step["cites"] for step in findings_of(report, "ENC010")[0]["steps"]}
    assert steps["pat"][1] == "the layout that the scenario states for this platform"


def test_what_a_restore_means_is_said_of_ram() -> None:
    report = analyse(layout_scenario(make_linux("a", "6.12.1")))
    for finding in findings_of(report, "MIG010"):
        assert "on RAM under an MTRR of WB" in finding["message"]
        assert "a guest with a mapped BAR cannot be saved" in finding["steps"][1]["why"]
        assert finding["fix"].startswith("shut the guest down and boot it anew")
