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
    assert "compatible, incompatible once restored if " in finding["message"]
    (one,) = report["classes"]
    assert (one["before"], one["after"], one["resumed"]) == ("compatible", "compatible", "indeterminate")


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
    report = report_of(make_linux("a", "6.1.0-56-amd64", role="dom0"), layout=LINUX)
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
    gap = report_of(make_linux("a", "6.1.0-56-amd64", role="dom0", encodings=OWN_BITS))
    assert "state the full release" in findings_of(gap, "EVI030")[0]["fix"]


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


HIDDEN = (
    "g (PV dom0, Linux 6.1.0-56-amd64): 6.1.52 drops the PAT bit, 6.1.53 keeps it, and 6.1.0-56-amd64 does not say "
    "which it is. Without the fix: incompatible; with it: compatible."
)


def test_a_hidden_patch_level_is_no_proof_that_the_fix_is_absent() -> None:
    hidden = report_of(make_linux("g", "6.1.0-56-amd64", role="dom0"))
    (finding,) = findings_of(hidden, "EVI030")
    assert (hidden["verdict"], finding["message"]) == ("indeterminate", HIDDEN)
    assert finding["title"] == "Whether this kernel keeps the PAT bit is not known"
    assert finding["fix"].startswith("send the kernel's .config, or state the full release (/proc/version prints it, ")
    assert hidden["sentence"] == (
        "It is not known whether Linux 6.1.0-56-amd64 (g) keeps the PAT bit: its .config tells."
    )
    assert report_of(make_linux("a", "6.12.0-55.el10"))["verdict"] == "compatible"


@pytest.mark.parametrize("release", ["5.14.0-427.el9", "4.18.0-553.el8", "6.2.0-39-generic"])
def test_a_vendors_kernel_of_a_series_without_the_fix_may_carry_it(release: str) -> None:
    report = report_of(make_linux("a", release, role="dom0"))
    assert report["verdict"] == "indeterminate"
    assert report["sentence"].endswith("keeps the PAT bit: its patches tell.")
    for commit in ("548cb932051f", "548CB93", "548cb932051fb6232ac983ed6673dae7bdf3cf4c"):
        patched = report_of(make_linux("a", release, role="dom0", patches=[commit]))
        assert (patched["verdict"], findings_of(patched, "ENC020")) == ("compatible", [])
    assert report_of(make_linux("a", release, role="dom0", patches=["72cbc8f04fe2"]))["verdict"] == "indeterminate"


@pytest.mark.parametrize("local", ["", 'CONFIG_LOCALVERSION="-default"\n'])
def test_a_header_with_patch_0_does_not_reveal_the_patch_level(local: str) -> None:
    text = HEADER.format(release="6.4.0") + symbols("XEN", "XEN_PV", "XEN_DOM0", "X86_64", "X86_PAT") + local
    named = config_guest(text, release="6.4.0-150600.23-default")
    assert report_of(named)["verdict"] == "indeterminate"
    assert report_of(config_guest(text))["verdict"] == ("indeterminate" if local else "incompatible")
    assert report_of(config_guest(text.replace("6.4.0", "6.4.16"), release="6.4.0-1"))["verdict"] == "compatible"


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


# Outside PV


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"family": "xenlinux"}, "XenLinux has no PVH support"),
        ({"family": "suse-xenlinux", "release": "4.4"}, "XenLinux has no PVH support"),
        ({"release": "2.6.18"}, "XenLinux has no PVH support"),
        ({"release": "2.6.32"}, "Linux 2.6.32 has no PVH support"),
    ],
)
def test_old_kernels_have_no_pvh(stated: Data, why: str) -> None:
    report = report_of(make_guest("a", mode="pvh", role="domU", **stated))
    assert report["verdict"] == "incompatible"
    assert why in findings_of(report, "EVI010")[0]["message"]


@pytest.mark.parametrize(
    ("xen", "verdict"),
    [("4.3", "incompatible"), ("4.4", "indeterminate"), ("4.9", "indeterminate"), ("4.10", "compatible")],
)
def test_pvh_by_the_release_of_xen(xen: str, verdict: str) -> None:
    pvh = make_guest("a", family="linux", release="6.12.1", mode="pvh", role="domU")
    report = report_of(pvh, release=xen)
    assert (report["verdict"], bool(findings_of(report, "EVI010"))) == (verdict, verdict != "compatible")
    hvm = make_guest("a", family="linux", release="6.12.1", mode="hvm", role="domU")
    assert report_of(hvm, release=xen)["verdict"] == "compatible"


def test_a_whole_config_without_dom0_support_is_no_pvh_dom0() -> None:
    text = HEADER.format(release="6.1.192") + symbols("XEN", "XEN_PVH", "HYPERVISOR_GUEST")
    report = report_of(config_guest(text, mode="pvh", role="dom0"))
    assert "CONFIG_XEN_DOM0 is absent (c)" in findings_of(report, "EVI010")[0]["message"]
    assert report_of(config_guest(text, mode="pvh", role="domU"))["verdict"] == "compatible"


# What a release says of the family


@pytest.mark.parametrize(
    ("release", "verdict", "behaviour"),
    [
        ("6.12.117", "compatible", "reads the PAT MSR at boot"),
        ("2.6.18", "degraded", "sets PCD and PWT alone, never the PAT bit"),
    ],
)
def test_a_release_may_need_no_family(release: str, verdict: str, behaviour: str) -> None:
    report = report_of(make_guest("a", mode="pv", role="dom0", release=release))
    assert (report["verdict"], report["classes"][0]["behaviour"]) == (verdict, behaviour)
    assert report["classes"][0]["title"] == f"PV dom0, kernel {release}, family unknown"


def test_a_release_of_no_known_family_is_a_gap() -> None:
    report = report_of(make_guest("a", mode="pv", role="dom0", release="2.6.20"))
    assert "older than 2.6.24" in findings_of(report, "EVI030")[0]["message"]
    plain = report_of(make_guest("a", mode="pv", role="domU", devices=False, release="2.6.18"))
    assert plain["verdict"] == "compatible"


# Answers that are one


def test_a_decided_start_is_told_beside_an_undecided_restore() -> None:
    report = resumed(make_guest("a", family="linux", release="6.12.1", mode="pv", role="domU"))
    (one,) = report["classes"]
    assert (report["verdict"], one["after"], one["resumed"]) == ("indeterminate", "compatible", "indeterminate")


def test_what_is_incompatible_in_every_case_is_incompatible() -> None:
    guest = make_guest("a", family="linux", release="5.15.1", mode="pv", devices=True)
    report = analyse(layout_scenario(guest, proposed="WT WC UC- UC WB WP UC- WT"))
    (one,) = report["classes"]
    assert (report["verdict"], one["after"]) == ("incompatible", "incompatible")


def test_conditional_in_every_case_is_conditional_on_all() -> None:
    guest = make_guest("a", mode="pv", role="dom0", release="5.17", encodings={"WC": "PWT"})
    report = report_of(guest)
    assert (report["verdict"], findings_of(report, "EVI020")) == ("conditional", [])
    assert {finding["rule"] for finding in report["findings"] if finding["assumption"]} == {"ENC010", "ENC040"}


# What a distribution may have backported to what drivers ask


def test_pat_enabled_may_be_true_by_a_backport() -> None:
    plain = report_of(make_linux("a", "5.17", role="dom0"), layout=LINUX)
    (finding,) = findings_of(plain, "ENC040")
    assert "may be false (Linux 5.17 under Xen PV) unless it carries 72cbc8f04fe2" in finding["message"]
    carried = report_of(make_linux("a", "5.17", role="dom0", patches=["72cbc8f04fe2"]), layout=LINUX)
    assert findings_of(carried, "ENC040") == []
    old = report_of(make_linux("a", "5.10.1", role="dom0", cmdline="nopat"), layout=LINUX)
    (finding,) = findings_of(old, "ENC040")
    assert (finding["verdict"], finding["severity"], finding["assumption"]) == ("compatible", "advice", None)
    assert "i915" not in finding["message"]
