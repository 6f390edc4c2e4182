"""What a layout in force does besides encodings: PA0, Xen's correction of MMIO, Xen's own paging."""

from typing import Any

import pytest

from simulator import analyse
from tests.unit.simulator.scenarios import (
    LINUX,
    STOCK,
    Data,
    class_of,
    findings_of,
    guest_scenario,
    layout_scenario,
    make_gpu,
    make_guest,
    make_linux,
)

NO_WC = "WB WT UC- UC WT WP UC UC"
PA2_WC = "WB WT WC UC UC- WP UC UC"
PA0_WT = "WT WB UC- UC WC WP UC UC"
OWN_BITS = {"WB": "0", "WC": "PAT", "UC-": "PCD", "UC": "PCD+PWT"}
NATIVE_BITS = OWN_BITS | {"WC": "PWT"}


def report_of(*guests: Data, layout: str = STOCK, release: str = "4.18", **platform: Any) -> Data:
    return analyse(guest_scenario(*guests, layout=layout, release=release, **platform))


def stated(**encodings: str) -> Data:
    return make_guest("a", family="stated", mode="pv", role="dom0", encodings=OWN_BITS | encodings)


def windows(name: str = "a", **more: Any) -> Data:
    return make_guest(name, family="windows", mode="hvm", role="domU", **{"devices": False, **more})


# PA0


def test_a_layout_in_force_without_wb_at_pa0() -> None:
    report = report_of(make_linux("a", "6.12.1", devices=False), layout=PA0_WT)
    assert report["verdict"] == "incompatible"
    assert findings_of(report, "LAY020")[0]["fixes"] == ["put WB at PA0"]
    (dies,) = findings_of(report, "EVI010")
    assert (dies["title"], dies["fixes"], dies["severity"]) == (
        "The kernel stops at boot",
        ["put WB at PA0"],
        "function",
    )
    assert {want["type"]: want["verdict"] for want in report["classes"][0]["wants"]}["WB"] == "incompatible"
    assert findings_of(report, "ENC010") == []
    old = report_of(make_linux("a", "3.2", devices=False), layout=PA0_WT)
    assert (findings_of(old, "LAY020")[0]["verdict"], old["classes"][0]["after"]) == ("incompatible", "degraded")


def test_every_pv_guest_wants_wb_by_no_bits() -> None:
    report = report_of(stated(), layout="UC WB UC- UC WC WP UC UC")
    (finding,) = findings_of(report, "ENC010")
    assert (finding["wanted"], finding["in_force"], finding["verdict"]) == ("WB", "UC", "degraded")
    assert "by index 0 (no cache bits)" in finding["message"]
    assert finding["outcomes"][0]["context"] == "RAM under an MTRR of WB"
    assert finding["fixes"] == ["put WB at PA0"]
    assert findings_of(report, "ENC030") == []


# Xen's correction of MMIO mappings


def test_xen_tests_a_layout_in_force_by_index() -> None:
    report = report_of(make_gpu("a", "6.12.1"), layout=LINUX, release="4.17")
    (finding,) = findings_of(report, "XEN100")
    assert (finding["subject"], finding["entry"], finding["verdict"]) == ("WC on mmio", 1, "compatible")
    assert finding["fixes"] == ["carry 40b05620e2 of Xen 4.18, which tests the type"]
    (slow,) = findings_of(report, "ENC010")
    assert (slow["subject"], slow["verdict"], slow["in_force"], slow["fixes"]) == ("WC on mmio", "degraded", "UC", [])
    (step,) = [step for step in slow["steps"] if step["kind"] == "correction"]
    assert (step["value"], step["types"]) == ("PA3: UC", ["WC", "UC"])


@pytest.mark.parametrize(
    ("layout", "release", "more"),
    [
        (STOCK, "4.17", {}),
        (LINUX, "4.18", {}),
        (LINUX, "4.6", {}),
        (LINUX, "4.17", {"cmdline": "mmio-relax=all"}),
        (LINUX, "4.17", {"cmdline": "mmio_relax"}),
        (LINUX, "4.17", {"patches": ["40b05620e2"]}),
    ],
)
def test_where_xen_leaves_wc_alone(layout: str, release: str, more: Data) -> None:
    report = report_of(make_gpu("a", "6.12.1"), layout=layout, release=release, **more)
    assert (report["verdict"], findings_of(report, "XEN100")) == ("compatible", [])


def test_mmio_relax_for_dom0_alone() -> None:
    gpu = make_gpu("a", "6.12.1", role="domU")
    for relax, verdict in (("mmio-relax", "degraded"), ("mmio-relax=all", "compatible"), ("", "degraded")):
        assert report_of(gpu, layout=LINUX, release="4.17", cmdline=relax)["verdict"] == verdict


def test_cacheable_mappings_of_mmio_become_pcd_and_pwt() -> None:
    """UC by PWT: Xen 4.18 turns the cacheable WT to PCD+PWT, which is WC here."""
    report = report_of(stated(UC="PWT", WC="PCD+PWT"), layout="WB WT UC- WC WC WP UC UC")
    (finding,) = findings_of(report, "ENC010")
    assert (finding["subject"], finding["entry"], finding["in_force"]) == ("UC on mmio", 1, "WC")
    (step,) = [step for step in finding["steps"] if step["kind"] == "correction"]
    assert (step["value"], step["types"]) == ("PA3: WC", ["WT", "WC"])
    plain = report_of(stated(UC="PWT", WC="PCD+PWT"), layout="WB WT UC- WC WC WP UC UC", release="4.6")
    assert findings_of(plain, "ENC010") == []


def test_an_uncached_mapping_is_not_corrected() -> None:
    report = report_of(stated(WC="PWT"), layout="WB UC UC- WB WC WP UC UC")
    for finding in findings_of(report, "ENC010"):
        assert "correction" not in [step["kind"] for step in finding["steps"]]


# Guests with a PAT of their own


@pytest.mark.parametrize(
    ("vendor", "verdict", "words"),
    [
        ("intel", "compatible", ""),
        ("amd", "incompatible", "under nested paging Xen maps their RAM by PA0, here WB, and their MMIO by PA2"),
        ("any", "conditional", "if these guests run on AMD, then under nested paging"),
    ],
)
def test_nested_paging_by_vendor(vendor: str, verdict: str, words: str) -> None:
    report = report_of(windows(), layout=PA2_WC, vendor=vendor)
    assert report["verdict"] == report["classes"][0]["after"] == verdict
    assert [words in one["message"] for one in findings_of(report, "XEN050")] == [True] * (vendor != "intel")


def test_a_type_that_shadow_paging_cannot_give() -> None:
    """Only a type that is needed counts: under EPT and nested paging Xen's own layout gives no guest its types."""
    needy = {"devices": True, "needs": ["WC"]}
    report = report_of(windows("h", **needy), windows("i", **needy), layout=NO_WC, vendor="intel")
    (finding,) = findings_of(report, "XEN050")
    assert (finding["guests"], finding["title"]) == (["h", "i"], "Under shadow paging WC becomes UC")
    assert findings_of(report_of(windows(), layout=NO_WC), "XEN050") == []
    no_uc = report_of(windows(devices=True, needs=["UC@ram"]), layout="WB WT UC- UC- WC WP UC- UC-")
    (finding,) = findings_of(no_uc, "XEN050")
    assert finding["assumption"] == (
        "these guests run with hardware-assisted paging: under shadow paging UC becomes WB (PA0)"
    )
    assert no_uc["sentence"] == "a: right with hardware-assisted paging: under shadow paging UC becomes WB (PA0)."


def test_a_mode_excludes_the_families_that_cannot_boot_in_it() -> None:
    hvm, pvh = make_guest("win", mode="hvm", role="domU"), make_guest("pvh", mode="pvh", role="dom0")
    report = analyse(layout_scenario(hvm, proposed="WB WT WT UC WC WP UC- UC"))
    (finding,) = findings_of(report, "XEN050")
    assert (finding["guests"], finding["entry"], finding["verdict"]) == (["win"], 2, "conditional")
    assert class_of(report, "win")["behaviour"] == "has a PAT of its own"
    assert report_of(hvm, vendor="intel")["verdict"] == "compatible"
    assert report_of(pvh, vendor="intel", release="4.22")["classes"][0]["title"] == "PVH dom0, family unknown"


def test_hvm_guests_have_a_pat_of_their_own() -> None:
    report = analyse(layout_scenario(windows(), proposed="WB WT WT UC WC WP UC- UC"))
    (finding,) = findings_of(report, "XEN050")
    assert (finding["entry"], finding["verdict"]) == (2, "conditional")
    assert class_of(report, "a")["behaviour"] == "has a PAT of its own"
    fine = analyse(layout_scenario(windows()))
    assert findings_of(fine, "XEN050") == []
    faulty = analyse(layout_scenario(windows(), proposed="UC WT UC- UC WC WP UC- WB"))
    assert findings_of(faulty, "XEN050")[0]["entry"] == 0
    assert [entry["relied_on"] for entry in fine["platforms"][0]["entries"]] == [[]] * 8


# What would do


def test_the_header_was_wrong_before_4_4() -> None:
    old = analyse(layout_scenario(release="4.3"))
    assert "prints, in columns that were wrong until 4.4, PA1 WT" in findings_of(old, "XEN020")[0]["message"]
    new = analyse(layout_scenario(release="4.4"))
    assert "prints PA1 WT" in findings_of(new, "XEN020")[0]["message"]


def test_kernels_that_cannot_choose_are_told_what_helps() -> None:
    report = report_of(make_gpu("a", "3.10"))
    assert findings_of(report, "ENC030") == []
    assert {fix for one in findings_of(report, "ENC010") for fix in one["fixes"]} == {
        "run Linux 6.6 or later (or 6.1.53 or later of 6.1), which reads the MSR and keeps the PAT bit"
    }
    first = findings_of(report, "ENC010")[0]
    assert (first["wanted"], first["verdict"]) == ("WC", "incompatible")
    zero = findings_of(analyse(layout_scenario(stated(WC="0"))), "ENC010")
    assert {fix for one in zero for fix in one["fixes"]} == {"map WC with PWT: PA1 holds it"}


def test_linux_maps_no_uc_of_ram_unless_a_driver_does() -> None:
    layout = "WB WT UC- WT WC WP WT WT"
    assert report_of(make_gpu("a", "6.12.1"), layout=layout)["verdict"] == "compatible"
    stated_need = report_of(make_linux("a", "6.12.1", role="dom0", needs=["UC@ram"]), layout=layout)
    (finding,) = findings_of(stated_need, "ENC010")
    assert (finding["subject"], finding["in_force"], finding["verdict"]) == ("UC on ram", "WT", "incompatible")


def test_only_xens_own_value_is_cited_as_xens() -> None:
    guest = stated(WC="PWT")
    steps = {step["kind"]: step["cites"] for step in findings_of(report_of(guest), "ENC010")[0]["steps"]}
    assert any("XEN_MSR_PAT" in cite for cite in steps["pat"])
    report = report_of(guest, layout="WB WT UC- UC WC WP UC- UC")
    steps = {step["kind"]: step["cites"] for step in findings_of(report, "ENC010")[0]["steps"]}
    assert steps["pat"][1] == 'the scenario, "layout": the layout that it states for this platform'


def test_what_a_restore_means_is_said_of_ram() -> None:
    report = analyse(layout_scenario(make_gpu("a", "6.12.1", role="domU")))
    found = {finding["subject"]: finding for finding in findings_of(report, "MIG010")}
    assert (found["WC on ram"]["verdict"], found["WC on mmio"]["verdict"]) == ("incompatible", "degraded")
    for finding in found.values():
        assert finding["steps"][1]["value"] == "flags travel as they are"
        assert "a mapped BAR stops the save" in finding["steps"][1]["why"]
        assert finding["fixes"][0].startswith("shut the guest down and boot it anew")
