"""One guest on one platform, stated by keyword: what the tests of the tables ask `explain` and `analyse` about."""

from typing import Any

from simulator import analyse, explain

RESET = "0x0007040600070406"
XEN = "0x0000050100070406"
LINUX_4 = "0x0007010600070106"
LINUX_42 = "0x0407010600070106"
LINUX_8 = "0x0407050600070106"

Data = dict[str, Any]

_OF_THE_PLATFORM = ("xen", "layout", "vendor", "xen_cmdline", "mtrr", "errata_cpu", "xen_patches")


def scenario(
    guest: str = "linux", release: str | None = None, mode: str = "pv", role: str | None = None, **more: Any
) -> Data:
    """The scenario of `explain`'s flags: Xen 4.22 on Intel unless stated; a dom0 has devices."""
    role = role or ("dom0" if mode == "pv" else "domu")
    platform: Data = {"xen": "4.22", "vendor": "intel"}
    for key in _OF_THE_PLATFORM:
        if key in more:
            platform[{"xen_cmdline": "cmdline", "xen_patches": "patches"}.get(key, key)] = more.pop(key)
    proposal = more.pop("proposal", None)
    config = more.pop("config", None)
    if "guests_errata_cpu" in more:  # the flag of the command; `errata_cpu` alone is the platform's
        more["errata_cpu"] = more.pop("guests_errata_cpu")
    facts: Data = {"guest": guest, "mode": mode, "role": role, "devices": more.pop("devices", role == "dom0"), **more}
    if release is not None:
        facts["release"] = release
    if config is not None:
        facts["config"] = {"name": "kernel.config", "text": config}
    return {"platform": platform, "guests": [facts]} | ({"proposal": proposal} if proposal else {})


def ask(*, target: str | None = None, **stated: Any) -> Data:
    """What `explain` answers."""
    return explain(scenario(**stated), target=target)


def report_on(**stated: Any) -> Data:
    return analyse(scenario(**stated))


def mapping(answer: Data, wanted: str) -> Data:
    return next(row for row in answer["mappings"] if row["wanted"] == wanted)


def index(answer: Data, wanted: str) -> int | str | None:
    """The PAT index of a mapping, or who refuses it."""
    row = mapping(answer, wanted)
    return f"refused by {row['refused']['by']}" if row["refused"] else row["pat_index"]


def bits_index(answer: Data, wanted: str) -> int:
    """The index that the bits select which the kernel itself writes."""
    bits = mapping(answer, wanted)["pte_bits"]
    return int(4 * bits["pat"] + 2 * bits["pcd"] + bits["pwt"])


def pat_type(answer: Data, wanted: str) -> str:
    row = mapping(answer, wanted)
    return f"refused by {row['refused']['by']}" if row["refused"] else str(row["pat_type"])


def fired(answer: Data, rule: str | None = None) -> list[Data]:
    return [found for found in answer["findings"] if rule is None or found["rule"] == rule]


def worst(answer: Data, *rules: str) -> str:
    """The worst verdict of some rules' findings; compatible where they are silent."""
    order = ["compatible", "degraded", "conditional", "indeterminate", "incompatible"]
    found = [one["verdict"] for one in answer["findings"] if not rules or one["rule"] in rules]
    return max(found, key=order.index, default="compatible")


def needs(answer: Data) -> set[tuple[str, str, bool]]:
    return {(need["wanted"], need["target"], need["certain"]) for need in answer["needs"]}
