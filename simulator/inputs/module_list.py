"""Which drivers a running kernel has: lsmod or /proc/modules, and lspci -k."""

import re

from simulator.inputs.reading import Bounds, Reading, lines_of, refusal

MODULES_BOUNDS = Bounds(256 << 10, 2000, 8192, "lsmod prints some hundred lines of 60 characters")
PCI_BOUNDS = Bounds(1 << 20, 20_000, 4096, "lspci -k prints some hundred lines of 80 characters")
DEVICE_SHOWN = 100  # characters

_NAME = r"([A-Za-z0-9_-]{1,64})"
_HEADER = re.compile(r"Module[ \t]+Size[ \t]+Used by", re.ASCII)
_LSMOD_ROW = re.compile(_NAME + r"[ \t]+[0-9]{1,12}[ \t]+-?[0-9]{1,10}(?:[ \t]+[A-Za-z0-9_,-]+)?", re.ASCII)
_PROC_ROW = re.compile(
    _NAME
    + r" [0-9]{1,12} -?[0-9]{1,10} [A-Za-z0-9_,\[\]-]+ (?:Live|Loading|Unloading) 0x[0-9a-f]{1,16}(?: \([A-Z+-]+\))?",
    re.ASCII,
)
#: Domain 0 is written or left out.
_SLOT = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) (.+)", re.ASCII)
_IN_USE = re.compile(r"[ \t]+Kernel driver in use: ([A-Za-z0-9_.:-]{1,64})", re.ASCII)


def read_modules(text: str, *, source: str) -> Reading:
    """The names of the modules that lsmod prints or /proc/modules holds, sorted; up to 256 KiB and 2000 lines.

    Names are written with `_`, as the kernel does. Raises InvalidInput where there is neither a row nor a header.
    """
    reading = Reading("modules", source)
    names: set[str] = set()
    first = 0
    for number, raw in enumerate(lines_of(text, source, MODULES_BOUNDS), 1):
        line = raw.strip()
        match = _LSMOD_ROW.fullmatch(line) or _PROC_ROW.fullmatch(line)
        if match is not None:
            names.add(match[1].lower().replace("-", "_"))
        elif line and not _HEADER.fullmatch(line):
            reading.skip(number, line)
            continue
        first = first or (number if line else 0)
    if not first:
        message = "holds no row as in `i915 4202496 23 - Live 0x0000000000000000` or of lsmod"
        raise refusal(source, "no_modules", f"{message}; send what lsmod prints", line=1)
    reading.say("modules", sorted(names), line=first)
    return reading


def read_pci_list(text: str, *, source: str) -> Reading:
    """The PCI devices that `lspci -k` prints (also -nnk and -vk) with the driver of each; up to 1 MiB.

    A slot is written without the domain where that is 0. Raises InvalidInput where there is no device.
    """
    reading = Reading("pci", source)
    slot, device, first, count = "", "", 0, 0
    for number, line in enumerate(lines_of(text, source, PCI_BOUNDS), 1):
        if match := _SLOT.fullmatch(line):
            slot, device = f"{_domain(match[1])}{match[2]}", match[3].strip()[:DEVICE_SHOWN]
            first, count = first or number, count + 1
        elif slot and (match := _IN_USE.fullmatch(line.rstrip())):
            reading.say("pci_drivers", {"driver": match[1], "slot": slot, "device": device}, line=number)
        elif line.strip() and not (slot and line.startswith((" ", "\t"))):
            reading.skip(number, line)
    if not count:
        message = "holds no device as in `00:02.0 VGA compatible controller: ...`; send what lspci -k prints"
        raise refusal(source, "no_pci_list", message, line=1)
    reading.say("pci_devices", count, line=first)
    return reading


def _domain(digits: str | None) -> str:
    return "" if digits is None or not digits.strip("0") else f"{digits}:"
