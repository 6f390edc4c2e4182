"""What the bytes of an unpacked Linux kernel say of it: its banner, its own .config, and strings that date its code."""

import re
from typing import NamedTuple

from simulator.images.occurrences import Bytes, occurrences, text_at
from simulator.inputs.kernel_config import read_config
from simulator.inputs.packed import unpack
from simulator.inputs.reading import Reading
from simulator.problem import InvalidInput

_BANNER = b"Linux version "
_BANNER_LIMIT = 512
_BANNERS_LIMIT = 16
_RELEASE = re.compile(r"Linux version ([0-9]+\.[0-9]\S{0,100}) .*", re.ASCII)
_BUILD = re.compile(r".* #[0-9]+[ -].*", re.ASCII)


class Banner(NamedTuple):
    """The text that a kernel prints first, its release, its offset, and whether it has the number of a build."""

    text: str
    release: str
    offset: int
    has_build: bool


def find_banner(body: Bytes) -> Banner | None:
    """The kernel's banner: of several the first with the number of a build, for the others are templates."""
    banners = []
    for offset in occurrences(body, _BANNER, limit=_BANNERS_LIMIT):
        text = text_at(body, offset, limit=_BANNER_LIMIT)
        if match := _RELEASE.fullmatch(text):
            banners.append(Banner(text, match[1], offset, bool(_BUILD.fullmatch(text))))
    return next((one for one in banners if one.has_build), banners[0] if banners else None)


class Telltale(NamedTuple):
    """A text that only kernels of some generations hold, and what it proves where it is found."""

    text: str
    proves: str


#: Source: linux, arch/x86/mm/pat.c, arch/x86/mm/pat/memtype.c, arch/x86/kernel/cpu/mtrr/ and arch/x86/kernel/setup.c of
#: the releases named.
TELLTALES = (
    Telltale("MTRRs set to read-only", "6.5 or later, or its patches: a PV dom0 takes Xen's MTRRs for its own"),
    Telltale("MTRR map: ", "6.5 or later, or its patches: it keeps a map of the MTRRs"),
    Telltale("MTRRs disabled, skipping PAT", "4.7 to 6.1: without MTRRs it leaves the PAT as it is"),
    Telltale("PAT support disabled because CONFIG_MTRR", "5.17 to 6.1: without CONFIG_MTRR it switches PAT off"),
    Telltale("PAT support disabled by the firmware", "5.7 or later"),
    Telltale("PAT: [mem", "5.7 or later: this is how its list of memory types is written"),
    Telltale("Booting kernel on", "5.15 or later"),
    Telltale("PAT configuration [0-7]: ", "3.19 to 4.1: it takes the PAT as it finds it under Xen"),
    Telltale("x86 PAT enabled: cpu", "2.6.26 to 4.1: it writes its own PAT"),
)


def find_telltales(body: Bytes, within: str) -> list[dict[str, object]]:
    """Each telltale, whether the kernel holds it and where."""
    rows: list[dict[str, object]] = []
    for telltale in TELLTALES:
        offset = body.find(telltale.text.encode())
        place = {"offset": offset, "within": within} if offset >= 0 else {"offset": None, "within": within}
        rows.append({"string": telltale.text, "present": offset >= 0, "proves": telltale.proves, **place})
    return rows


_CONFIG_BEGIN, _CONFIG_END = b"IKCFG_ST", b"IKCFG_ED"
_CONFIG_PACKED_LIMIT = 1 << 20
_CONFIG_LIMIT = 2 << 20
_CONFIG_RATIO = 50


def say_config(reading: Reading, body: Bytes, within: str) -> None:
    """Say the .config that a kernel carries, if it was built with CONFIG_IKCONFIG; one that cannot be read is noted.

    Source: linux, kernel/configs.c.
    """
    begin = body.find(_CONFIG_BEGIN)
    if begin < 0:
        return
    begin += len(_CONFIG_BEGIN)
    end = body.find(_CONFIG_END, begin, begin + _CONFIG_PACKED_LIMIT + len(_CONFIG_END))
    try:
        if end < 0:
            raise reading.refusal("damaged", f"it does not end within {_CONFIG_PACKED_LIMIT} bytes")
        packed = bytes(body[begin:end])
        held = unpack(packed, source=reading.source, limit=_CONFIG_LIMIT, ratio=_CONFIG_RATIO, what="it")
        config = read_config(held.body.decode("latin-1"), source=reading.source)
    except InvalidInput as fault:
        reading.note(f"the .config inside, at {begin:#x} of the {within}, is left out: {fault.found[0].message}")
        return
    release = None if config.release is None else {"value": config.release.text, "line": config.release_line}
    values, lines = dict(sorted(config.values.items())), dict(sorted(config.lines.items()))
    reading.say("config", {"value": values, "lines": lines, "release": release}, offset=begin)
