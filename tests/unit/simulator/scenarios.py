"""Scenarios of the oracles: the proposal of 2010 and the desktop that switches to Linux's layout."""

from typing import Any

from simulator import read_guest

STOCK = "0x0000050100070406"
LINUX = "0x0407050600070106"

Data = dict[str, Any]


def make_platform(release: str = "4.17", layout: str = STOCK, name: str = "host", **more: Any) -> Data:
    return {"name": name, "xen": release, "vendor": "any", "layout": layout, **more}


def make_guest(name: str, *files: Data, on: str = "host", **stated: Any) -> Data:
    return {"platforms": [on], **read_guest({"name": name, **stated}, list(files), by="dana")}


def make_linux(name: str, release: str | None, role: str = "domU", devices: bool = True, **more: Any) -> Data:
    return make_guest(name, family="linux", release=release, mode="pv", role=role, devices=devices, **more)


def make_gpu(name: str, release: str | None, role: str = "dom0", **more: Any) -> Data:
    """A Linux guest whose graphics driver maps WC and UC- both of device memory and of RAM."""
    return make_linux(name, release, role=role, drivers=["amdgpu"], **more)


def make_suse(name: str = "suse", **more: Any) -> Data:
    """A driver domain with XenLinux that maps WC and WT of RAM by the bits of Xen's own layout."""
    stated = {"release": "2.6.32", "mode": "pv", "role": "domU", "devices": True, "needs": ["WC", "WT@ram"], **more}
    return make_guest(name, family="suse-xenlinux", **stated)


#: The first line of a whole .config: a symbol that such a file does not name is off.
HEADER = "# Linux/x86 {release} Kernel Configuration\n"


def symbols(*names: str) -> str:
    return "".join(f"CONFIG_{name}=y\n" for name in names)


def config_guest(text: str, **stated: Any) -> Data:
    facts = {"family": "linux", "mode": "pv", "role": "dom0", **stated}
    return make_guest("a", {"role": "config", "name": "c", "text": text}, **facts)


def make_fleet() -> list[Data]:
    return [
        make_gpu("dom0-6.12", "6.12.117"),
        make_gpu("net-5.15", "5.15", role="domU"),
        make_gpu("usb-6.1", "6.1.192", role="domU"),
        make_linux("web", "6.1.192", devices=False),
        make_suse(),
    ]


def guest_scenario(*guests: Data, release: str = "4.17", layout: str = STOCK, **platform: Any) -> Data:
    return {"platforms": [make_platform(release, layout, **platform)], "guests": list(guests)}


def layout_scenario(*guests: Data, proposed: str = LINUX, release: str = "4.17", layout: str = STOCK) -> Data:
    proposal = {"kind": "layout", "platform": "host", "layout": proposed}
    return {**guest_scenario(*guests, release=release, layout=layout), "proposal": proposal}


def scenario_2010() -> Data:
    bits = {"WB": "0", "WC": "PWT", "UC-": "PCD", "UC": "PCD+PWT"}
    guest = make_guest("pvops", family="stated", mode="pv", role="dom0", devices=True, encodings=bits)
    return guest_scenario(guest, release="3.4")


def class_of(report: Data, member: str) -> Data:
    return next(one for one in report["classes"] if member in one["members"])


def findings_of(report: Data, rule: str, member: str | None = None, subject: str | None = None) -> list[Data]:
    return [
        finding
        for finding in report["findings"]
        if finding["rule"] == rule
        and (member is None or member in finding["guests"])
        and subject in (None, finding["subject"])
    ]
