"""The tarball of collect.sh: its members by name, and what it says that it could not read."""

import re
from typing import NamedTuple

from simulator.inputs.packed import method_of, refused_method, unpack
from simulator.inputs.reading import Reading
from simulator.inputs.tar_archive import BadArchive, Member, members_of, trailing_bytes

PACKED_LIMIT = 8 << 20
UNPACKED_LIMIT = 32 << 20
MEMBER_LIMIT = 8 << 20
MEMBERS_LIMIT = 64
RATIO = 100

#: The role of each member, in the order in which files of one role are believed.
ROLES = {
    "proc-version": "version",
    "proc-cmdline": "cmdline",
    "proc-cpuinfo": "cpuinfo",
    "proc-mtrr": "mtrr",
    "proc-config.gz": "config",
    "boot-config": "config",
    "dmesg": "dmesg",
    "xl-dmesg": "xl-dmesg",
    "xl-info": "xl-info",
    "lsmod": "modules",
    "lspci": "pci",
    "pat-memtype-list": "memtypes",
    "sys-hypervisor": "hypervisor",
    "domain-config": "domain",
}
MANIFEST = "MANIFEST"
_FORMATS = "patreview.evidence/"
FORMAT = f"{_FORMATS}1"
#: Members that are for people: they say nothing that others do not.
_FOR_PEOPLE = (MANIFEST, "uname")
HOSTS = ("dom0", "guest", "bare", "unknown")
STATES = ("absent", "denied", "empty", "failed")

_MANIFEST_LIMIT = 64 << 10
_LINES_LIMIT = 200
_WHAT_LIMIT = 200
_STRANGE = re.compile(r"[^ -~]")


class Tarball(NamedTuple):
    """What a tarball holds: members that are evidence, gaps as `{"name", "state", "what"}`, and the kind of host.

    `host` is dom0, guest, bare or unknown; notes are those of a reading.
    """

    members: tuple[tuple[str, bytes], ...]
    gaps: tuple[dict[str, str], ...]
    host: str
    notes: tuple[dict[str, object], ...]


def read_tarball(data: bytes, *, source: str) -> Tarball:
    """The members of a tarball, packed or not: up to 8 MiB packed, 32 MiB unpacked, 64 members of 8 MiB each.

    Raises InvalidInput for other files, for archives that are cut off, and for links, devices and paths that lead out.
    """
    reading = Reading("bundle", source)
    archive = _unpacked(reading, data)
    found = _members(reading, archive)
    if not found:
        raise reading.refusal("tarball", "holds none of the files that collect.sh collects; send its tarball as it is")
    manifest = _Manifest(reading, found.pop(MANIFEST, None))
    manifest.check(found)
    for name in [name for name, body in found.items() if not body]:
        del found[name]
        manifest.gaps.setdefault(name, {"name": name, "state": "empty", "what": "the member has no bytes"})
    members = tuple((name, found[name]) for name in ROLES if name in found)
    return Tarball(members, tuple(manifest.gaps.values()), manifest.host, tuple(reading.notes))


def _unpacked(reading: Reading, data: bytes) -> bytes | bytearray:
    method = method_of(data)
    limit = UNPACKED_LIMIT if method is None else PACKED_LIMIT
    if len(data) > limit:
        raise reading.refusal("too_large", f"{len(data)} bytes; at most {limit} are read of a tarball")
    if method is None and refused_method(data) is None:
        return data
    found = unpack(data, source=reading.source, limit=UNPACKED_LIMIT, ratio=RATIO, what="the tarball")
    for message in found.notes:
        reading.note(message)
    return found.body


def _members(reading: Reading, archive: bytes | bytearray) -> dict[str, bytes]:
    """The known members by name; the first of a name counts."""
    found: dict[str, bytes] = {}
    last = None
    try:
        for count, member in enumerate(members_of(archive, member_limit=MEMBER_LIMIT), 1):
            if count > MEMBERS_LIMIT:
                raise BadArchive(f"more than {MEMBERS_LIMIT} members; collect.sh makes some 15", member.offset)
            _take(reading, found, member)
            last = member
    except BadArchive as fault:
        message = f"at byte {fault.offset} of the archive: {fault}; send the tarball as collect.sh made it"
        raise reading.refusal("tarball", message) from fault
    if trailing_bytes(archive, last):
        reading.note("bytes after the end of the archive are left out")
    return found


def _take(reading: Reading, found: dict[str, bytes], member: Member) -> None:
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if member.name.startswith("/") or ".." in parts or "\0" in member.name:
        raise BadArchive(f"the name {member.name[:60]!a} leads out of the archive", member.offset)
    if member.name.endswith("/"):
        return
    name = parts[-1] if parts else ""
    if len(parts) > 2 or name not in (*ROLES, *_FOR_PEOPLE):
        reading.note(f"the member {member.name[:60]!a} is none of collect.sh's; it is left out")
    elif name in found:
        reading.note(f"a second member {name}; the first one counts")
    else:
        found[name] = bytes(member.body)


class _Manifest:
    """What the list of a tarball says. Lines that are not understood are notes."""

    def __init__(self, reading: Reading, body: bytes | None) -> None:
        self.reading = reading
        self.host = "unknown"
        self.gaps: dict[str, dict[str, str]] = {}
        self.sizes: dict[str, str] = {}
        if body is None:
            reading.note(f"there is no {MANIFEST}: what could not be read is not told")
            return
        lines = body[:_MANIFEST_LIMIT].decode("utf-8", "replace").splitlines()[:_LINES_LIMIT]
        begin = _clean(lines[0])[:40] if lines else ""
        if begin != FORMAT:
            reading.note(f"the {MANIFEST} begins with {begin!a}, not with {FORMAT}; what is known of it is read", 1)
        for number, line in enumerate(lines, 1):
            if not line.startswith(_FORMATS):
                self._take(number, _clean(line))

    def _take(self, number: int, line: str) -> None:
        word, _, rest = line.partition(" ")
        name, _, what = rest.partition(" ")
        if word == "host" and rest in HOSTS:
            self.host = rest
        elif word == "ok" and name in (*ROLES, *_FOR_PEOPLE):
            self.sizes[name] = what
        elif word in STATES and name in (*ROLES, *_FOR_PEOPLE):
            self.gaps.setdefault(name, {"name": name, "state": word, "what": what[:_WHAT_LIMIT]})
        elif word not in ("made-by", ""):
            self.reading.note(f"a line of the {MANIFEST} that is not understood: {line[:60]!a}", number)

    def check(self, found: dict[str, bytes]) -> None:
        """Note where list and archive differ."""
        for name, size in self.sizes.items():
            if name not in found:
                self.reading.note(f"the {MANIFEST} lists {name}, and the archive has none")
            elif size != str(len(found[name])):
                self.reading.note(f"{name} has {len(found[name])} bytes, and the {MANIFEST} says {size[:20]!a}")


def _clean(line: str) -> str:
    return _STRANGE.sub("?", line)
