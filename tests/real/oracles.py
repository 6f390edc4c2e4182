"""What others read in the same files: readelf, pyelftools, kconfiglib, the decompressors themselves, plain searches."""

import gzip
import lzma
import re
import shutil
import struct
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import kconfiglib
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_NOTE_N_TYPE

# --- boot images ----------------------------------------------------------------------------------------------------

#: Fields of the boot header by offset and format, as the kernel's own documentation of the boot protocol has them.
FIELDS = {
    "setup_sects": (0x1F1, "<B"),
    "syssize": (0x1F4, "<I"),
    "protocol": (0x206, "<H"),
    "version_pointer": (0x20E, "<H"),
    "loadflags": (0x211, "<B"),
    "relocatable": (0x234, "<B"),
    "xloadflags": (0x236, "<H"),
    "hardware_subarch": (0x23C, "<I"),
    "payload_offset": (0x248, "<I"),
    "payload_length": (0x24C, "<I"),
    "pref_address": (0x258, "<Q"),
    "init_size": (0x260, "<I"),
}
MAGICS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"\x02\x21\x4c\x18": "lz4"}
LZ4_BLOCK = 8 << 20


def boot_header(data: bytes) -> dict[str, int]:
    """The fields of a boot header as numbers."""
    return {name: struct.unpack_from(form, data, offset)[0] for name, (offset, form) in FIELDS.items()}


def version_text(data: bytes) -> str:
    """The text that the boot header points to."""
    begin = boot_header(data)["version_pointer"] + 0x200
    return data[begin : data.index(b"\0", begin)].decode("ascii")


def payload(data: bytes) -> bytes:
    """The packed kernel of a bzImage with the size that ends it; any other file as it is."""
    if data[0x202:0x206] != b"HdrS":
        return data
    header = boot_header(data)
    begin = (header["setup_sects"] + 1) * 512 + header["payload_offset"]
    return data[begin : begin + header["payload_length"]]


def method(packed: bytes) -> str:
    """How something is packed; empty for what is not."""
    return next((name for magic, name in MAGICS.items() if packed.startswith(magic)), "")


def lz4_blocks(packed: bytes) -> list[bytes]:
    """The packed blocks of the legacy format in front of four bytes of size."""
    blocks, at = [], 4
    while at < len(packed) - 4:
        (size,) = struct.unpack_from("<I", packed, at)
        blocks.append(packed[at + 4 : at + 4 + size])
        at += 4 + size
    return blocks


def unpack(packed: bytes) -> bytes:
    """What a packed kernel unpacks to, by nothing but the library."""
    import lz4.block
    import zstandard

    match method(packed):
        case "gzip":
            return gzip.decompress(packed)
        case "xz":
            return lzma.decompress(packed[:-4])
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
        case "lz4":
            return b"".join(lz4.block.decompress(one, uncompressed_size=LZ4_BLOCK) for one in lz4_blocks(packed))
    return packed


# --- ELF ------------------------------------------------------------------------------------------------------------


class PlainNote(NamedTuple):
    """An ELF note: readelf does not say the number of a type that it has a name for, nor every descriptor."""

    owner: bytes
    size: int
    kind: int | None
    body: bytes | None


def notes_by_pyelftools(path: Path) -> list[PlainNote]:
    """The notes of segments and sections, each once, in the order of their offsets."""
    found = {}
    with path.open("rb") as stream:
        file = ELFFile(stream)
        held: list[Any] = [one for one in file.iter_segments() if one["p_type"] == "PT_NOTE" and one["p_offset"]]
        held += [one for one in file.iter_sections() if one["sh_type"] == "SHT_NOTE"]
        for part in held:
            for one in part.iter_notes():
                kind = ENUM_NOTE_N_TYPE.get(one["n_type"], one["n_type"])
                owner, body = (one["n_name"] or "").encode("latin-1"), bytes(one["n_descdata"])
                found[one["n_offset"]] = PlainNote(owner, one["n_descsz"], kind, body)
    return [note for _, note in sorted(found.items())]


_NOTE = re.compile(r"  (?P<owner>\S+) +0x(?P<size>[0-9a-f]{8})\t(?P<rest>.*)")
_KIND = re.compile(r"Unknown note type: \(0x([0-9a-f]{8})\)")
_DATA = re.compile(r"description data: ((?:[0-9a-f]{2} )*)")
_BUILD_ID = re.compile(r"Build ID: ([0-9a-f]+)")


def readelf(option: str, path: Path) -> str:
    """What readelf prints; empty where there is none."""
    program = shutil.which("readelf")
    if program is None:
        return ""
    command = [program, "--wide", option, str(path)]
    return subprocess.run(command, env={"LC_ALL": "C"}, capture_output=True, text=True, check=False).stdout


def notes_by_readelf(path: Path) -> list[PlainNote]:
    """The notes in the order in which they are printed."""
    lines = readelf("--notes", path).replace("\n    ", "\t   ").splitlines()
    return [_note_of(match) for line in lines if (match := _NOTE.fullmatch(line))]


def _note_of(match: re.Match[str]) -> PlainNote:
    kind, data, build = (pattern.search(match["rest"]) for pattern in (_KIND, _DATA, _BUILD_ID))
    shown = data or build
    body = bytes.fromhex(shown[1]) if shown else None
    return PlainNote(match["owner"].encode("latin-1"), int(match["size"], 16), int(kind[1], 16) if kind else None, body)


_SEGMENT = re.compile(r"  (LOAD|NOTE) +(0x\S+) 0x\S+ (0x\S+) (0x\S+) (0x\S+) .*")


class PlainSegment(NamedTuple):
    """A program header as readelf prints it; offset and sizes in bytes."""

    kind: str
    offset: int
    physical: int
    file_size: int
    memory_size: int


def segments_by_readelf(path: Path) -> list[PlainSegment]:
    """The segments that are loaded or hold notes."""
    matches = [_SEGMENT.fullmatch(line) for line in readelf("--segments", path).splitlines()]
    return [PlainSegment(match[1], *(int(match[n], 16) for n in (2, 3, 4, 5))) for match in matches if match]


def entry_by_readelf(path: Path) -> int | None:
    """The entry point."""
    match = re.search(r"Entry point address: +(0x[0-9a-f]+)", readelf("--file-header", path))
    return int(match[1], 16) if match else None


# --- .config --------------------------------------------------------------------------------------------------------

_NAME = re.compile(r"(?:# )?CONFIG_(\w+)(?:=(.*)| is not set)")


def kind_of(value: str) -> str:
    """The kind of a symbol by a value that kconfig wrote."""
    if value in ("y", "m", "n"):
        return "tristate"
    if value.startswith('"'):
        return "string"
    return "hex" if value.startswith("0x") else "int"


def kinds_in(text: str) -> dict[str, str]:
    """Every symbol of a .config that kconfig wrote, with its kind."""
    matches = [_NAME.fullmatch(line) for line in text.splitlines()]
    return {match[1]: kind_of(match[2] or "n") for match in matches if match}


class Kconfiglib:
    """kconfiglib with a flat Kconfig file: every symbol has a prompt, and none depends on another."""

    def __init__(self, kinds: dict[str, str]) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder, "Kconfig")
            rows = {**kinds, "MODULES": "bool"}
            path.write_text("".join(f'config {name}\n\t{kind} "{name}"\n' for name, kind in rows.items()))
            self._kconfig = kconfiglib.Kconfig(str(path), warn=False)
        self._names = list(kinds)

    def read(self, text: str) -> dict[str, str]:
        """The symbols that a .config sets, with `CONFIG_` in front, and their values as kconfig writes them."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "config")
            path.write_text(text)
            self._kconfig.load_config(str(path))
        symbols = [self._kconfig.syms[name] for name in self._names]
        return {f"CONFIG_{one.name}": self._written(one) for one in symbols if one.user_value is not None}

    @staticmethod
    def _written(symbol: kconfiglib.Symbol) -> str:
        value = symbol.user_value
        if isinstance(value, int):
            return "nmy"[value]
        return f'"{kconfiglib.escape(value)}"' if symbol.orig_type == kconfiglib.STRING else value
