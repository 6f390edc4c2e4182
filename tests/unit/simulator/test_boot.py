"""Whether a kernel can boot in a mode at all."""

from typing import Any

import pytest

from simulator import analyse
from tests.unit.simulator.scenarios import (
    HEADER,
    STOCK,
    Data,
    class_of,
    config_guest,
    findings_of,
    guest_scenario,
    make_guest,
    symbols,
)


def report_of(*guests: Data, layout: str = STOCK, release: str = "4.18", **platform: Any) -> Data:
    return analyse(guest_scenario(*guests, layout=layout, release=release, **platform))


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


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"family": "xenlinux"}, "XenLinux cannot boot as a PVH domU"),
        ({"family": "suse-xenlinux", "release": "4.4"}, "SUSE XenLinux cannot boot as a PVH domU"),
        ({"release": "2.6.18"}, "Linux 2.6.18 has no PVH support"),
        ({"release": "2.6.32"}, "Linux 2.6.32 has no PVH support"),
    ],
)
def test_kernels_without_pvh(stated: Data, why: str) -> None:
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
