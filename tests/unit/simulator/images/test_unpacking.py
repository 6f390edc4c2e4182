"""Unpacking within bounds: each method, its limits, and what is wrong with a file that is refused."""

import gzip
import sys
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import InvalidInput
from simulator.inputs.packed import MEMBERS_LIMIT, METHODS, Unpacked, method_of, unpack
from tests import make_images as make

CONFIG = b"CONFIG_X86_PAT=y\n" * 500


def opened(data: bytes, limit: int = 2 << 20, ratio: int = 50) -> Unpacked:
    return unpack(data, source="config.gz", limit=limit, ratio=ratio)


def refused(data: bytes, limit: int = 2 << 20, ratio: int = 50) -> str:
    with pytest.raises(InvalidInput) as fault:
        opened(data, limit, ratio)
    assert (fault.value.found[0].source, fault.value.found[0].field) == ("config.gz", "files")
    return f"{fault.value.found[0].code}: {fault.value.found[0].message}"


@pytest.mark.parametrize("method", make.READ_PACKERS)
@pytest.mark.parametrize("data", [b"", b"x", CONFIG, bytes(3 * make.MIB), make.noise(make.MIB)], ids=len)
def test_what_is_packed_is_unpacked(method: str, data: bytes) -> None:
    assert opened(make.PACKERS[method](data), 4 << 20, 100_000) == (data, method, [])


@pytest.mark.parametrize("method", ["gzip", "xz", "zstd", "lz4"])
def test_members_are_joined(method: str) -> None:
    pack = make.PACKERS[method]
    assert opened(pack(b"one") + pack(b"two")) == (b"onetwo", method, [])


@pytest.mark.parametrize("method", make.READ_PACKERS)
def test_what_follows_is_left_out_with_a_note(method: str) -> None:
    read = opened(make.PACKERS[method](CONFIG) + b"rest")
    assert (read.body, read.notes) == (CONFIG, ["4 bytes after the packed data are left out"])


def test_blocks_of_lz4_are_joined() -> None:
    data = make.noise(9 * make.MIB)
    assert opened(make.pack_lz4(data), 10 << 20).body == data


def test_a_whole_block_of_lz4_may_be_the_last() -> None:
    data = bytes(8 * make.MIB)
    assert opened(make.pack_lz4(data), 10 << 20, 1000).body == data


def test_a_zstd_frame_may_be_without_a_checksum_and_of_one_segment() -> None:
    import zstandard

    packed = zstandard.ZstdCompressor(write_checksum=False, write_content_size=True).compress(CONFIG)
    assert opened(packed).body == CONFIG


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "packing: the file begins with nothing: it is packed with none of gzip, xz", id="empty"),
        pytest.param(b"CONF", "packing: the file begins with 43 4f 4e 46: it is packed with none of", id="text"),
        pytest.param(b"BZh91AY", "packing: the file is packed with bzip2, which is not read; use one of", id="bzip2"),
        pytest.param(make.pack_lzo(b""), "packing: the file is packed with lzo, which is not read", id="lzo"),
        pytest.param(b"\x04\x22\x4d\x18x", "packing: the file is packed with the frames of lz4", id="lz4 frame"),
        pytest.param(
            make.pack_gzip(CONFIG)[:-1],
            "damaged: the file is packed with gzip and cannot be unpacked: it ends early",
            id="cut off",
        ),
        pytest.param(
            b"\x1f\x8b\x08\xff" + bytes(99), "damaged: the file is packed with gzip and cannot be", id="gzip header"
        ),
        pytest.param(
            make.pack_gzip(bytes(2 << 20) + b"x"),
            "too_large: the file unpacks to more than 50 times its size; what is real is packed less well",
            id="ratio",
        ),
        pytest.param(
            make.pack_gzip(make.noise((2 << 20) + 1)),
            "too_large: the file unpacks to more than 2097152 bytes; no more are read",
            id="size",
        ),
        pytest.param(
            make.pack_gzip(b"") * (MEMBERS_LIMIT + 1), "cannot be unpacked: more than 1000 members", id="gzip members"
        ),
        pytest.param(
            make.pack_zstd(b"") * (MEMBERS_LIMIT + 1), "cannot be unpacked: more than 1000 frames", id="zstd frames"
        ),
        pytest.param(
            make.pack_lz4(b"") * (MEMBERS_LIMIT + 1), "cannot be unpacked: more than 1000 streams", id="lz4 streams"
        ),
        pytest.param(b"\x28\xb5\x2f\xfd", "packed with zstd and cannot be unpacked: it ends early", id="zstd magic"),
        pytest.param(b"\x28\xb5\x2f\xfd\0\0" + b"\7\0\0", "a block of a reserved kind", id="zstd reserved block"),
        pytest.param(
            b"\x28\xb5\x2f\xfd\0\0" + b"\2\0\0x" * 100_001,
            "cannot be unpacked: more than 100000 blocks",
            id="zstd blocks",
        ),
        pytest.param(b"\x28\xb5\x2f\xfd\0\0" + b"\x0d\0\0x", "cannot be unpacked: zstd decompress", id="zstd contents"),
        pytest.param(
            make.LZ4_MAGIC + bytes(4), "packed with lz4 and cannot be unpacked: it ends early", id="lz4 empty"
        ),
        pytest.param(
            make.LZ4_MAGIC + b"\4\0\0\0" + b"\xff" * 4,
            "lz4 and cannot be unpacked: Decompression failed",
            id="lz4 block",
        ),
    ],
)
def test_what_is_refused(data: bytes, message: str) -> None:
    assert message in refused(data)


@pytest.mark.parametrize("harm", [harm for harm in make.bombs() if "claims" in harm.name], ids=lambda harm: harm.name)
def test_claims_of_4_gib_are_not_believed(harm: make.Harm) -> None:
    assert refused(harm.body, 192 << 20, 20).startswith(("damaged: ", "packing: "))


@pytest.mark.parametrize("method", ["gzip", "xz", "zstd"])
def test_a_wrong_checksum_is_noticed(method: str) -> None:
    packed = bytearray(make.PACKERS[method](CONFIG))
    packed[-8 if method == "gzip" else -1] ^= 1
    assert refused(bytes(packed)).startswith(f"damaged: the file is packed with {method} and cannot be unpacked: ")


def test_a_dictionary_of_128_mib_is_taken() -> None:
    """As Linux packs its own image since 6.12."""
    import lzma

    packed = lzma.compress(
        CONFIG, lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 27}]
    )
    assert opened(packed).body == CONFIG


@pytest.mark.parametrize(("method", "package"), [("zstd", "zstandard"), ("lz4", "lz4.block")])
def test_without_its_package_a_method_is_refused_by_name(
    method: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = make.PACKERS[method](CONFIG)
    monkeypatch.setitem(sys.modules, package, None)
    name = package.partition(".")[0]
    assert refused(packed) == (
        f"packing: the file is packed with {method}: the package {name} is not installed; "
        "install patreview with its extra `kernel`"
    )


def test_what_is_refused_is_named_as_the_caller_calls_it() -> None:
    with pytest.raises(InvalidInput, match="the kernel at 0x10 begins with 00"):
        unpack(b"\0", source="a", limit=1, ratio=1, what="the kernel at 0x10")


def test_methods_are_told_by_their_first_bytes() -> None:
    assert [method_of(make.PACKERS[method.name](CONFIG)) for method in METHODS] == [*METHODS]


def test_a_member_whose_last_output_waits_for_room_is_whole() -> None:
    """Its input is used up, and a step of output is not enough for what is left."""
    data = bytes(3 * make.MIB) + b"end"
    packed = gzip.compress(data, mtime=0)
    assert zlib.crc32(opened(packed, 4 << 20, 2000).body) == zlib.crc32(data)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(METHODS), st.binary(max_size=300), st.binary(max_size=20), st.integers(0, 400))
def test_any_bytes_are_unpacked_or_refused(method: object, data: bytes, junk: bytes, at: int) -> None:
    packed = make.PACKERS[method.name](data)  # type: ignore[attr-defined]
    for body in (packed[:at] + junk + packed[at + len(junk) :], method.magic + junk + data):  # type: ignore[attr-defined]
        with suppress(InvalidInput):
            assert len(opened(body, limit=1000).body) <= 1000
