"""The story of the field as two projects. Only inputs are here: reports are computed by the workers.

Sources: the layouts compared on xen-devel on 29 March 2010, and QubesOS' change of Xen's layout of
December 2022. The people are made up.
"""

from dataclasses import dataclass, field
from typing import Any

PASSWORD = "patreview-demo"

XEN = "0x0000050100070406"
LINUX_FOUR_ENTRY = "0x0007010600070106"
POWER_ON = "0x0007040600070406"
LINUX = "0x0407050600070106"


@dataclass(frozen=True, kw_only=True)
class PlatformStory:
    name: str
    release: str
    layout: str


@dataclass(frozen=True, kw_only=True)
class ProposalStory:
    key: str
    kind: str
    title: str
    by: str
    note: str
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ProjectStory:
    slug: str
    title: str
    summary: str
    members: dict[str, str]
    layouts: dict[str, str]
    platform: PlatformStory
    guests: tuple[dict[str, Any], ...]
    proposals: tuple[ProposalStory, ...] = field(default=())


XEN_DEVEL_2010 = ProjectStory(
    slug="xen-devel-2010",
    title="xen-devel 2010",
    summary="Xen 3.4, its guests, and the question of March 2010: can Linux do without the PAT bit?",
    members={"erin": "submitter", "kim": "maintainer", "jo": "reviewer"},
    layouts={"Xen": XEN, "Linux": LINUX_FOUR_ENTRY, "Power-on default": POWER_ON},
    platform=PlatformStory(name="xen-3.4", release="3.4", layout=XEN),
    guests=(
        {
            "name": "dom0-xenlinux",
            "family": "xenlinux",
            "release": "2.6.18",
            "mode": "pv",
            "role": "dom0",
            "devices": True,
            "drivers": ["agp"],
        },
        {
            "name": "sles11-driver-domain",
            "family": "suse-xenlinux",
            "release": "2.6.32",
            "mode": "pv",
            "role": "domU",
            "devices": True,
            "drivers": ["mlx4_ib"],
        },
        {
            "name": "web-2.6.32",
            "family": "linux",
            "release": "2.6.32.27",
            "mode": "pv",
            "role": "domU",
            "devices": False,
        },
    ),
    proposals=(
        ProposalStory(
            key="demo-wt-for-wc",
            kind="guest",
            title="Use WT rather than WC, never set the PAT bit",
            by="erin",
            note=(
                "Never set the PAT flag, check IA32_PAT but otherwise ignore it, and use WT rather than WC. "
                "Unsure what WT instead of WC does together with the MTRRs."
            ),
            fields={
                "guest": {
                    "name": "pvops-proposal",
                    "family": "stated",
                    "mode": "pv",
                    "role": "dom0",
                    "devices": True,
                    "encodings": {"WB": "0", "WC": "PWT", "UC-": "PCD", "UC": "PCD+PWT"},
                }
            },
        ),
    ),
)

DESKTOP_DOM0 = ProjectStory(
    slug="desktop-dom0",
    title="desktop dom0",
    summary="A desktop on Xen 4.17 whose graphics driver wants write-combining at PA1.",
    members={"dana": "submitter", "max": "maintainer", "jo": "reviewer"},
    layouts={"Xen": XEN, "Linux 4.14 and later": LINUX, "Power-on default": POWER_ON},
    platform=PlatformStory(name="xen-4.17", release="4.17", layout=XEN),
    guests=(
        {
            "name": "dom0",
            "family": "linux",
            "release": "6.12.117",
            "mode": "pv",
            "role": "dom0",
            "devices": True,
            "drivers": ["i915", "efifb"],
        },
        {
            "name": "sys-gpu",
            "family": "linux",
            "release": "5.15",
            "mode": "pv",
            "role": "domU",
            "devices": True,
            "drivers": ["amdgpu"],
        },
        {
            "name": "cad-passthrough",
            "family": "linux",
            "release": "6.1.192",
            "mode": "pv",
            "role": "domU",
            "devices": True,
            "drivers": ["nouveau"],
        },
        {"name": "web", "family": "linux", "release": "6.1.192", "mode": "pv", "role": "domU", "devices": False},
        {
            "name": "sles11-net",
            "family": "suse-xenlinux",
            "release": "2.6.32",
            "mode": "pv",
            "role": "domU",
            "devices": True,
            "drivers": ["mlx4_ib"],
            "needs": ["WC@ram", "WT@ram"],
        },
    ),
    proposals=(
        ProposalStory(
            key="demo-linux-layout",
            kind="layout",
            title="Use Linux's PAT layout in Xen",
            by="dana",
            note="The graphics driver refuses to load unless PA1 is WC.",
            fields={"platform": "xen-4.17", "layout": LINUX},
        ),
    ),
)

STORY = (XEN_DEVEL_2010, DESKTOP_DOM0)
