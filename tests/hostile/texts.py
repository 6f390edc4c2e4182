"""Hostile texts and archives for every role, and whether a reader takes them: as a text that is odd, or not at all."""

import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from typing import NamedTuple

from tests.fuzz.seeds import CONFIG, archive

MIB = 1 << 20


class HostileText(NamedTuple):
    """A file that means harm. `is_read`: whether it is taken all the same, with what is odd in it noted."""

    role: str
    name: str
    body: bytes
    is_read: bool


def hostile_texts() -> Iterator[HostileText]:
    """All of them."""
    for role, good in GOOD.items():
        yield from _of_any_role(role, good)
    yield from _configs()
    yield from _logs()
    yield from _rows()
    yield from _command_lines()
    yield from _domains()
    yield from _sources()
    yield from _tarballs()


#: A small text of each role that its reader takes.
GOOD = {
    "config": CONFIG,
    "dmesg": "[    0.000000] Linux version 6.12.117 (a@b) (gcc 12) #1 SMP\n"
    "[    0.000000] x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  \n",
    "domain": 'name = "gpu"\ntype = "pv"\n',
    "version": "Linux version 6.12.117 (a@b) (gcc 12) #1 SMP\n",
    "cmdline": "root=/dev/xvda1 ro quiet\n",
    "cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 142\nflags\t\t: fpu pat\n",
    "mtrr": "reg00: base=0x000000000 (    0MB), size= 2048MB, count=1: write-back\n",
    "memtypes": "PAT memtype list:\nPAT: [mem 0x00000000bfedf000-0x00000000bfee0000] write-back\n",
    "modules": "Module                  Size  Used by\ni915                 3000000  3\n",
    "pci": "00:02.0 VGA compatible controller: Intel\n\tKernel driver in use: i915\n",
    "hypervisor": "type: xen\nguest_type: PV\nversion/major: 4\nversion/minor: 17\n",
    "xl-dmesg": "(XEN) Xen version 4.17.2 (a@b) (gcc 12) debug=n\n(XEN) Command line: dom0_mem=4G\n",
    "xl-info": "host : a\nxen_major : 4\nxen_minor : 17\nxen_version : 4.17.2\n",
    "xen-source": "#define XEN_MSR_PAT 0x0000050100070406ULL\n",
}
#: Any line of text may be a command line.
_ANYTHING = ("cmdline",)


def _of_any_role(role: str, good: str) -> Iterator[HostileText]:
    """What may be done to any text."""
    for name, body, is_read in (
        ("empty", b"", False),
        ("NUL at the end", good.encode() + b"\0", False),
        ("zeros", bytes(100), False),
        ("a lone surrogate", good.encode() + b"# \xed\xa0\x80\n", True),
        ("CR LF", good.replace("\n", "\r\n").encode(), True),
        ("a byte order mark", b"\xef\xbb\xbf" + good.encode(), True),
        ("an ELF file", b"\x7fELF" + bytes(60), False),
        ("HTML", b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n", role in _ANYTHING),
        ("noise", bytes((at * 7919 + at * at) % 255 + 1 for at in range(4000)), role in _ANYTHING),
        ("one endless line", b"A" * (5 * MIB), False),
        ("too many lines", b"\n" * 200_000, False),
    ):
        yield HostileText(role, name, body, is_read)


def _configs() -> Iterator[HostileText]:
    def one(name: str, text: str | bytes, is_read: bool) -> HostileText:
        return HostileText("config", name, text if isinstance(text, bytes) else text.encode(), is_read)

    yield one("not UTF-8", CONFIG.encode() + b"# \xe4\xf6\xfc\n", True)
    yield one("lone CRs", CONFIG.replace("\n", "\r"), False)
    yield one("right to left", CONFIG + "# \u202e y=TAP_68X_GIFNOC\n", True)
    yield one("set twice", CONFIG + "CONFIG_X86_PAT=n\nCONFIG_X86_PAT=y\n", True)
    yield one("no prefix", "X86_PAT=y\nMTRR=y\n", False)
    yield one("a text without end", CONFIG + 'CONFIG_LOCALVERSION="' + "\\" * 5000 + "\n", True)
    yield one("quotes", CONFIG + 'CONFIG_LOCALVERSION="' + '"' * 5000 + "\n", True)
    yield one("a million symbols", "CONFIG_A=y\n" * 1_000_000, False)
    yield one("60,000 symbols", "".join(f"CONFIG_{number}=y\n" for number in range(59_999)), True)
    yield one("a long name", f"CONFIG_{'A' * 16_000}=y\n", True)
    yield one("a diff", f"--- a/.config\n+++ b/.config\n@@ -1 +1 @@\n-{CONFIG}", True)
    yield one("a merge that was not ended", CONFIG + "<<<<<<< HEAD\nCONFIG_MTRR=n\n=======\n>>>>>>> x\n", False)
    yield one("what a shell would do", CONFIG + 'CONFIG_LOCALVERSION="$(rm -rf /)`id`;|&"\n', True)
    yield one("another architecture", "# Linux/arm64 6.12.117 Kernel Configuration\nCONFIG_X86_PAT=y\n", False)
    packed = gzip.compress(CONFIG.encode(), mtime=0)
    yield one("gzip: a bomb", gzip.compress(bytes(64 * MIB), mtime=0), False)
    yield one("gzip: nested", gzip.compress(packed, mtime=0), False)
    yield one("gzip: two members", packed + packed, True)
    yield one("gzip: 2000 members", gzip.compress(b"", mtime=0) * 2000, False)
    yield one("gzip: bytes after the end", packed + b"rest", True)
    yield one("gzip: a wrong checksum", packed[:-8] + bytes(4) + packed[-4:], False)
    yield one("gzip: a wrong size", packed[:-4] + b"\xff" * 4, False)
    yield one("gzip: cut off", packed[:-9], False)
    yield one(
        "gzip: a name of 900 KB", packed[:3] + b"\x08" + packed[4:10] + b"n" * 900_000 + b"\0" + packed[10:], True
    )
    yield one("gzip: too large", b"\x1f\x8b\x08" + bytes(2 * MIB), False)
    yield one("xz: a bomb", lzma.compress(bytes(64 * MIB)), False)
    yield one("bzip2", b"BZh91AY&SY" + bytes(100), False)


def _logs() -> Iterator[HostileText]:
    def one(name: str, text: str, is_read: bool = True) -> HostileText:
        return HostileText("dmesg", name, text.encode(errors="surrogatepass"), is_read)

    good = GOOD["dmesg"]
    pat = "x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  "
    yield one("escapes", good.replace("x86", "\x1b[31mx86\x1b[0m"))
    yield one("a line that overwrites another", good.replace("x86", "WB WC\rx86"))
    yield one("times that go back", good + good.replace("0.000000", "9.000000") + good)
    yield one("forged by a program", good + f'[ 9.0] audit: name="{pat.replace("WT", "WC")}"\n')
    yield one("two boots that differ", good + good.replace("WB  WT", "WB  WC"))
    yield one("100,000 near matches", good + "x86/PAT: Configuration [0-7]: WB WT WC\n" * 99_000)
    yield one("reserved words", good.replace("WT", "XX"))
    yield one("too many boots", good * 300)
    yield one("numbers without end", good + f"[{'9' * 4000}.{'9' * 4000}] MTRR default type: write-back\n")
    yield one("processors talk at once", good.replace("Configuration", "Confi[    0.0] smpboot: x\nguration"))
    yield one("levels", "".join(f"<6>{line}\n" for line in good.splitlines()))
    yield HostileText(
        "xl-dmesg", "100,000 lines", GOOD["xl-dmesg"].encode() + b"(XEN) Bad L1 flags 800000\n" * 99_000, True
    )
    yield HostileText("xl-dmesg", "a guest that speaks for Xen", b"(d1) (XEN) Xen version 4.17.2 (a@b) x\n", False)


def _rows() -> Iterator[HostileText]:
    row = "reg{:02}: base=0x{:09x} ({:5}MB), size={:5}MB, count=1: {}\n"

    def mtrr(name: str, text: str, is_read: bool = True) -> HostileText:
        return HostileText("mtrr", name, text.encode(), is_read)

    yield mtrr("rows that overlap", "".join(row.format(number, 0, 0, 2048, "write-back") for number in range(8)))
    yield mtrr("a size of 0", row.format(0, 0, 0, 0, "write-back"))
    yield mtrr("past 52 bits", row.format(0, 1 << 60, 1 << 40, 2048, "write-back"))
    yield mtrr("no power of two", row.format(0, 0, 0, 2049, "write-back"))
    yield mtrr("an unknown type", row.format(0, 0, 0, 2048, "write-sideways"))
    yield mtrr("MB and hex differ", row.format(0, 1 << 30, 7, 2048, "write-back"))
    yield mtrr("negative", row.format(0, 0, 0, 2048, "write-back").replace("2048", "-204"), False)
    yield mtrr("a number again", row.format(1, 0, 0, 1, "write-back") * 2)
    yield mtrr(
        "256 rows", "".join(row.format(number % 100, number << 20, number, 1, "uncachable") for number in range(256))
    )
    yield mtrr(
        "digits of another script", "reg\u0660\u0660: base=0x0 (    0MB), size= 1MB, count=1: write-back\n", False
    )
    list_ = "PAT memtype list:\n" + "PAT: [mem 0x0-0x1000] uncached\n" * 19_000
    yield HostileText("memtypes", "19,000 rows of one range", list_.encode(), True)
    backwards = "PAT memtype list:\nPAT: [mem 0xffffffffffffffff-0x0] write-back\n"
    yield HostileText("memtypes", "a range backwards", backwards.encode(), True)
    yield HostileText("modules", "2000 modules of one name", (GOOD["modules"] + "i915 1 1\n" * 1998).encode(), True)
    yield HostileText("pci", "a thousand devices", (GOOD["pci"] * 1000).encode(), True)
    yield HostileText("cpuinfo", "10,000 processors", (GOOD["cpuinfo"] + "\n").encode() * 10_000, True)
    yield HostileText("cpuinfo", "a model of 17 digits", GOOD["cpuinfo"].replace("142", "9" * 17).encode(), True)


def _command_lines() -> Iterator[HostileText]:
    for name, text, is_read in (
        ("quotes without end", 'root=/dev/sda "nopat', True),
        ("nopat in a value", 'root=/dev/sda x="a nopat b"', True),
        ("nopat a thousand times", "ro " + "nopat " * 600, True),
        ("tabs", "ro\tnopat\t\tquiet", True),
        ("too long", "a" * 5000, False),
        ("two lines", "ro\nnopat\n", True),
        ("what a shell would do", "ro `id` $(id) ;rm -rf /", True),
    ):
        yield HostileText("cmdline", name, text.encode(), is_read)


def _domains() -> Iterator[HostileText]:
    good, device = GOOD["domain"], '"0000:00:00.0", '
    for name, text, is_read in (
        ("nested", good + "a = " + "[" * 5000 + "]" * 5000 + "\n", False),
        ("a text without end", good + 'extra = "nopat', False),
        ("Python", "import os\nos.system('id')\n" + good, False),
        ("5000 settings", "".join(f"a{number} = 1\n" for number in range(5000)), False),
        ("set twice", good + 'type = "hvm"\n', True),
        ("a number of 4000 digits", good + f"vcpus = {'9' * 4000}\n", True),
        ("a list of 5000 in lines", good + f"pci = [\n{device * 5000}]\n".replace(", ", ",\n"), True),
        ("backslashes", good + 'extra = "' + "\\" * 9999 + '"\n', False),
        ("a path that leads out", good + 'kernel = "../../../../etc/shadow"\n', True),
    ):
        yield HostileText("domain", name, text.encode(), is_read)


def _sources() -> Iterator[HostileText]:
    good = GOOD["xen-source"]
    hunk = "--- a/xen/arch/x86/include/asm/processor.h\n+++ b/xen/arch/x86/include/asm/processor.h\n@@ -1,{} +1,{} @@\n"
    for name, text, is_read in (
        ("defined by itself", "#define XEN_MSR_PAT XEN_MSR_PAT\n", False),
        ("names in a ring", "#define XEN_MSR_PAT A\n#define A B\n#define B A\n", False),
        ("parentheses", f"#define XEN_MSR_PAT {'(' * 5000}6{')' * 5000}\n", False),
        ("terms", f"#define XEN_MSR_PAT {' | '.join(['6'] * 900)}\n", False),
        ("a shift by much", "#define XEN_MSR_PAT (6ULL << 4000000000)\n", False),
        ("reserved", "#define XEN_MSR_PAT 0x0203ULL\n", False),
        ("a comment without end", "/*" * 2000 + good, False),
        ("20,000 conditions", good + "#if defined(A)\n" * 20_000, True),
        ("assertions", "static_assert(XEN_MSR_PAT ==\n" * 30_000, False),
        ("hunks that lie", hunk.format(999_999_999, 999_999_999) + f"-{good}+{good}", True),
        ("a hunk of nothing", hunk.format(0, 0), False),
        ("a thousand files", (hunk.format(1, 1) + f"-{good}+{good}") * 1000, False),
        ("a path that leads out", hunk.replace("xen/arch", "../../../etc").format(1, 1) + f"-{good}+{good}", True),
    ):
        yield HostileText("xen-source", name, text.encode(), is_read)


def _tarballs() -> Iterator[HostileText]:
    manifest = b"patreview.evidence/1\nhost dom0\nok dmesg 100\n"
    good = {"MANIFEST": manifest, "dmesg": GOOD["dmesg"].encode()}
    plain = archive(good)

    def one(name: str, body: bytes, is_read: bool = False) -> HostileText:
        return HostileText("bundle", name, body, is_read)

    for path in ("../dmesg", "/etc/dmesg", "a/../../dmesg"):
        yield one(f"a name that leads out: {path!a}", _entry(tarfile.REGTYPE, path, b"x"))
    for kind, what in (
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a disk"),
        (tarfile.FIFOTYPE, "a FIFO"),
        (tarfile.GNUTYPE_SPARSE, "sparse"),
    ):
        yield one(what, _entry(kind, "dmesg", b""))
    yield one("a member of 8 GiB", _entry(tarfile.REGTYPE, "dmesg", b"x", size=(8 << 30) - 1))
    yield one("cut off", plain[:700])
    yield one("a wrong checksum", plain[:148] + b"0000000\0" + plain[156:])
    yield one("10,000 members", archive({f"x{number}": b"" for number in range(10_000)}))
    yield one("a long name", archive({"n" * 5000: b"x"} | good, tarfile.GNU_FORMAT), True)
    yield one("a bomb", gzip.compress(archive({"dmesg": bytes(40 * MIB)}), mtime=0))
    yield one("a bomb in a member", archive(good | {"proc-config.gz": gzip.compress(bytes(64 * MIB), mtime=0)}), True)
    yield one("nested", gzip.compress(gzip.compress(plain, mtime=0), mtime=0))
    yield one("a pax header that lies", _pax(b"99999999999 path=dmesg\n"))
    yield one("a pax size that is negative", _pax(b"12 size=-10\n"))
    yield one("a member twice", _twice(good), True)
    yield one("members that are none", archive(good | {"proc-mtrr": b"\0" * 100, "lspci": b"\x7fELF"}), True)
    yield one("nothing", bytes(10240))


def _entry(kind: bytes, name: str, body: bytes, size: int | None = None) -> bytes:
    """An archive of one entry with any kind, name and size, its checksum right."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, len(body) if size is None else size, "/etc/shadow"
    return entry.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % 512) + bytes(1024)


def _pax(records: bytes) -> bytes:
    """An archive whose member has a pax header of these records."""
    header = tarfile.TarInfo("PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, len(records)
    return header.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512) + archive({"dmesg": b"x"})


def _twice(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in [*members.items(), *members.items()]:
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()
