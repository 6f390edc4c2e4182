"""What is not known must not look safe: every behaviour that the facts leave possible is judged."""

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
    make_guest,
    make_linux,
)

OWN_BITS = {"WB": "0", "WC": "PAT", "UC-": "PCD", "UC": "PCD+PWT"}
HEADER = "# Linux/x86 {release} Kernel Configuration\n"


def report_of(*guests: Data, layout: str = STOCK, release: str = "4.18", vendor: str = "any") -> Data:
    return analyse(guest_scenario(*guests, layout=layout, release=release, vendor=vendor))


def resumed(*guests: Data) -> Data:
    return analyse(layout_scenario(*guests, release="4.17"))


@pytest.mark.parametrize(
    ("stated", "missing"),
    [
        ({"mode": "pv", "role": "domU"}, "Devices are missing, and they decide"),
        ({"mode": "pv", "devices": True}, "Role is missing, and it decides"),
        ({"role": "domU", "devices": True}, "Mode is missing, and it decides"),
    ],
)
def test_an_unknown_fact_does_not_hide_what_a_restore_does(stated: Data, missing: str) -> None:
    report = resumed(make_guest("a", family="linux", release="6.12.1", **stated))
    (finding,) = findings_of(report, "EVI020")
    assert (report["verdict"], finding["title"]) == ("indeterminate", missing)
    assert "then compatible, incompatible once restored" in finding["message"]
    (one,) = report["classes"]
    assert (one["before"], one["after"], one["resumed"]) == ("compatible", "indeterminate", "indeterminate")
    assert "MIG010" in {row["rule"] for row in report["coverage"]["undecided"]}


def test_alternatives_are_told_apart_by_mode_and_role() -> None:
    report = resumed(make_guest("a", family="linux", release="6.12.1", mode="pv"))
    labels = [step["value"] for step in findings_of(report, "EVI020")[0]["steps"]]
    assert labels == [
        "PV dom0, Linux 6.12.1",
        "PV domU without devices, Linux 6.12.1",
        "PV domU with devices, Linux 6.12.1",
    ]


def test_all_possible_users_of_an_entry_are_named() -> None:
    report = resumed(make_guest("a", family="linux", release="6.12.1", mode="pv", role="domU"))
    (platform,) = report["platforms"]
    assert {user["wants"] for user in platform["entries"][4]["relied_on"]} == {"WC"}
    assert any((wire["from"], wire["to"], wire["type"]) == (4, 1, "WC") for wire in platform["wires"])
    masks = report_of(make_linux("b", None))["platforms"][0]["entries"][0]
    assert masks["verdict"] == "indeterminate"


def test_an_unknown_mode_does_not_hide_nested_paging() -> None:
    guest = make_guest("a", family="linux", release="6.12.1", role="domU", devices=False)
    report = report_of(guest, layout="WB WT WC UC UC- WP UC UC", vendor="amd")
    assert report["verdict"] == "indeterminate"
    assert findings_of(report, "EVI020")[0]["title"] == "Mode is missing, and it decides"


def test_harmless_alternatives_are_their_worst() -> None:
    report = report_of(make_linux("a", "6.6.3", role="dom0"), layout=LINUX)
    assert (report["verdict"], findings_of(report, "EVI030")) == ("degraded", [])
    (finding,) = findings_of(report, "ENC020")
    assert "1 more of its possible behaviours lead to a verdict no worse" in finding["steps"][0]["why"]


def test_alternatives_on_different_assumptions_are_not_one_answer() -> None:
    guest = make_guest("a", role="domU", devices=False, family="linux", release="2.6.24")
    report = report_of(guest, layout="WB WT UC- UC WT WP UC UC")
    assert report["verdict"] == "indeterminate"


# Stated encodings


def test_stated_bits_do_not_heal_a_lost_pat_bit() -> None:
    report = report_of(make_linux("a", "5.10.7", role="dom0", encodings=OWN_BITS))
    assert report["verdict"] == "incompatible"
    (finding,) = findings_of(report, "ENC020")
    assert (finding["wanted"], finding["in_force"]) == ("WC", "WB")
    assert "these bits are stated" in finding["steps"][0]["why"]
    gap = report_of(make_linux("a", "6.6.3", role="dom0", encodings=OWN_BITS))
    assert findings_of(gap, "EVI030")[0]["fix"] == "run a release that the table decides"


def test_the_family_decides_whether_stated_bits_can_be_lost() -> None:
    unknown = make_guest("a", mode="pv", role="dom0", release="5.10.7", encodings=OWN_BITS)
    report = report_of(unknown)
    assert findings_of(report, "EVI020")[0]["title"] == "Family is missing, and it decides"
    safe = make_guest("a", mode="pv", role="dom0", release="6.12.1", encodings=OWN_BITS)
    assert report_of(safe)["verdict"] == "compatible"


def test_stated_bits_against_the_table_are_advice() -> None:
    report = report_of(make_linux("a", "6.12.1", role="dom0", encodings={"WC": "PWT"}))
    (finding,) = findings_of(report, "EVI050")
    assert (finding["severity"], finding["verdict"], finding["entry"]) == ("advice", "compatible", 1)
    assert finding["message"] == (
        "a (PV dom0, Linux 6.12.1): PWT is stated for WC, and by the table this kernel sets PAT; what is stated counts."
    )
    assert findings_of(report, "ENC010")[0]["in_force"] == "WT"
    assert findings_of(report_of(make_linux("a", "6.12.1", encodings={"WC": "PAT", "UC": "PCD+PWT"})), "EVI050") == []


def test_a_stated_type_is_not_asked_as_uc_minus() -> None:
    guest = make_linux("a", "3.2.71", role="dom0", encodings={"WC": "PAT"}, cmdline="nopat")
    assert report_of(guest)["verdict"] == "compatible"


def plain(**stated: Any) -> Data:
    return make_guest("a", mode="pv", role="domU", devices=False, **stated)


def test_xen_refuses_cache_bits_to_a_domu_without_devices() -> None:
    report = report_of(plain(family="stated", encodings={"WB": "PWT", "WC": "PAT"}))
    assert {one["wanted"]: one["verdict"] for one in findings_of(report, "ENC010")} == {
        "WB": "incompatible",
        "WC": "conditional",
    }
    assert report["sentence"] == "a: Xen refuses every mapping with PWT to a domain without devices."
    lesser = report_of(plain(family="stated", encodings={"WB": "0", "WC": "PAT"}))
    (finding,) = findings_of(lesser, "ENC010")
    assert lesser["verdict"] == "conditional"
    assert finding["assumption"] == "it never maps with PAT: Xen refuses such a mapping"
    assert '"Bad L1 flags", -EINVAL' in finding["message"]


def test_old_linux_as_a_plain_domu() -> None:
    assert report_of(plain(family="linux", release="2.6.25"))["verdict"] == "compatible"
    report = report_of(plain(family="linux", release="2.6.24"))
    assert findings_of(report, "ENC010")[0]["title"] == "UC by PWT is refused to a domU without devices"
    older = report_of(plain(family="linux", release="2.6.23"))
    assert (older["verdict"], findings_of(older, "EVI030")[0]["verdict"]) == ("indeterminate", "indeterminate")
    assert report_of(plain())["verdict"] == "compatible"


# Releases


def test_two_trees_of_one_name() -> None:
    report = report_of(make_linux("a", "2.6.32.27", role="dom0"), layout=LINUX)
    assert report["verdict"] == "indeterminate"
    (finding,) = findings_of(report, "EVI030")
    assert "two trees are called Linux 2.6.32.x, and only one of them translates WC" in finding["message"]
    assert "Linux 2.6.32.27 that translates WC to the PAT bit" in finding["message"]
    assert finding["fix"].startswith("state the encodings of this kernel, or")
    for release in ("2.6.32", "2.6.31.5"):
        assert report_of(make_linux("a", release, role="dom0"), layout=LINUX)["verdict"] == "compatible"


@pytest.mark.parametrize(
    ("family", "release", "gap"),
    [
        ("xenlinux", "2.6.32", "XenLinux 2.6.32 was not read; XenLinux 2.6.18 was"),
        ("suse-xenlinux", "4.12", "SUSE XenLinux 4.12 was not read; SUSE XenLinux 2.6.27 to 4.4 was"),
    ],
)
def test_ports_outside_what_was_read(family: str, release: str, gap: str) -> None:
    report = report_of(make_guest("a", family=family, release=release, mode="pv", role="dom0"))
    (finding,) = findings_of(report, "EVI030")
    assert gap in finding["message"]
    assert report["sentence"] == f"a: {gap}."
    assert report_of(plain(family=family, release=release))["verdict"] == "compatible"


def test_ports_that_were_read() -> None:
    for family, release in (("xenlinux", "2.6.18-xen"), ("suse-xenlinux", "3.0.101"), ("suse-xenlinux", None)):
        guest = make_guest("a", family=family, release=release, mode="pv", role="dom0")
        assert findings_of(report_of(guest), "EVI030") == []


def test_linux_that_is_newer_than_what_was_read() -> None:
    report = report_of(make_linux("a", "7.3.1"))
    (finding,) = findings_of(report, "EVI060")
    assert report["verdict"] == "conditional"
    assert finding["assumption"] == "it still builds its tables from the MSR as 7.2 does"
    assert report_of(make_linux("a", "7.2.99"))["verdict"] == "compatible"


def test_a_distributions_release_decides_by_its_series() -> None:
    hidden = report_of(make_linux("a", "6.1.0-56-amd64", role="dom0"))
    assert hidden["verdict"] == "indeterminate"
    assert "(its name hides the patch level): 6.1.52 lacks it; 6.1.53 has it" in hidden["findings"][0]["message"]
    assert report_of(make_linux("a", "6.12.0-55.el10"))["verdict"] == "compatible"
    assert report_of(make_linux("a", "5.14.0-362.el9"))["verdict"] == "incompatible"


# Drivers that ask pat_enabled()


@pytest.mark.parametrize(
    ("release", "cmdline", "verdict"),
    [
        ("6.12.1", "nopat", "conditional"),
        ("6.12.1", "quiet", "compatible"),
        ("5.17", "", "conditional"),
        ("5.16", "", "degraded"),
        ("6.0-rc1", "", "conditional"),
        ("6.0.19", "", "degraded"),
    ],
)
def test_pat_enabled(release: str, cmdline: str, verdict: str) -> None:
    report = report_of(make_linux("a", release, role="dom0", cmdline=cmdline), layout=LINUX)
    assert report["verdict"] == verdict
    for finding in findings_of(report, "ENC040"):
        assert finding["severity"] == "function"
        assert finding["assumption"] == "no driver refuses WC without pat_enabled() (i915 does from 5.17)"
        assert finding["fix"] in ("drop nopat", "run a kernel with 72cbc8f04fe2 (6.0 and later have it)")


def test_without_mtrr_there_is_no_pat() -> None:
    file = {"role": "config", "name": "c", "text": "# CONFIG_MTRR is not set\n"}
    report = report_of(make_guest("a", file, family="linux", release="6.12.1", mode="pv", role="dom0"))
    assert "pat_enabled() is false (CONFIG_MTRR is not set (c:1))" in findings_of(report, "ENC040")[0]["message"]


def test_a_whole_config_without_pat_has_it_off() -> None:
    boots = ("X86_64", "XEN", "XEN_PV", "XEN_DOM0")
    report = report_of(config_guest(HEADER.format(release="6.12.1") + symbols(*boots)))
    assert "(CONFIG_X86_PAT is absent (c))" in findings_of(report, "ENC040")[0]["message"]
    assert (
        report_of(config_guest(HEADER.format(release="6.12.1") + symbols("X86_PAT", *boots)))["verdict"] == "compatible"
    )


# Kernels that cannot boot


def config_guest(text: str, **stated: Any) -> Data:
    facts = {"family": "linux", "mode": "pv", "role": "dom0", **stated}
    return make_guest("a", {"role": "config", "name": "c", "text": text}, **facts)


def symbols(*names: str) -> str:
    return "".join(f"CONFIG_{name}=y\n" for name in names)


@pytest.mark.parametrize(
    ("release", "names", "why"),
    [
        ("6.1.192", "X86_64 XEN XEN_DOM0", "CONFIG_XEN_PV is absent (c)"),
        ("4.9.1", "XEN_DOM0", "CONFIG_XEN is absent (c)"),
        ("4.9.1", "XEN", "CONFIG_XEN_DOM0 is absent (c)"),
        ("5.10.7", "XEN XEN_PV XEN_DOM0", "CONFIG_X86_64 is absent (c)"),
    ],
)
def test_a_whole_config_without_a_symbol_has_it_off(release: str, names: str, why: str) -> None:
    text = HEADER.format(release=release) + symbols("MTRR", "X86_PAT", *names.split())
    (finding,) = findings_of(report_of(config_guest(text)), "EVI010")
    assert finding["message"] == f"a (PV dom0, Linux {release}): {why}, so this kernel cannot boot as a PV dom0."
    fragment = report_of(config_guest(symbols("MTRR", "X86_PAT"), release=release))
    assert findings_of(fragment, "EVI010") == []


def test_a_whole_config_that_boots() -> None:
    names = ("MTRR", "X86_PAT", "X86_64", "XEN", "XEN_PV", "XEN_DOM0")
    assert report_of(config_guest(HEADER.format(release="6.1.192") + symbols(*names)))["verdict"] == "compatible"
    older = report_of(config_guest(HEADER.format(release="4.9.1") + symbols("MTRR", "X86_PAT", "XEN", "XEN_DOM0")))
    assert findings_of(older, "EVI010") == []
    pvh = config_guest(HEADER.format(release="6.1.192") + symbols("XEN"), mode="pvh", role="domU")
    assert "CONFIG_XEN_PVH is absent (c)" in findings_of(report_of(pvh), "EVI010")[0]["message"]


def test_xenlinux_has_symbols_of_its_own() -> None:
    text = "CONFIG_XEN=y\n# CONFIG_XEN_PRIVILEGED_GUEST is not set\n"
    report = report_of(config_guest(text, family="xenlinux", release="2.6.18"))
    assert "CONFIG_XEN_PRIVILEGED_GUEST is not set (c:2)" in findings_of(report, "EVI010")[0]["message"]


def test_a_line_that_is_not_known_is_not_printed() -> None:
    guest = config_guest("# CONFIG_XEN is not set\n", release="4.9.1")
    guest["facts"]["config"]["lines"] = {}
    assert "CONFIG_XEN is not set (c), so" in findings_of(report_of(guest), "EVI010")[0]["message"]


def test_a_kernel_that_cannot_boot_is_decided_however_old() -> None:
    report = report_of(config_guest("# CONFIG_XEN is not set\n", release="2.6.23"))
    assert (report["verdict"], findings_of(report, "EVI030")) == ("incompatible", [])


@pytest.mark.parametrize(
    ("release", "verdict"),
    [("2.6.32", "incompatible"), ("3.6", "incompatible"), ("4.9.1", "indeterminate"), ("4.14", "compatible")],
)
def test_pvh_by_release(release: str, verdict: str) -> None:
    report = report_of(make_guest("a", family="linux", release=release, mode="pvh", role="domU"))
    assert (report["verdict"], bool(findings_of(report, "EVI010"))) == (verdict, verdict != "compatible")


def test_no_dom0_is_hvm() -> None:
    guest = make_guest("a", family="linux", release="6.12.1", role="dom0")
    guest["facts"]["mode"] = {"value": "hvm"}
    report = report_of(guest)
    assert (report["verdict"], report["sentence"]) == (
        "incompatible",
        "Linux 6.12.1 (a): Xen starts no dom0 in mode HVM.",
    )
    assert class_of(report, "a")["after"] == "incompatible"
