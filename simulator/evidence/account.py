"""What is known of a guest, for people: each fact with where it comes from, and what is missing and would decide."""

from typing import NamedTuple

from simulator.evidence.claims import Data, Facts, relaxes, same_xen


class Gap(NamedTuple):
    """A fact that is not known: what it would decide, and what tells it."""

    fact: str
    decides: str
    told_by: str


#: In the order in which they decide.
_GAPS = (
    Gap("mode", "whether Xen's layout governs its page tables (PV) or one of its own (PVH, HVM)",
        "the domain's xl.cfg, or a boot log"),
    Gap("role", "whether it may set cache bits at all: a dom0 may", "the domain's xl.cfg, or /sys/hypervisor"),
    Gap("devices", "whether a PV domU may set cache bits", "pci, iomem and ioports of the domain's xl.cfg"),
    Gap("family", "how it encodes memory types", "the kernel image, a boot log, or the .config"),
    Gap("release", "which kernels of the table it is one of, and which fixes it has",
        "the kernel image, /proc/version, a boot log, or the .config"),
    Gap("Xen's release", "what the host does that was seen: without it that is not judged",
        "xl info, xl dmesg, or a boot log"),
    Gap("drivers", "which memory types it maps", "the .config, lsmod, or lspci -k"),
)  # fmt: skip
_TELL_DRIVERS = ("drivers", "modules", "needs", "mapped", "config")


def gaps_of(facts: Facts) -> list[Data]:
    """What is missing, each with what it would decide and which file tells it."""
    has_devices = "dom0" in (facts.get("role") or {}).values() or "hvm" in (facts.get("mode") or {}).values()
    return [
        {"fact": gap.fact, "decides": gap.decides, "told_by": gap.told_by}
        for gap in _GAPS
        if not any(key in facts for key in (_TELL_DRIVERS if gap.fact == "drivers" else (gap.fact,)))
        and not (gap.fact == "devices" and has_devices)
        and not (gap.fact == "Xen's release" and _knows_release(facts))
    ]


def _knows_release(facts: Facts) -> bool:
    """Whether nothing was seen of the host, or its release with it."""
    return "host" not in facts or "xen" in facts["host"]["value"]  # type: ignore[operator]


def account_of(guest: Data) -> Data:
    """A guest of read_guest() as a report shows it: facts, files and gaps."""
    facts: Facts = guest["facts"]  # type: ignore[assignment]
    return {
        "guest": guest["name"],
        "facts": [{"key": key, **_shown(key, fact)} for key, fact in sorted(facts.items())],
        "files": guest.get("evidence") or [],
        "missing": gaps_of(facts),
    }


def _shown(key: str, fact: Data) -> Data:
    value = fact["value"]
    if key == "config":
        value = f"{len(value)} symbols that matter"  # type: ignore[arg-type]
    return {"value": value, "origin": fact.get("origin"), "also": fact.get("also", [])}


def platform_seen(guest: Data) -> Data | None:
    """The host that a guest's evidence shows, as a platform of a scenario without a name.

    None where it does not show Xen's release: what that Xen does could only be guessed.
    """
    facts: Facts = guest["facts"]  # type: ignore[assignment]
    seen: Data = dict(facts["host"]["value"]) if "host" in facts else {}  # type: ignore[call-overload]
    if "observed_pat" in facts and "pv" in (facts.get("mode") or {}).values():
        seen["layout"] = facts["observed_pat"]["value"]
    return seen if "xen" in seen else None


def is_same_platform(seen: Data, platform: Data) -> bool:
    """Whether a host that evidence shows may be a platform: equal in all that both state, and nothing more is seen."""
    if not same_xen(seen["xen"], platform["xen"]) or "mtrr" in seen.keys() - platform.keys():
        return False
    if "any" not in (platform.get("vendor", "any"), seen.get("vendor", "any")) and seen["vendor"] != platform["vendor"]:
        return False
    has_same_options = relaxes(seen.get("cmdline", "")) == relaxes(platform.get("cmdline", ""))
    return has_same_options and all(seen.get(key, platform.get(key)) == platform.get(key) for key in ("layout", "mtrr"))
