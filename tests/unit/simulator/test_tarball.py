"""The tarball of collect.sh: members, gaps, and archives that are none of its."""

import gzip
import io
import tarfile
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import InvalidInput
from simulator.evidence.formats import BY_ROLE
from simulator.inputs.tarball import HOSTS, ROLES, STATES, read_tarball

MANIFEST = """\
patreview.evidence/1
host dom0
made-by collect.sh 1
ok proc-version 6
empty proc-mtrr /proc/mtrr
denied dmesg dmesg: Operation not permitted
absent lspci lspci: no such command
failed xl-info xl info: exit status 3
ok uname 4
"""
PLAIN = {"MANIFEST": MANIFEST, "proc-version": "Linux\n", "uname": "x86\n"}
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def archive(files: Iterable[tuple[str, str | bytes]], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A tar archive of plain files and, by a slash at the end, directories."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, text in files:
            body = text.encode() if isinstance(text, str) else text
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            if name.endswith("/"):
                entry.type = tarfile.DIRTYPE
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def packed(files: dict[str, str]) -> bytes:
    """The same, packed by gzip."""
    return gzip.compress(archive(files.items()))


def special(kind: bytes, **fields: object) -> bytes:
    """An archive of one entry of some kind."""
    entry = tarfile.TarInfo("dmesg")
    entry.type = kind
    for name, value in fields.items():
        setattr(entry, name, value)
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def notes(data: bytes) -> list[object]:
    """The notes on a tarball."""
    return [note["message"] for note in read_tarball(data, source="a.tar.gz").notes]


def test_a_tarball() -> None:
    tarball = read_tarball(packed(PLAIN), source="a.tar.gz")
    assert tarball.members == (("proc-version", b"Linux\n"),)
    assert tarball.gaps == (
        {"name": "proc-mtrr", "state": "empty", "what": "/proc/mtrr"},
        {"name": "dmesg", "state": "denied", "what": "dmesg: Operation not permitted"},
        {"name": "lspci", "state": "absent", "what": "lspci: no such command"},
        {"name": "xl-info", "state": "failed", "what": "xl info: exit status 3"},
    )
    assert tarball.host == "dom0"
    assert tarball.notes == ()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_formats_of_archives(form: int, pack: object) -> None:
    long = [("dmesg", "log"), (f"{'d' * 60}/{'e' * 60}/{'f' * 60}", "?"), ("lsmod", "i915")]
    tarball = read_tarball(pack(archive(long, form)), source="a.tar")  # type: ignore[operator]
    assert tarball.members == (("dmesg", b"log"), ("lsmod", b"i915"))
    assert len(tarball.notes) == 2


def test_every_member_has_a_role_that_is_read() -> None:
    files = {name: name for name in reversed(ROLES)}
    tarball = read_tarball(packed(files), source="a.tar.gz")
    assert [name for name, _ in tarball.members] == list(ROLES)
    assert set(ROLES.values()) <= set(BY_ROLE)


def test_members_in_one_folder_as_people_pack_them_again() -> None:
    files = [("./", ""), ("./look/", ""), ("./look/dmesg", "log"), ("./lsmod", "i915")]
    assert len(read_tarball(archive(files), source="a.tar").members) == 2


@pytest.mark.parametrize("host", HOSTS)
def test_hosts(host: str) -> None:
    assert read_tarball(packed({"MANIFEST": f"patreview.evidence/1\nhost {host}\n"}), source="a").host == host


@pytest.mark.parametrize("state", STATES)
def test_states(state: str) -> None:
    tarball = read_tarball(packed({"MANIFEST": f"patreview.evidence/1\n{state} dmesg a reason \033[31m\n"}), source="a")
    assert tarball.gaps == ({"name": "dmesg", "state": state, "what": "a reason ?[31m"},)


def test_what_the_list_says_of_itself() -> None:
    whole = PLAIN | {"proc-version": "Linux version 6.12\n"}
    assert notes(packed(whole)) == ["proc-version has 19 bytes, and the MANIFEST says '6'"]
    del whole["proc-version"], whole["uname"]
    expected = [f"the MANIFEST lists {name}, and the archive has none" for name in ("proc-version", "uname")]
    assert notes(packed(whole)) == expected


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ([("dmesg", "log")], "there is no MANIFEST: what could not be read is not told"),
        (
            [("MANIFEST", "host dom0\n")],
            "the MANIFEST begins with 'host dom0', not with patreview.evidence/1; what is known of it is read",
        ),
        (
            [("MANIFEST", "patreview.evidence/12\nhost dom0\n")],
            "the MANIFEST begins with 'patreview.evidence/12', not with patreview.evidence/1; "
            "what is known of it is read",
        ),
        ([("MANIFEST", "")], "the MANIFEST begins with '', not with patreview.evidence/1; what is known of it is read"),
        (
            [("MANIFEST", "patreview.evidence/1\nhost mainframe")],
            "a line of the MANIFEST that is not understood: 'host mainframe'",
        ),
        (
            [("MANIFEST", "patreview.evidence/1\ndenied shadow x")],
            "a line of the MANIFEST that is not understood: 'denied shadow x'",
        ),
        ([("dmesg", "1"), ("dmesg", "2")], "a second member dmesg; the first one counts"),
        ([("dmesg", "1"), ("shadow", "2")], "the member 'shadow' is none of collect.sh's; it is left out"),
        ([("dmesg", "1"), ("a/b/lsmod", "2")], "the member 'a/b/lsmod' is none of collect.sh's; it is left out"),
        ([("dmesg", "1"), ("\u20ac", "2")], "the member '\\u20ac' is none of collect.sh's; it is left out"),
        ([("dmesg", "1"), (".", "2")], "the member '.' is none of collect.sh's; it is left out"),
    ],
)
def test_notes(files: list[tuple[str, str]], note: str) -> None:
    assert note in notes(archive(files, tarfile.PAX_FORMAT))


def test_the_first_member_of_a_name_counts_and_one_without_bytes_is_a_gap() -> None:
    tarball = read_tarball(archive([("dmesg", "1"), ("dmesg", "2"), ("lsmod", "")]), source="a.tar")
    assert tarball.members == (("dmesg", b"1"),)
    assert tarball.gaps == ({"name": "lsmod", "state": "empty", "what": "the member has no bytes"},)


def test_a_list_without_first_line_is_read() -> None:
    tarball = read_tarball(packed({"MANIFEST": "host guest\ndenied dmesg\n"}), source="a")
    assert (tarball.host, tarball.gaps) == ("guest", ({"name": "dmesg", "state": "denied", "what": ""},))


def test_a_list_past_all_reason_is_cut() -> None:
    tarball = read_tarball(packed({"MANIFEST": "patreview.evidence/1\n" + "x\n" * 300 + "host dom0\n"}), source="a")
    assert (tarball.host, len(tarball.notes)) == ("unknown", 100)


def test_what_follows_the_end_is_left_out() -> None:
    assert notes(archive(PLAIN.items()) + b"more") == ["bytes after the end of the archive are left out"]
    assert notes(packed(PLAIN) + b"more") == ["4 bytes after the packed data are left out"]


def test_pax_names_and_sizes_count() -> None:
    """Both come before the entry that they are of, as GNU tar and POSIX have them."""
    entry = tarfile.TarInfo("short")
    entry.pax_headers = {"path": "dmesg", "size": "3", "comment": "x"}
    head = entry.create_pax_header(entry.get_info() | {"name": "dmesg"}, "utf-8")
    data = head + b"log".ljust(512, b"\0") + bytes(1024)
    assert read_tarball(data, source="a.tar").members == (("dmesg", b"log"),)


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    """An archive whose first entry is a pax header of some records, with a file after it."""
    head = tarfile.TarInfo("pax")
    head.type, head.size = kind, len(records)
    padded = records.ljust(-(-len(records) // 512) * 512, b"\0")
    return head.tobuf() + padded + archive([("dmesg", "log")])


@pytest.mark.parametrize("kind", [b"g", b"K"])
def test_headers_that_say_nothing_of_a_name_are_passed_over(kind: bytes) -> None:
    assert read_tarball(pax(b"12 path=abc\n", kind), source="a.tar").members == (("dmesg", b"log"),)


PLAIN_TAR = archive([("dmesg", "log")])
NO_NUMBER = "a header with a number that is none"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the archive is cut off: the blocks of zeros that end it are missing"),
        (bytes(1024), "holds none of the files that collect.sh collects; send its tarball as it is"),
        (archive([("shadow", "x")]), "holds none of the files that collect.sh collects"),
        (b"Linux version 6.12\n" * 100, "at byte 0 of the archive: a header with a number that is none"),
        (gzip.compress(b"Linux version 6.12\n" * 100, mtime=0), NO_NUMBER),
        (b"X" + PLAIN_TAR[1:], "at byte 0 of the archive: no header of a tar archive: its checksum is wrong"),
        (PLAIN_TAR[:514], "at byte 0 of the archive: the archive is cut off within a member"),
        (PLAIN_TAR[:1024], "at byte 1024 of the archive: the archive is cut off: the blocks of zeros"),
        (packed(PLAIN)[:-20], "the tarball is packed with gzip and cannot be unpacked"),
        (packed(PLAIN)[:-8] + bytes(8), "the tarball is packed with gzip and cannot be unpacked"),
        (b"BZh91AY", "the tarball is packed with bzip2, which is not read"),
        (gzip.compress(bytes(40 << 20), mtime=0), "the tarball unpacks to more than 100 times its size"),
        (special(tarfile.LNKTYPE, linkname="/etc/shadow"), "a hard link is no evidence; only plain files are read"),
        (special(tarfile.SYMTYPE, linkname="/etc/shadow"), "a symbolic link is no evidence"),
        (special(tarfile.CHRTYPE), "a character device is no evidence"),
        (special(tarfile.BLKTYPE), "a block device is no evidence"),
        (special(tarfile.FIFOTYPE), "a FIFO is no evidence"),
        (special(tarfile.GNUTYPE_SPARSE), "a sparse file is no evidence"),
        (special(b"M"), "a part of a file is no evidence"),
        (special(b"V"), "a volume label is no evidence"),
        (special(b"?"), "an entry of unknown kind b'?'"),
        (special(tarfile.REGTYPE, size=(8 << 20) + 1), "a member of 8388609 bytes; at most 8388608 are read"),
        (special(tarfile.REGTYPE, size=1 << 40), NO_NUMBER),
        (special(tarfile.GNUTYPE_LONGNAME, size=9 << 20), "a member of 9437184 bytes"),
        (archive([("/etc/dmesg", "x")]), "the name '/etc/dmesg' leads out of the archive"),
        (archive([("a/../dmesg", "x")]), "the name 'a/../dmesg' leads out of the archive"),
        (archive([("../", "")]), "the name '../' leads out of the archive"),
        (pax(b"18 path=a\0b/dmesg\n"), r"the name 'a\x00b/dmesg' leads out of the archive"),
        (archive((f"f{number}", "") for number in range(65)), "more than 64 members; collect.sh makes some 15"),
        (special(b"L")[:512] * 300, "more than 256 headers"),
        (pax(b"22 GNU.sparse.major=1\n"), "a sparse file is no evidence"),
        (pax(b"12 path=x\n"), "a pax header whose records are broken"),
        (pax(b"99 path=dmesg\n"), "a pax header whose records are broken"),
        (pax(b"9 pathdmesg\n"), "a pax header whose records are broken"),
        (pax(b"path=dmesg\n"), "a pax header with a number that is none"),
        (pax(b"13 size=12x4\n"), "a pax header with a number that is none"),
        (pax(b"12 size=9x9\n"), "a pax header with a number that is none"),
        (pax(b"x" * (65 << 10)), "a pax header of more than 65536 bytes"),
        (bytes((32 << 20) + 1), "33554433 bytes; at most 33554432 are read of a tarball"),
        (packed(PLAIN).ljust((8 << 20) + 1), "8388609 bytes; at most 8388608 are read of a tarball"),
    ],
)
def test_what_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_tarball(data, source="a.tar.gz")
    problem = refused.value.found[0]
    assert message in problem.message
    assert problem.source == "a.tar.gz"


def test_no_cut_of_an_archive_is_taken_for_the_whole() -> None:
    data = archive(PLAIN.items())
    end = data.rstrip(b"\0").__len__()
    for length in range(0, end, 37):
        with pytest.raises(InvalidInput):
            read_tarball(data[:length], source="a.tar")


@settings(max_examples=200)
@given(
    st.one_of(
        st.binary(max_size=2048),
        st.tuples(
            st.sampled_from(FORMATS), st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=8)))
        ).map(lambda drawn: mutated(archive(PLAIN.items(), drawn[0]), drawn[1])),
    )
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for one in (data, gzip.compress(data, mtime=0)):
        try:
            tarball = read_tarball(one, source="a.tar.gz")
        except InvalidInput:
            continue
        assert all(name in ROLES and body for name, body in tarball.members)


def mutated(data: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    """Bytes with some of them replaced."""
    body = bytearray(data)
    for at, new in changes:
        body[at : at + len(new)] = new
    return bytes(body)
