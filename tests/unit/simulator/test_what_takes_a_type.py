"""A type that the guest's bits give and something else takes: an MTRR, an errata CPU, a hidden flag, nopat."""

from typing import Any

import pytest

from simulator import analyse, explain

LINUX = "WB WC UC- UC WB WP UC- WT"
RAM_IS_WC = {"default": "UC", "variable": [{"base": "0x0", "size": "0x80000000", "type": "WC"}]}


def report_of(guest: dict[str, Any], **platform: Any) -> Any:
    facts = {"name": "dom0", "guest": "linux", "release": "6.12.1", "mode": "pv", "role": "dom0", **guest}
    return analyse({"platform": platform, "guests": [facts]})


def findings(report: Any, rule: str) -> dict[str, Any]:
    return {one["subject"]: one for one in report["findings"] if one["rule"] == rule}


@pytest.mark.parametrize(
    ("need", "mtrr", "verdict", "got"),
    [
        ("WB@ram", RAM_IS_WC, "incompatible", "WC"),
        ("WB@ram", {"default": "UC"}, "degraded", "UC"),
        ("WT@ram", {"default": "UC"}, "degraded", "UC"),
    ],
)
def test_an_mtrr(need: str, mtrr: Any, verdict: str, got: str) -> None:
    """SDM vol. 3A, table of effective page-level types: PAT WB or WT under an MTRR of WC or UC."""
    wanted, place = need.split("@")
    finding = findings(report_of({"needs": [need]}, mtrr=mtrr), "ENC010")[f"{wanted} on {place}"]
    assert finding["verdict"] == verdict
    assert f"gets {got}, for the MTRR there says {got}" in finding["message"]
    assert finding["fixes"] == [f"give the range an MTRR that leaves {wanted} as it is"]
    assert finding["title"].startswith(f"{wanted} by ")
    assert f" is {got} on " in finding["title"]


def test_the_sentence_says_what_is_in_force() -> None:
    report = report_of({"needs": ["WB@ram"]}, mtrr=RAM_IS_WC)
    assert report["sentence"].startswith("Linux 6.12.1 (dom0) asks for WB by PA0 and gets WC in RAM")


def test_mtrrs_that_are_off() -> None:
    """No range helps where they are off: EFF020 says what does."""
    report = report_of({"needs": ["WB@ram"]}, mtrr={"enabled": False})
    finding = findings(report, "ENC010")["WB on ram"]
    assert "gets UC, for the MTRRs are off" in finding["message"]
    assert finding["fixes"] == []
    assert findings(report, "EFF020")


def test_device_memory_is_not_to_be_made_cacheable() -> None:
    report = report_of({"needs": ["WB@mmio"]}, xen="4.17", cmdline="mmio-relax=all")
    assert findings(report, "ENC010")["WB on mmio"]["fixes"] == []


def test_a_range_of_wc_beside_a_cacheable_default_is_not_the_ram() -> None:
    ranges = {"default": "WT", "variable": [{"base": "0xd0000000", "size": "0x10000000", "type": "WC"}]}
    assert findings(report_of({"needs": ["WB@ram"]}, mtrr=ranges), "ENC010")["WB on ram"]["verdict"] == "degraded"


def test_an_mtrr_that_leaves_the_type() -> None:
    ranges = {"default": "UC", "variable": [{"base": "0x0", "size": "0x80000000", "type": "WB"}]}
    assert report_of({"needs": ["WB@ram"]}, mtrr=ranges)["verdict"] == "compatible"


def test_an_errata_cpu_is_no_place_for_the_pat_bit() -> None:
    """WC by PA4 acts as PA0: no advice to set the bit that is lost."""
    report = report_of({"drivers": ["i915"]}, errata_cpu=True)
    finding = findings(report, "ENC010")["WC on ram"]
    assert "index 4 (PAT, which an errata CPU may take for PA0) and gets WB" in finding["message"]
    assert finding["fixes"] == []
    assert findings(report, "ENC080")["WC on ram"]["fixes"] == [
        "use a layout whose entries 4 to 7 repeat entries 0 to 3"
    ]


def test_an_errata_cpu_may_keep_the_bit_and_be_worse() -> None:
    """PA4 holds UC and folds to WC at PA0: what the bit gives where it is not lost counts, and is slower."""
    guest = {"guest": "stated", "release": None, "encodings": {"WC": "PAT"}}
    report = report_of(guest, errata_cpu=True, xen="4.18", layout="WC WT UC- UC UC WP UC UC")
    assert findings(report, "ENC080")["WC on ram"]["verdict"] == "degraded"


def test_no_entry_with_the_pat_bit_is_offered_on_an_errata_cpu() -> None:
    guest = {"guest": "xenlinux", "release": "2.6.18", "needs": ["WC@ram"]}
    fixes = {
        errata: findings(report_of(guest, errata_cpu=errata, xen="4.17"), "ENC010")["WC on ram"]["fixes"]
        for errata in (False, True)
    }
    assert fixes == {False: ["map WC with PAT: PA4 holds it"], True: []}


@pytest.mark.parametrize(("release", "index"), [("4.4.120", 7), ("4.4.121", 1), ("4.6", 7), ("4.7", 1)])
def test_cpuid_hidden_from_a_pv_guest(release: str, index: int) -> None:
    """With the rework of 4.7, which 4.4.121 carries, it assumes the reset layout: WT by PA1, where 4.6 reads PA7."""
    guest = {"release": release, "hide_cpuid_pat": True, "needs": ["WT@ram"]}
    (one,) = report_of(guest, xen="4.18", layout=LINUX)["classes"]
    (want,) = [want for want in one["wants"] if want["type"] == "WT"]
    assert want["after"]["index"] == index


NO_NOPAT = "drop nopat from the kernel's command line"
NEWER = "run Linux 6.0 or later, or a kernel with 72cbc8f04fe2 (5.19.6)"


@pytest.mark.parametrize(
    ("guest", "fixes"),
    [
        ({"cmdline": "nopat"}, [NO_NOPAT]),
        ({"release": "5.17"}, [NEWER]),
        ({"release": "5.17", "cmdline": "nopat"}, [NO_NOPAT, NEWER]),
        ({"release": "5.17", "hide_cpuid_pat": True}, ["show CPUID.PAT to the guest", NEWER]),
        (
            {"mode": "hvm", "role": "domU", "devices": True, "release": "6.1", "hide_cpuid_mtrr": True},
            ["show CPUID.MTRR to the guest, or run Linux 6.2 or later"],
        ),
    ],
)
def test_what_makes_pat_enabled_true(guest: dict[str, Any], fixes: list[str]) -> None:
    """Each of several reasons makes it false alone, so each needs its fix."""
    report = report_of({"drivers": ["i915"], **guest})
    assert findings(report, "DRV020")["WC on mmio"]["fixes"] == fixes
    assert findings(report, "ENC040")["pat_enabled()"]["fixes"] == fixes


@pytest.mark.parametrize(("release", "is_told"), [("4.4.120", False), ("4.4.121", True), ("4.6", False), ("4.7", True)])
def test_the_rework_of_4_7_makes_pat_enabled_false_where_cpuid_is_hidden(release: str, is_told: bool) -> None:
    assert bool(findings(report_of({"release": release, "hide_cpuid_pat": True}), "ENC040")) is is_told


def test_a_kernel_that_reads_no_layout_has_no_pat_enabled_to_speak_of() -> None:
    report = report_of({"release": "3.2", "cmdline": "nopat"}, xen="4.17")
    assert findings(report, "ENC040") == {}


def test_xen_takes_the_pat_bit_of_device_memory_before_the_kernel_could_lose_it() -> None:
    """Linux's layout, WT by PA7: from 4.7 on Xen writes PCD+PWT, which has no PAT bit; 4.6 leaves PA7 to be lost."""
    guest = {"release": "5.10", "needs": ["WT@mmio"]}
    for xen, is_lost in (("4.6", True), ("4.18", False)):
        assert bool(findings(report_of(guest, xen=xen, layout=LINUX), "ENC020")) is is_lost


def test_what_a_lost_bit_leads_to_may_be_turned_by_xen() -> None:
    """WC by PA4 of Xen's layout is let through; without the PAT bit it is WB, which Xen turns to UC."""
    report = report_of({"release": "5.10", "drivers": ["i915"]}, xen="4.17")
    assert "and PA0 (WB) is turned to UC by Xen" in findings(report, "ENC020")["WC on mmio"]["message"]
    assert "and PA0 is WB" in findings(report, "ENC020")["WC on ram"]["message"]


def test_a_mapping_that_may_not_be_there_is_shown_conditional() -> None:
    """i915 as a module may be absent: the pair is right, and what is said of it is conditional."""
    config = {"name": "c", "text": "CONFIG_X86_PAT=y\nCONFIG_MTRR=y\nCONFIG_DRM_I915=m\n"}
    guest = {"name": "a", "guest": "linux", "release": "5.10.1", "mode": "pv", "role": "dom0", "config": config}
    answer = explain({"platform": {}, "guests": [guest]})
    assert {one["wanted"]: one["verdict"] for one in answer["mappings"]}["WC"] == answer["verdict"] == "conditional"


def test_a_guest_that_programs_no_layout() -> None:
    guest = {"guest": "mirageos", "release": None, "mode": "hvm", "role": "domU", "devices": True, "needs": ["WC"]}
    message = findings(report_of(guest), "ENC050")["WC on ram"]["message"]
    assert "(MirageOS (Solo5) programs none: the reset value stays)" in message
