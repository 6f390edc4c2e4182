"""What a file holds: boot images by their header, packed and plain ELF files, and what is no image."""

import pytest

from simulator import InvalidInput
from simulator.images.boot_image import Image, open_image
from tests import make_images as make


def opened(body: bytes) -> Image:
    return open_image(body, source="vmlinuz")


def refused(body: bytes) -> str:
    with pytest.raises(InvalidInput) as fault:
        opened(body)
    return f"{fault.value.found[0].code}: {fault.value.found[0].message}"


@pytest.mark.parametrize("method", make.READ_PACKERS)
def test_a_boot_image(method: str) -> None:
    kernel = make.kernel()
    image = opened(make.boot_image(kernel, method=method))
    assert (image.format, image.body, image.within, image.payload) == ("bzImage", kernel, "payload", method)
    assert (image.payload_offset, image.notes) == (0x52CC, [])
    assert (image.version, image.version_offset) == (make.VERSION, 0x3000)


def test_the_fields_of_its_header() -> None:
    body = make.boot_image()
    assert opened(body).header == {
        "protocol": "2.15",
        "setup_sects": 39,
        "syssize": (len(body) - 0x5000) // 16,
        "loadflags": "0x1",
        "relocatable": 0,
        "xloadflags": "0x7f",
        "hardware_subarch": 0,
        "payload_offset": "0x2cc",
        "payload_length": f"{len(make.pack_gzip(make.kernel())):#x}",
        "pref_address": "0x1000000",
        "init_size": "0x3f98000",
    }


def test_an_old_protocol_has_fewer_fields() -> None:
    image = opened(make.boot_image(protocol=0x0202, loadflags=(0x211, 1, 0)))
    assert (image.format, image.header) == ("zImage", {"protocol": "2.02", "setup_sects": 39, "loadflags": "0x0"})


@pytest.mark.parametrize("method", make.READ_PACKERS)
@pytest.mark.parametrize("protocol", [0x0200, 0x0207])
def test_before_2_08_the_kernel_is_looked_for(method: str, protocol: int) -> None:
    """It is no ELF file then, and packed data may be preceded by what only looks like them."""
    raw = b"raw" + make.noise(3000)
    body = make.boot_image(raw, method=method, protocol=protocol)
    image = opened(body[:0x5000] + b"\x1f\x8b\x08\xff" + body[0x5004:])
    assert (image.body, image.payload, image.payload_offset, image.notes) == (raw, method, 0x52CC, [])


def test_a_kernel_that_is_not_packed() -> None:
    image = opened(make.boot_image(method=""))
    assert (image.body, image.payload) == (make.kernel(), "")


def test_a_size_that_is_wrong_is_noted() -> None:
    packed = make.pack_xz(make.kernel()) + b"\1\0\0\0"
    held = opened(make.boot_image(packed, method=""))
    assert held.notes == [f"the kernel unpacks to {len(make.kernel())} bytes, not to as many as the image says"]


@pytest.mark.parametrize("at", [0, 1, 0xFFFF])
def test_a_version_that_is_nowhere_is_empty(at: int) -> None:
    image = opened(make.boot_image(version_at=(0x20E, 2, at)))
    assert (image.version if at != 1 else "", image.version_offset if at != 1 else None) == ("", None)


def test_no_setup_sectors_are_four() -> None:
    body = make.boot_image(setup_sects=(0x1F1, 1, 0), payload_offset=(0x248, 4, 0x52CC - 0xA00))
    assert opened(body[:0x1F4] + b"\xff" * 4 + body[0x1F8:]).payload_offset == 0x52CC


@pytest.mark.parametrize("method", make.READ_PACKERS)
@pytest.mark.parametrize(("body", "kind"), [(make.hypervisor(), "ELF"), (b"MZ" + bytes(99), "PE")])
def test_packed_files(method: str, body: bytes, kind: str) -> None:
    image = opened(make.PACKERS[method](body))
    assert (image.format, image.body, image.payload_offset) == (f"{method} {kind}", body, 0)


def test_plain_files() -> None:
    assert opened(make.kernel())[:5] == ("ELF", make.kernel(), "file", "", None)
    assert opened(b"MZ" + bytes(99)).format == "PE"


IMAGE = make.boot_image()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not_an_image: nothing: neither a bzImage nor an ELF file, nor packed; send /boot/vmlinuz or xen.gz"),
        (b"text", "not_an_image: something that begins with 74 65 78 74: neither a bzImage nor an ELF file"),
        (b"PK\3\4", "not_an_image: a ZIP archive; send the image alone"),
        (b"BZh9", "packing: packed with bzip2, which is not read; unpack it and send that"),
        (make.pack_gzip(b"text"),
         "not_an_image: packed with gzip is something that begins with 74 65 78 74; unpack it and send what boots"),
        (make.pack_gzip(b""), "not_an_image: packed with gzip is nothing; unpack it and send what boots"),
        (make.pack_gzip(IMAGE), "not_an_image: packed with gzip is another boot image; unpack it and send what boots"),
        (IMAGE[:0x240], "damaged: a boot image of 576 bytes whose boot sector is damaged; send the whole file"),
        (make.boot_image(boot_flag=(0x1FE, 2, 0)), "bytes whose boot sector is damaged; send the whole file"),
        (make.boot_image(protocol=0x0105), "damaged: boot protocol 1.05; 2.00 (Linux 1.3.73) and later are read"),
        (make.boot_image(setup_sects=(0x1F1, 1, 65)), "damaged: a boot image with 65 setup sectors; at most 64 can be"),
        (IMAGE[:-200], "a boot image whose kernel ends at 0x654a, and the file has 0x6488 bytes: it is cut off"),
        (make.boot_image(syssize=(0x1F4, 4, 9)), "damaged: a boot image whose kernel ends at 0x654a, and the file has"),
        (make.boot_image(payload_offset=(0x248, 4, 0)),
         "packing: the kernel at 0x5000 begins with 00 00 00 00: it is packed with none of gzip, xz, zstd, lz4, lzma"),
        (make.boot_image(method="bzip2"), "packing: the kernel at 0x52cc is packed with bzip2, which is not read"),
        (make.boot_image(method="bzip2", protocol=0x0200),
         "packing: a boot image that holds no kernel packed with one of gzip, xz, zstd, lz4, lzma"),
    ],
)  # fmt: skip
def test_what_is_refused(body: bytes, message: str) -> None:
    assert message in refused(body)
