"""What is not known must not look safe: every behaviour that the facts leave possible is judged."""

from typing import Any

import pytest

from simulator import analyse
from tests.unit.simulator.scenarios import (
    HEADER,
    LINUX,
    STOCK,
    Data,
    config_guest,
    findings_of,
    guest_scenario,
    layout_scenario,
    make_gpu,
    make_guest,
    make_linux,
    symbols,
)

OWN_BITS = {"WB": "0", "WC": "PAT", "UC-": "PCD", "UC": "PCD+PWT"}


def report_of(*guests: Data, layout: str = STOCK, release: str = "4.18", vendor: str = "any") -> Data:
    return analyse(guest_scenario(*guests, layout=layout, release=release, vendor=vendor))


def resumed(*guests: Data) -> Data:
    return analyse(layout_scenario(*guests, release="4.17"))


@pytest.mark.parametrize(
    ("stated", "missing"),
    [
        ({"mode": "pv", "devices": True}, "Role is missing, and it decides"),
        ({"role": "domU", "devices": True}, "Mode is missing, and it decides"),
    ],
)
def test_an_unknown_fact_does_not_hide_what_a_restore_does(stated: Data, missing: str) -> None:
    report = resumed(make_guest("a", family="linux", release="6.12.1", drivers=["amdgpu"], **stated))
    (finding,) = findings_of(report, "EVI020")
    assert (report["verdict"], finding["title"]) == ("indeterminate", missing)
    assert "compatible, incompatible once restored if " in finding["message"]
    (one,) = report["classes"]
    assert (one["before"], one["after"], one["resumed"]) == ("compatible", "compatible", "indeterminate")


def test_alternatives_are_told_apart_by_mode_and_role() -> None:
    report = resumed(make_guest("a", family="linux", release="6.12.1", mode="pv", drivers=["amdgpu"]))
    labels = [step["value"] for step in findings_of(report, "EVI020")[0]["steps"]]
    assert labels == [
        "PV dom0, Linux 6.12.1",
        "PV domU without devices, Linux 6.12.1",
        "PV domU with devices, Linux 6.12.1",
    ]


def test_all_possible_users_of_an_entry_are_named() -> None:
    report = resumed(make_guest("a", family="linux", release="6.12.1", mode="pv", role="domU", drivers=["amdgpu"]))
    (platform,) = report["platforms"]
    assert {user["wants"] for user in platform["entries"][4]["relied_on"]} == {"WC"}
    assert any((wire["from"], wire["to"], wire["type"]) == (4, 1, "WC") for wire in platform["wires"])
    masks = report_of(make_gpu("b", None, role="domU"))["platforms"][0]["entries"][0]
    assert masks["verdict"] == "indeterminate"


def test_an_unknown_mode_does_not_hide_nested_paging() -> None:
    guest = make_guest("a", family="linux", release="6.12.1", role="domU", devices=False)
    report = report_of(guest, layout="WB WT WC UC UC- WP UC UC", vendor="amd")
    assert report["verdict"] == "indeterminate"
    assert findings_of(report, "EVI020")[0]["title"] == "Mode is missing, and it decides"


def test_harmless_alternatives_are_their_worst() -> None:
    """WT by PA7 of Linux's layout is uncached on device memory, and so is PA3, where a lost PAT bit leads."""
    report = report_of(
        make_linux("a", "5.15.0-91-generic", role="dom0", needs=["WT@mmio"]), layout=LINUX, release="4.6"
    )
    assert (report["verdict"], findings_of(report, "EVI030")) == ("degraded", [])
    assert {one["subject"] for one in findings_of(report, "ENC020")} == {"WT on mmio"}


def test_alternatives_on_different_assumptions_are_not_one_answer() -> None:
    guest = make_guest("a", role="domU", devices=False, family="linux", release="2.6.24")
    report = report_of(guest, layout="WB WT UC- UC WT WP UC UC")
    assert report["verdict"] == "indeterminate"


# Stated encodings


def test_stated_bits_do_not_heal_a_lost_pat_bit() -> None:
    report = report_of(make_linux("a", "5.10.7", role="dom0", encodings=OWN_BITS, needs=["WC"]))
    assert report["verdict"] == "incompatible"
    (finding,) = findings_of(report, "ENC020", subject="WC on ram")
    assert finding["in_force"] == "WB"
    assert "these bits are stated" in finding["steps"][0]["why"]
    gap = report_of(make_linux("a", "6.1.0-56-amd64", role="dom0", encodings=OWN_BITS, needs=["WC"]))
    assert "state the full release" in findings_of(gap, "EVI030")[0]["fixes"][0]


def test_the_family_decides_whether_stated_bits_can_be_lost() -> None:
    unknown = make_guest("a", mode="pv", role="dom0", release="5.10.7", encodings=OWN_BITS, needs=["WC"])
    report = report_of(unknown)
    assert findings_of(report, "EVI020")[0]["title"] == "Family is missing, and it decides"
    safe = make_guest("a", mode="pv", role="dom0", release="6.12.1", encodings=OWN_BITS, needs=["WC"])
    assert report_of(safe)["verdict"] == "compatible"


def test_stated_bits_against_the_table_are_advice() -> None:
    report = report_of(make_linux("a", "6.12.1", role="dom0", encodings={"WC": "PWT"}, needs=["WC"]))
    (finding,) = findings_of(report, "EVI050")
    assert (finding["severity"], finding["verdict"], finding["entry"]) == ("advice", "compatible", 1)
    assert finding["message"] == (
        "a (PV dom0, Linux 6.12.1): PWT is stated for WC, and by the table this kernel sets PAT; what is stated counts."
    )
    assert {one["subject"]: one["in_force"] for one in findings_of(report, "ENC010")} == {
        "WC on mmio": "UC",
        "WC on ram": "WT",
    }
    assert findings_of(report_of(make_linux("a", "6.12.1", encodings={"WC": "PAT", "UC": "PCD+PWT"})), "EVI050") == []


def test_a_stated_type_is_not_asked_as_uc_minus() -> None:
    guest = make_linux("a", "3.2.71", role="dom0", encodings={"WC": "PAT"}, cmdline="nopat")
    assert report_of(guest)["verdict"] == "compatible"


def plain(**stated: Any) -> Data:
    return make_guest("a", mode="pv", role="domU", devices=False, **stated)


def test_xen_refuses_cache_bits_to_a_domu_without_devices() -> None:
    report = report_of(plain(family="stated", encodings={"WB": "PWT", "WC": "PAT"}))
    (finding,) = findings_of(report, "ENC060")
    assert (finding["subject"], finding["verdict"], finding["severity"]) == ("WB on ram", "incompatible", "function")
    assert report["sentence"] == 'a: Xen 4.18 refuses PWT to a domain without devices: "Bad L1 flags", -EINVAL.'
    lesser = report_of(plain(family="stated", encodings={"WB": "0", "WC": "PAT"}))
    assert (lesser["verdict"], findings_of(lesser, "ENC060")) == ("compatible", [])
    needed = report_of(plain(family="stated", encodings={"WB": "0", "WC": "PAT"}, needs=["WC@ram"]))
    (finding,) = findings_of(needed, "ENC060")
    assert '"Bad L1 flags", -EINVAL' in finding["message"]


def test_old_linux_as_a_plain_domu() -> None:
    for release in ("2.6.24", "2.6.25"):
        assert report_of(plain(family="linux", release=release))["verdict"] == "compatible"
    older = report_of(plain(family="linux", release="2.6.23"))
    assert (older["verdict"], findings_of(older, "EVI030")[0]["verdict"]) == ("indeterminate", "indeterminate")
    assert report_of(plain())["verdict"] == "compatible"


# Releases


def test_two_trees_of_one_name() -> None:
    """2.6.32.x is stable Linux, which sets native bits, and Jeremy Fitzhardinge's tree, which translates WC."""
    stable = report_of(make_gpu("a", "2.6.32.27"), layout=LINUX)
    assert stable["verdict"] == "compatible"
    jeremy = {"family": "linux-jeremy", "release": "2.6.32.27", "mode": "pv", "role": "dom0", "drivers": ["amdgpu"]}
    assert report_of(make_guest("a", **jeremy), layout=LINUX)["verdict"] == "incompatible"
    assert report_of(make_guest("a", **jeremy))["verdict"] == "compatible"


@pytest.mark.parametrize(
    ("family", "release", "gap"),
    [
        ("xenlinux", "2.6.16", "XenLinux 2.6.16 is older than 2.6.18, the oldest tree that was read"),
        ("suse-xenlinux", "2.6.16", "SUSE XenLinux 2.6.16 is older than 2.6.27, the oldest tree that was read"),
    ],
)
def test_ports_older_than_what_was_read(family: str, release: str, gap: str) -> None:
    report = report_of(make_guest("a", family=family, release=release, mode="pv", role="dom0"))
    (finding,) = findings_of(report, "EVI030")
    assert gap in finding["message"]
    assert report["sentence"] == f"a: {gap}."


@pytest.mark.parametrize(
    ("family", "release", "newest"), [("xenlinux", "2.6.32", "2.6.18"), ("suse-xenlinux", "4.12", "3.19")]
)
def test_ports_newer_than_what_was_read(family: str, release: str, newest: str) -> None:
    report = report_of(make_guest("a", family=family, release=release, mode="pv", role="dom0"))
    (finding,) = findings_of(report, "EVI060")
    assert f"{release} is newer than {newest}, the newest tree that was read" in finding["message"]
    assert (report["verdict"], finding["verdict"]) == ("compatible", "compatible")


def test_ports_that_were_read() -> None:
    for family, release in (("xenlinux", "2.6.18-xen"), ("suse-xenlinux", "3.0.101"), ("suse-xenlinux", None)):
        guest = make_guest("a", family=family, release=release, mode="pv", role="dom0")
        assert findings_of(report_of(guest), "EVI030") == findings_of(report_of(guest), "EVI060") == []


def test_linux_that_is_newer_than_what_was_read() -> None:
    report = report_of(make_linux("a", "7.3.1"))
    (finding,) = findings_of(report, "EVI060")
    assert (report["verdict"], finding["severity"]) == ("compatible", "advice")
    assert "7.3.1 is newer than 7.2" in finding["message"]
    assert findings_of(report_of(make_linux("a", "7.2.99")), "EVI060") == []


HIDDEN = (
    "g (PV dom0, Linux 5.15.0-91-generic): 5.15.131 drops the PAT bit, 5.15.132 keeps it, and 5.15.0-91-generic does "
    "not say which it is. Without the fix: incompatible; with it: compatible."
)


def test_a_hidden_patch_level_is_no_proof_that_the_fix_is_absent() -> None:
    hidden = report_of(make_gpu("g", "5.15.0-91-generic"))
    (finding,) = findings_of(hidden, "EVI030")
    assert (hidden["verdict"], finding["message"]) == ("indeterminate", HIDDEN)
    assert finding["title"] == "Whether this kernel keeps the PAT bit is not known"
    assert finding["fixes"][0].startswith(
        "send the kernel's .config, or state the full release (/proc/version prints it), "
    )
    assert hidden["sentence"] == (
        "It is not known whether Linux 5.15.0-91-generic (g) keeps the PAT bit: its .config tells."
    )
    assert report_of(make_linux("a", "6.12.0-55.el10"))["verdict"] == "compatible"


@pytest.mark.parametrize("release", ["5.14.0-427.el9", "4.18.0-553.el8", "6.2.0-39-generic"])
def test_a_vendors_kernel_of_a_series_without_the_fix_may_carry_it(release: str) -> None:
    report = report_of(make_gpu("a", release))
    assert report["verdict"] == "indeterminate"
    assert report["sentence"].endswith("keeps the PAT bit: its patches tell.")
    for commit in ("548cb932051f", "548CB93", "548cb932051fb6232ac983ed6673dae7bdf3cf4c"):
        patched = report_of(make_gpu("a", release, patches=[commit]))
        assert (patched["verdict"], findings_of(patched, "ENC020")) == ("compatible", [])
    assert report_of(make_gpu("a", release, patches=["72cbc8f04fe2"]))["verdict"] == "indeterminate"


@pytest.mark.parametrize("local", ["", 'CONFIG_LOCALVERSION="-default"\n'])
def test_a_header_with_patch_0_does_not_reveal_the_patch_level(local: str) -> None:
    names = ("XEN", "XEN_PV", "XEN_DOM0", "X86_64", "X86_PAT", "DRM_AMDGPU")
    text = HEADER.format(release="6.4.0") + symbols(*names) + local
    named = config_guest(text, release="6.4.0-150600.23-default")
    assert report_of(named)["verdict"] == "indeterminate"
    assert report_of(config_guest(text))["verdict"] == ("indeterminate" if local else "incompatible")
    assert report_of(config_guest(text.replace("6.4.0", "6.4.16"), release="6.4.0-1"))["verdict"] == "compatible"


# What a release says of the family


@pytest.mark.parametrize(
    ("release", "verdict", "behaviour"),
    [
        ("6.12.117", "compatible", "reads the layout at boot"),
        ("2.6.18", "degraded", "sets PCD and PWT alone, never the PAT bit"),
    ],
)
def test_a_release_may_need_no_family(release: str, verdict: str, behaviour: str) -> None:
    report = report_of(make_guest("a", mode="pv", role="dom0", release=release, drivers=["agp"]))
    assert (report["verdict"], report["classes"][0]["behaviour"]) == (verdict, behaviour)
    assert report["classes"][0]["title"] == f"PV dom0, kernel {release}, family unknown"


def test_a_release_of_no_known_family_is_a_gap() -> None:
    report = report_of(make_guest("a", mode="pv", role="dom0", release="2.6.20"))
    assert "older than 2.6.24" in findings_of(report, "EVI030")[0]["message"]
    plain = report_of(make_guest("a", mode="pv", role="domU", devices=False, release="2.6.18"))
    assert plain["verdict"] == "compatible"


# Answers that are one


def test_a_decided_start_is_told_beside_an_undecided_restore() -> None:
    report = resumed(make_guest("a", family="linux", release="6.12.1", mode="pv", devices=True, drivers=["amdgpu"]))
    (one,) = report["classes"]
    assert (report["verdict"], one["after"], one["resumed"]) == ("indeterminate", "compatible", "indeterminate")


def test_what_is_incompatible_in_every_case_is_incompatible() -> None:
    guest = make_guest("a", family="linux", release="5.15.1", mode="pv", devices=True, drivers=["amdgpu"])
    report = analyse(layout_scenario(guest, proposed="WT WC UC- UC WB WP UC- WT"))
    (one,) = report["classes"]
    assert (report["verdict"], one["after"]) == ("incompatible", "incompatible")


def test_conditional_in_every_case_is_conditional_on_all() -> None:
    bits = {"WC": "PWT", "UC-": "PCD"}
    report = report_of(make_guest("a", mode="pv", role="dom0", release="5.17", encodings=bits, needs=["WC"]))
    assert (report["verdict"], findings_of(report, "EVI020")) == ("conditional", [])
    assert {finding["rule"] for finding in report["findings"] if finding["assumption"]} == {"ENC010"}


def test_merged_cases_say_each_thing_once() -> None:
    """With devices and without them other types are needed, so what shadow paging makes of them differs."""
    guest = make_guest("a", mode="pvh", role="domU", encodings={"WC": "PWT"})
    report = analyse(layout_scenario(guest, layout="UC " * 8, proposed="WC " * 8))
    fingerprints = [finding["fingerprint"] for finding in report["findings"]]
    assert len(set(fingerprints)) == len(fingerprints)
