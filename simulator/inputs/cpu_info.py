"""/proc/cpuinfo: the processor, and whether a kernel sees PAT and MTRRs."""

import re

from simulator.inputs.reading import Bounds, Reading, lines_of, refusal

BOUNDS = Bounds(4 << 20, 100_000, 16 << 10, "a /proc/cpuinfo has some 1,500 bytes a processor")
NAME_SHOWN = 100  # characters

_VENDORS = {"GenuineIntel": "intel", "AuthenticAMD": "amd"}
_WANTED = frozenset({"vendor_id", "cpu family", "model", "model name", "flags"})
_FLAGS = ("pat", "mtrr", "hypervisor")
_NUMBER = re.compile("[0-9]{1,9}", re.ASCII)
_DIFFERENT_SHOWN = 8


def read_cpu_info(text: str, *, source: str) -> Reading:
    """Vendor, family, model and three flags of the first processor of a /proc/cpuinfo of up to 4 MiB.

    Processors whose flags differ are noted. Raises InvalidInput where there is no x86 processor.

    Source: linux, arch/x86/kernel/cpu/proc.c, show_cpuinfo().
    """
    reading = Reading("cpuinfo", source)
    processor: dict[str, tuple[str, int]] = {}
    others: list[tuple[str, int]] = []
    is_first = True
    for number, line in enumerate(lines_of(text, source, BOUNDS), 1):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            if key:
                reading.skip(number, line)
            continue
        is_first = is_first and key not in processor
        if is_first and (key in _WANTED or key == "processor"):
            processor[key] = value, number
        elif key == "flags" and value != processor.get(key, ("",))[0]:
            others.append((value, number))
    if not {"flags", "cpu family"} & processor.keys():
        message = "holds neither `flags` nor `cpu family`; send /proc/cpuinfo of an x86 machine"
        raise refusal(source, "no_cpu_info", message, line=1)
    _say_cpu(reading, processor)
    _say_flags(reading, processor, others)
    return reading


def _say_cpu(reading: Reading, processor: dict[str, tuple[str, int]]) -> None:
    family, line = processor.get("cpu family", ("", None))
    model, _ = processor.get("model", ("", None))
    if not (_NUMBER.fullmatch(family) and _NUMBER.fullmatch(model)):
        reading.note("the first processor has no `cpu family` and `model` in digits", line)
        return
    vendor, name = (processor.get(key, ("",))[0] for key in ("vendor_id", "model name"))
    value = {
        "vendor": _VENDORS.get(vendor),
        "family": int(family),
        "model": int(model),
        "name": name[:NAME_SHOWN],
    }
    reading.say("cpu", value, line=line)


def _say_flags(reading: Reading, processor: dict[str, tuple[str, int]], others: list[tuple[str, int]]) -> None:
    if "flags" not in processor:
        reading.note("the first processor has no `flags`: whether it shows PAT and MTRRs is not said")
        return
    text, line = processor["flags"]
    flags = frozenset(text.split())
    reading.say("cpu_flags", {flag: flag in flags for flag in _FLAGS}, line=line)
    if others:
        different = sorted(flags.symmetric_difference(others[0][0].split()))
        shown = ", ".join(f"{flag[:20]!a}" for flag in different[:_DIFFERENT_SHOWN])
        more = f" and {len(different) - _DIFFERENT_SHOWN} more" if len(different) > _DIFFERENT_SHOWN else ""
        message = f"{len(others)} other processors have other flags; the first of them differs in {shown}{more}"
        reading.note(message, others[0][1])
