"""A type that the guest's bits give and something else takes: an MTRR, an errata CPU, a hidden flag, nopat."""

from typing import Any

import pytest

from simulator import analyse

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


@pytest.mark.parametrize(
    ("guest", "fix"),
    [
        ({"cmdline": "nopat"}, "drop nopat from the kernel's command line"),
        ({"release": "5.17"}, "run Linux 6.0 or later, or a kernel with 72cbc8f04fe2 (5.19.6)"),
        ({"release": "5.17", "cmdline": "nopat"}, "drop nopat from the kernel's command line"),
    ],
)
def test_what_makes_pat_enabled_true(guest: dict[str, Any], fix: str) -> None:
    report = report_of({"drivers": ["i915"], **guest})
    assert findings(report, "DRV020")["WC on mmio"]["fixes"] == [fix]
    assert findings(report, "ENC040")["pat_enabled()"]["fixes"] == [fix]


def test_a_kernel_that_reads_no_layout_has_no_pat_enabled_to_speak_of() -> None:
    report = report_of({"release": "3.2", "cmdline": "nopat"}, xen="4.17")
    assert findings(report, "ENC040") == {}
