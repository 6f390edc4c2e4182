"""What ELF notes tell Xen of a kernel, and why Xen would refuse to build a domain of it."""

from collections.abc import Iterator
from typing import NamedTuple

from simulator.images.elf import Elf, Note, physical_range, section_offset, section_text
from simulator.images.occurrences import Bytes

LEGACY_SECTION = "__xen_guest"
LEGACY_LIMIT = 4096
NOTES_SHOWN = 64
_TEXT_SHOWN = 200
_BYTES_SHOWN = 32
_ADDRESSES = (1 << 64) - 1

NUMBER, TEXT, WORDS, PAIR = "number", "text", "words", "mask and value"

#: Source: xen, xen/include/public/elfnote.h.
NOTE_TYPES = {
    #    name                  descriptor
    0:  ("INFO",               TEXT),
    1:  ("ENTRY",              NUMBER),
    2:  ("HYPERCALL_PAGE",     NUMBER),
    3:  ("VIRT_BASE",          NUMBER),
    4:  ("PADDR_OFFSET",       NUMBER),
    5:  ("XEN_VERSION",        TEXT),
    6:  ("GUEST_OS",           TEXT),
    7:  ("GUEST_VERSION",      TEXT),
    8:  ("LOADER",             TEXT),
    9:  ("PAE_MODE",           TEXT),
    10: ("FEATURES",           TEXT),
    11: ("BSD_SYMTAB",         TEXT),
    12: ("HV_START_LOW",       NUMBER),
    13: ("L1_MFN_VALID",       PAIR),
    14: ("SUSPEND_CANCEL",     NUMBER),
    15: ("INIT_P2M",           NUMBER),
    16: ("MOD_START_PFN",      NUMBER),
    17: ("SUPPORTED_FEATURES", NUMBER),
    18: ("PHYS32_ENTRY",       NUMBER),
    19: ("PHYS32_RELOC",       WORDS),
    0x1000001: ("CRASH_INFO",  TEXT),
    0x1000002: ("CRASH_REGS",  TEXT),
}  # fmt: skip

#: The keys of the legacy section by the note that says the same. The page of HYPERCALL_PAGE is counted from VIRT_BASE.
LEGACY_KEYS = {
    "LOADER": "LOADER",
    "GUEST_OS": "GUEST_OS",
    "GUEST_VER": "GUEST_VERSION",
    "XEN_VER": "XEN_VERSION",
    "PAE": "PAE_MODE",
    "BSD_SYMTAB": "BSD_SYMTAB",
    "VIRT_BASE": "VIRT_BASE",
    "VIRT_ENTRY": "ENTRY",
    "ELF_PADDR_OFFSET": "PADDR_OFFSET",
    "HYPERCALL_PAGE": "HYPERCALL_PAGE",
    "FEATURES": "FEATURES",
}

#: XENFEAT_ names by bit. Source: xen, xen/include/public/features.h.
FEATURES = (
    "writable_page_tables", "writable_descriptor_tables", "auto_translated_physmap", "supervisor_mode_kernel",
    "pae_pgdir_above_4gb", "mmu_pt_update_preserve_ad", "highmem_assist", "gnttab_map_avail_bits",
    "hvm_callback_vector", "hvm_safe_pvclock", "hvm_pirqs", "dom0",
    "grant_map_identity", "memory_op_vnode_supported", "ARM_SMCCC_supported", "linux_rsdp_unrestricted",
    "not_direct_mapped", "direct_mapped", "runstate_phys_area", "vcpu_time_phys_area", "dm_msix_all_writes",
)  # fmt: skip
#: What the text of a FEATURES note may name. Source: xen, libelf-dominfo.c, elf_xen_feature_names.
_NAMED_FEATURES = frozenset({
    "writable_page_tables", "writable_descriptor_tables", "auto_translated_physmap", "supervisor_mode_kernel",
    "pae_pgdir_above_4gb", "hvm_callback_vector", "dom0",
})  # fmt: skip


class XenNote(NamedTuple):
    """One thing that the image tells Xen: a number or a text, as people read it, and its offset."""

    name: str
    number: int
    text: str
    offset: int
    kind: int | None = None
    is_whole: bool = True


class XenNotes(NamedTuple):
    """All that the image tells Xen, by name; the last of a name counts, as in Xen. `remarks` says what was odd."""

    said: dict[str, XenNote]
    is_legacy: bool
    remarks: list[str]

    def text(self, name: str) -> str:
        """The text of a note; empty where there is none."""
        return self.said[name].text if name in self.said else ""

    def number(self, name: str) -> int | None:
        """The number of a note; None where there is none."""
        return self.said[name].number if name in self.said else None

    @property
    def _words(self) -> list[str]:
        return [word for word in self.text("FEATURES").split("|") if word]

    @property
    def required(self) -> list[str]:
        """The features that the image cannot do without, known or not."""
        return [word[1:] for word in self._words if word.startswith("!")]

    @property
    def supported(self) -> list[str]:
        """The features that the image can use, those it requires among them, in the order of their bits."""
        named = {word.removeprefix("!") for word in self._words} & _NAMED_FEATURES
        bits = self.number("SUPPORTED_FEATURES") or 0
        known = [name for bit, name in enumerate(FEATURES) if bits >> bit & 1 or name in named]
        return known + [f"bit {bit}" for bit in range(len(FEATURES), 64) if bits >> bit & 1]


def read_xen_notes(body: Bytes, elf: Elf, notes: list[Note]) -> XenNotes:
    """What the image tells Xen: by notes of segments, else of sections, else by the legacy section.

    Source: xen, xen/common/libelf/libelf-dominfo.c, elf_xen_parse().
    """
    own = [note for note in notes if note.owner == b"Xen"]
    found = [note for note in own if note.in_segment] or own
    remarks: list[str] = []
    if found:
        read = [meaning(note, remarks) for note in found]
        return XenNotes({note.name: note for note in read}, False, remarks)
    legacy = section_text(body, elf, LEGACY_SECTION, limit=LEGACY_LIMIT)
    offset = section_offset(elf, LEGACY_SECTION)
    said = _legacy(legacy, offset or 0, remarks) if legacy else {}
    return XenNotes(said, bool(said), remarks)


def meaning(note: Note, remarks: list[str]) -> XenNote:
    """What a note of Xen's says."""
    name, shape = NOTE_TYPES.get(note.kind, (f"{note.kind:#x}", ""))
    words = [int.from_bytes(note.body[at : at + 4], "little") for at in range(0, len(note.body) - 3, 4)]
    number = int.from_bytes(note.body, "little") if len(note.body) in (1, 2, 4, 8) and note.is_whole else 0
    if shape == NUMBER:
        if not note.is_whole or len(note.body) not in (1, 2, 4, 8):
            remarks.append(f"the note {name} has {len(note.body)} bytes; Xen reads a number of 1, 2, 4 or 8, else 0")
        text = f"{number:#x}"
    elif shape == TEXT:
        text = note.body.partition(b"\0")[0].decode("latin-1")
    elif shape == WORDS:
        text = ", ".join(f"{label} {word:#x}" for label, word in zip(("align", "min", "max"), words, strict=False))
    elif shape == PAIR:
        half = len(note.body) // 2
        mask, value = (int.from_bytes(part, "little") for part in (note.body[:half], note.body[half:]))
        text = f"mask {mask:#x}, value {value:#x}"
    else:
        text = note.body[:_BYTES_SHOWN].hex()
    return XenNote(name, number, text, note.offset, note.kind, note.is_whole)


def _legacy(text: str, offset: int, remarks: list[str]) -> dict[str, XenNote]:
    said: dict[str, XenNote] = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        if key in LEGACY_KEYS:
            number = _number(value)
            name = LEGACY_KEYS[key]
            said[name] = XenNote(name, number << 12 if name == "HYPERCALL_PAGE" else number, value, offset)
        else:
            remarks.append(f"Xen does not know the key {key[:40]!a} of the section {LEGACY_SECTION}")
    return said


def _number(text: str) -> int:
    """A number as strtoull() reads it in base 0, as far as such sections need it; 0 for any other text."""
    digits, base = (text[2:], 16) if text[:2] in ("0x", "0X") else (text, 10)
    is_number = 0 < len(digits) <= 16 and digits.isascii() and digits.isalnum()
    try:
        return int(digits, base) if is_number else 0
    except ValueError:
        return 0


class Ability(NamedTuple):
    """Whether Xen takes the image for a way to run, and why, or why not."""

    able: bool
    why: str


def abilities(elf: Elf, xen: XenNotes) -> dict[str, Ability]:
    """Whether Xen takes the image as a PV guest, as a PVH guest, and in either way as dom0.

    Source: xen, xen/common/libelf/libelf-dominfo.c, elf_xen_note_check(), elf_xen_addr_calc_check();
    xen/arch/x86/pv/dom0_build.c.
    """
    refused_pv = next(_reasons_against_pv(elf, xen), None)
    refused_pvh = next(_reasons_against_pvh(elf, xen), None)
    refused_dom0 = next(_reasons_against_dom0(xen, refused_pv, refused_pvh), None)
    pvh = f"it has the note PHYS32_ENTRY ({xen.text('PHYS32_ENTRY')})"
    dom0 = "its features name dom0" if "dom0" in xen.supported else "it has no note SUPPORTED_FEATURES that denies it"
    return {
        "pv": Ability(refused_pv is None, refused_pv or _why_pv(elf, xen)),
        "pvh": Ability(refused_pvh is None, refused_pvh or pvh),
        "dom0": Ability(refused_dom0 is None, refused_dom0 or dom0),
    }


def _why_pv(elf: Elf, xen: XenNotes) -> str:
    by = f"its section {LEGACY_SECTION} names" if xen.is_legacy else "its notes name"
    more = "; as a 32-bit kernel it needs a Xen that is built with CONFIG_PV32" if elf.bits == 32 else ""
    return f"{by} the loader, Xen 3.0 and an entry point inside the kernel{more}"


def _reasons_against_pv(elf: Elf, xen: XenNotes) -> Iterator[str]:
    if not xen.said:
        yield f"it has neither ELF notes of the owner Xen nor a section {LEGACY_SECTION}"
    yield from _unknown_features(xen)
    if not xen.text("LOADER").startswith("generic") and not xen.text("GUEST_OS").startswith("linux"):
        yield "its note LOADER is not generic, and its GUEST_OS is not linux"
    if not xen.text("XEN_VERSION").startswith("xen-3.0"):
        yield f"its note XEN_VERSION is {xen.text('XEN_VERSION')[:20]!a}; Xen takes xen-3.0 alone"
    if "supervisor_mode_kernel" in xen.required:
        yield "it requires supervisor_mode_kernel, which Xen does not offer"
    if elf.bits == 32 and not _has_pae(xen):
        yield "it is a 32-bit kernel without PAE"
    yield from _reasons_of_addresses(elf, xen)


def _has_pae(xen: XenNotes) -> bool:
    mode = xen.text("PAE_MODE")
    return mode.startswith("yes") or "bimodal" in mode


def _unknown_features(xen: XenNotes) -> Iterator[str]:
    """Xen refuses what it cannot give; it does not look so closely at the legacy section."""
    unknown = [name for name in xen.required if name not in _NAMED_FEATURES]
    if unknown and not xen.is_legacy:
        yield f"it requires the feature {unknown[0][:40]!a}, which Xen does not know"


def _reasons_of_addresses(elf: Elf, xen: XenNotes) -> Iterator[str]:
    base, paddr_offset = xen.number("VIRT_BASE"), xen.number("PADDR_OFFSET")
    if base is None and paddr_offset is not None:
        yield "it has the note PADDR_OFFSET and not VIRT_BASE"
    loaded = physical_range(elf)
    if loaded is None:
        yield "it has no segment to load"
    else:
        base = base or 0
        shift = base - ((base if xen.is_legacy else 0) if paddr_offset is None else paddr_offset)
        yield from _reasons_of_bounds(elf, xen, base, loaded[0] + shift & _ADDRESSES, loaded[1] + shift & _ADDRESSES)


def _reasons_of_bounds(elf: Elf, xen: XenNotes, base: int, begin: int, end: int) -> Iterator[str]:
    """Why virtual addresses do not fit the kernel, which lies from `begin` to `end`."""
    entry, table = xen.number("ENTRY"), xen.number("INIT_P2M")
    entry = elf.entry if entry is None else entry
    if begin > end or not begin <= entry <= end or base > begin:
        yield f"its entry {entry:#x} or its base {base:#x} lies outside the kernel, {begin:#x} to {end:#x}"
    if table is not None and begin <= table < end:
        yield f"its note INIT_P2M ({table:#x}) lies inside the kernel, {begin:#x} to {end:#x}"


def _reasons_against_pvh(elf: Elf, xen: XenNotes) -> Iterator[str]:
    entry = xen.number("PHYS32_ENTRY") or 0
    if "PHYS32_ENTRY" not in xen.said:
        yield "it has no note PHYS32_ENTRY"
    yield from _unknown_features(xen)
    loaded = physical_range(elf)
    if loaded is None:
        yield "it has no segment to load"
    elif not loaded[0] <= entry <= loaded[1]:
        yield f"its PHYS32_ENTRY ({entry:#x}) lies outside the kernel, {loaded[0]:#x} to {loaded[1]:#x}"


def _reasons_against_dom0(xen: XenNotes, refused_pv: str | None, refused_pvh: str | None) -> Iterator[str]:
    if refused_pv is not None and refused_pvh is not None:
        yield f"it can be neither PV nor PVH: {refused_pv}"
    if "SUPPORTED_FEATURES" in xen.said and "dom0" not in xen.supported:
        yield f"its note SUPPORTED_FEATURES ({xen.text('SUPPORTED_FEATURES')}) does not name dom0"


def shown(notes: list[Note], xen: XenNotes) -> list[dict[str, object]]:
    """The first notes as people read them, of every owner; those of the legacy section too."""
    rows = [_row(note) for note in notes[:NOTES_SHOWN]]
    if xen.is_legacy:
        rows += [_xen_row(LEGACY_SECTION, note) for note in xen.said.values()]
    return rows[:NOTES_SHOWN]


#: Notes of other owners that are read. Source: linux, include/linux/build-salt.h, elfnote-lto.h; GNU gABI extensions.
_OTHER_NOTES = {
    (b"Linux", 0x100): ("BUILD_SALT", TEXT),
    (b"Linux", 0x101): ("LTO", NUMBER),
    (b"GNU", 3): ("BUILD_ID", ""),
    (b"GNU", 5): ("PROPERTY", ""),
}


def build_salt(notes: list[Note]) -> XenNote | None:
    """The note of Linux that tells two builds apart: its release, unless somebody chose another text."""
    salts = [note for note in notes if (note.owner, note.kind) == (b"Linux", 0x100)]
    if not salts:
        return None
    text = salts[0].body.partition(b"\0")[0].decode("latin-1")
    return XenNote("BUILD_SALT", 0, text[:_TEXT_SHOWN], salts[0].offset, 0x100)


def _row(note: Note) -> dict[str, object]:
    owner = note.owner.decode("latin-1")
    if note.owner == b"Xen":
        return _xen_row(owner, meaning(note, []))
    name, shape = _OTHER_NOTES.get((note.owner, note.kind), (f"{note.kind:#x}", ""))
    text = note.body[:_BYTES_SHOWN].hex()
    if shape == TEXT:
        text = note.body.partition(b"\0")[0].decode("latin-1")
    elif shape == NUMBER:
        text = f"{int.from_bytes(note.body[:8], 'little'):#x}"
    return {"owner": owner, "type": note.kind, "name": name, "value": text[:_TEXT_SHOWN], "offset": note.offset}


def _xen_row(owner: str, note: XenNote) -> dict[str, object]:
    cut = "" if note.is_whole else " (cut off)"
    value = note.text[:_TEXT_SHOWN] + cut
    return {"owner": owner, "type": note.kind, "name": note.name, "value": value, "offset": note.offset}
