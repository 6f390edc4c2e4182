"""Which format a file is of, by its content; its name decides only what the content leaves open."""

import re
import zlib
from collections.abc import Callable

from simulator.evidence.formats import BY_ROLE, FORMATS, decode
from simulator.inputs.reading import refusal

HEAD = 64 << 10  # bytes that are looked at
_GZIP, _ELF, _MZ = b"\x1f\x8b", b"\x7fELF", b"MZ"
_PACKED = (b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"BZh", b"\x5d\x00\x00\x00")
_BOOT_SECTOR = slice(0x202, 0x206)
_TAR_MAGIC = slice(257, 262)
_XEN_NAME = re.compile(r"(?:.*[/\\])?xen[^/\\]*", re.IGNORECASE | re.DOTALL)


def recognise(name: str, body: bytes) -> str:
    """The role of a file, as in `dmesg`. Raises InvalidInput, naming what is known, where it is none of them."""
    role = _of_bytes(name, body[:HEAD]) or _of_text(name, body)
    if role is None:
        known = "; ".join(one.title for one in FORMATS)
        raise refusal(name, "not_recognised", f"is none of the files that are read: {known}")
    return role


def _of_bytes(name: str, head: bytes) -> str | None:
    """The role by magic numbers; of a gzip by what it holds."""
    inner = _unzipped(head) if head.startswith(_GZIP) else head
    if inner[_TAR_MAGIC] == b"ustar":
        return "bundle"
    if head[_BOOT_SECTOR] == b"HdrS":
        return "image"
    if inner.startswith((_ELF, _MZ)):
        return "xen-image" if _XEN_NAME.fullmatch(name) else "image"
    if head.startswith((_GZIP, *_PACKED)):
        return "config"
    return None


def _unzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, 4096)
    except zlib.error:
        return b""


def _of_text(name: str, body: bytes) -> str | None:
    from simulator.inputs.xen_source import is_xen_source

    if len(body) <= BY_ROLE["xen-source"].size and is_xen_source(decode(body)):
        return "xen-source"
    lines = decode(body[:HEAD]).splitlines()
    for role, tells in _TELLS:
        if any(tells(line) for line in lines):
            return role
    return "domain" if name.lower().endswith((".cfg", ".xl", ".hvm", ".pv")) else None


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda line: compiled.match(line[:400]) is not None


#: A line that only files of this role have; the first row that fits counts.
_TELLS = (
    ("config", _matches(r"CONFIG_[A-Z0-9_]+=|# CONFIG_[A-Z0-9_]+ is not set")),
    ("memtypes", _matches(r"PAT memtype list:|PAT: \[mem 0x|(?:write|uncached)[a-z-]* @ 0x")),
    ("mtrr", _matches(r"reg[0-9]{2}: base=0x")),
    ("cpuinfo", _matches(r"(?:vendor_id|cpu family)\s*:")),
    ("modules", _matches(r"Module\s+Size\s+Used by|[a-z0-9_]+ [0-9]+ [0-9]+ [a-z0-9_,-]+ (?:Live|Loading) 0x")),
    ("hypervisor", _matches(r"guest_type:|proc_xen_capabilities:|type: xen")),
    ("xl-info", _matches(r"xen_(?:major|version|caps)\s*:")),
    ("pci", _matches(r"(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] [^=]*:|\tKernel driver in use:")),
    ("dmesg", _matches(r"(?!Linux version ).{0,300}(?:Linux version [0-9]|x86/PAT: |PAT configuration \[)")),
    ("dmesg", _matches(r".{0,300}x86 PAT enabled")),
    ("xl-dmesg", _matches(r".{0,100}\(XEN\) |.{0,60}Xen version [0-9]")),
    ("version", _matches(r"Linux version [0-9]")),
    ("cmdline", _matches(r"(?:BOOT_IMAGE=|(?:ro|rw|quiet|root=\S+|placeholder)(?: |$))")),
    ("domain", _matches(r"\s*(?:name|type|builder|kernel|memory|vcpus|disk|vif|pci|extra|cmdline)\s*=\s*[\"'\[0-9]")),
)  # fmt: skip
