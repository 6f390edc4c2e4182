"""Scenarios of the oracles: the proposal of 2010 and the desktop that switches to Linux's layout."""

from typing import Any

from simulator import read_guest

STOCK = "0x0000050100070406"
LINUX = "0x0407050600070106"

Data = dict[str, Any]


def make_platform(release: str = "4.17", layout: str = STOCK, name: str = "host", vendor: str = "any") -> Data:
    return {"name": name, "hypervisor": "xen", "release": release, "cpu_vendor": vendor, "layout": layout}


def make_guest(name: str, *files: Data, on: str = "host", **stated: Any) -> Data:
    return {"platforms": [on], **read_guest({"name": name, **stated}, list(files), by="dana")}


def make_linux(name: str, release: str | None, role: str = "domU", devices: bool = True, **more: Any) -> Data:
    return make_guest(name, family="linux", release=release, mode="pv", role=role, devices=devices, **more)


def make_fleet() -> list[Data]:
    return [
        make_linux("dom0-6.12", "6.12.117", role="dom0"),
        make_linux("net-5.15", "5.15"),
        make_linux("usb-6.1", "6.1.192"),
        make_linux("web", "6.1.192", devices=False),
        make_guest("suse", family="suse-xenlinux", release="2.6.32", mode="pv", role="domU", devices=True),
    ]


def guest_scenario(*guests: Data, release: str = "4.17", layout: str = STOCK, vendor: str = "any") -> Data:
    return {"kind": "guest", "platforms": [make_platform(release, layout, vendor=vendor)], "guests": list(guests)}


def layout_scenario(*guests: Data, proposed: str = LINUX, release: str = "4.17", layout: str = STOCK) -> Data:
    return {
        "kind": "layout",
        "platforms": [make_platform(release, layout)],
        "proposed": {"platform": "host", "layout": proposed},
        "guests": list(guests),
    }


def scenario_2010() -> Data:
    bits = {"WB": "0", "WC": "PWT", "UC-": "PCD", "UC": "PCD+PWT"}
    guest = make_guest("pvops", family="stated", mode="pv", role="dom0", devices=True, encodings=bits)
    return guest_scenario(guest, release="3.4")


def class_of(report: Data, member: str) -> Data:
    return next(one for one in report["classes"] if member in one["members"])


def findings_of(report: Data, rule: str, member: str | None = None) -> list[Data]:
    return [
        finding
        for finding in report["findings"]
        if finding["rule"] == rule and (member is None or member in finding["guests"])
    ]
