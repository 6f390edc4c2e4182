"""From the bytes of an image to facts: a kernel's or a hypervisor's."""

from simulator.images import xen_notes
from simulator.images.boot_image import Image, open_image
from simulator.images.elf import MAGIC, Elf, Note, read_elf, read_notes
from simulator.images.kernel_facts import Banner, find_banner, find_telltales, say_config
from simulator.images.xen_image import is_xen, say_xen
from simulator.images.xen_notes import XenNotes
from simulator.inputs.reading import Reading, refusal

IMAGE_LIMIT = 64 << 20
KERNEL, HYPERVISOR = "image", "xen-image"

#: Families by how their note GUEST_OS begins, in small letters; Linux is known by its banner.
_GUESTS = (
    ("grub", "grub"),
    ("gnu mach", "gnumach"),
    ("mini-os", "mini-os"),
    ("netbsd", "netbsd"),
    ("freebsd", "freebsd"),
)


def read_image(data: bytes | memoryview, *, source: str) -> Reading:
    """The facts of a kernel's or a hypervisor's image of up to 64 MiB.

    Offsets count in the file, or in what it unpacks to, where a value says `"within": "payload"`.
    Raises InvalidInput for anything that is no such image, that is damaged, or that unpacks to too much.
    """
    if len(data) > IMAGE_LIMIT:
        raise refusal(source, "too_large", f"more than {IMAGE_LIMIT} bytes; kernels have some 15 MB, hypervisors 3 MB")
    image = open_image(data if isinstance(data, bytes) else bytes(data), source=source)
    banner = find_banner(image.body)
    if banner is None and is_xen(image.body):
        return _read_hypervisor(image, source)
    if image.format.endswith("PE"):
        raise refusal(source, "not_an_image", _other_program(image))
    reading = Reading(KERNEL, source)
    elf = read_elf(image.body, source=source) if image.body.startswith(MAGIC) else None
    _say_release(reading, image, banner)
    if elf is None:
        _say_image(reading, image, None, banner)
        reading.note("what is packed in the image is no ELF file, so that it has no notes for Xen")
    else:
        _say_elf(reading, image, elf, banner)
    if banner is not None:
        reading.say("telltales", find_telltales(image.body, image.within))
        say_config(reading, image.body, image.within)
    return reading


def _other_program(image: Image) -> str:
    if image.body.find(b".linux\0", 0, 4096) >= 0:
        return "a unified kernel image; send the kernel that is in its section .linux (objcopy -O binary -j .linux)"
    return "an EFI or Windows program that is neither Linux nor Xen"


def _read_hypervisor(image: Image, source: str) -> Reading:
    reading = Reading(HYPERVISOR, source)
    elf = read_elf(image.body, source=source) if image.body.startswith(MAGIC) else None
    value = {**_described(image, elf), "format": image.format, "within": image.within}
    reading.say("xen_image", value, offset=0)
    for remark in image.notes:
        reading.note(remark)
    say_xen(reading, image.body, image.within)
    return reading


def _described(image: Image, elf: Elf | None) -> dict[str, object]:
    return {
        "format": image.format,
        "payload": image.payload or None,
        "payload_offset": image.payload_offset,
        "unpacked_bytes": len(image.body) if image.within == "payload" else None,
        "within": image.within,
        "header": image.header or None,
        "bits": None if elf is None else elf.bits,
        "machine": None if elf is None else elf.machine,
    }


def _say_release(reading: Reading, image: Image, banner: Banner | None) -> None:
    """Say the release by the boot header and by the banner: whether they agree is for others to see."""
    if banner is not None:
        reading.say("family", "linux", offset=banner.offset)
    stated = image.version.partition(" ")[0]
    if stated:
        reading.say("release", stated, offset=image.version_offset)
    if banner is not None and banner.release != stated:
        reading.say("release", banner.release, offset=banner.offset)
    if banner is not None and not banner.has_build:
        reading.note("the kernel's banner has no number of a build: it may be a template")


def _say_image(reading: Reading, image: Image, elf: Elf | None, banner: Banner | None) -> None:
    said = None if banner is None else {"text": banner.text, "offset": banner.offset, "within": image.within}
    value = {**_described(image, elf), "kernel_version": image.version or None, "banner": said}
    reading.say("image", value, offset=0)
    for remark in image.notes:
        reading.note(remark)


def _say_elf(reading: Reading, image: Image, elf: Elf, banner: Banner | None) -> None:
    notes, are_all = read_notes(image.body, elf)
    xen = xen_notes.read_xen_notes(image.body, elf, notes)
    guest = xen.text("GUEST_OS").lower()
    family = next((family for begin, family in _GUESTS if guest.startswith(begin)), None)
    if banner is None and family is not None:
        reading.say("family", family, offset=xen.said["GUEST_OS"].offset)
    _say_image(reading, image, elf, banner)
    _say_notes(reading, image, notes, xen)
    if are_all:
        able = xen_notes.abilities(elf, xen)
        reading.say("abilities", {way: {"able": one.able, "why": one.why} for way, one in able.items()})
    for remark in (*elf.remarks, *xen.remarks):
        reading.note(remark)


def _say_notes(reading: Reading, image: Image, notes: list[Note], xen: XenNotes) -> None:
    rows = xen_notes.shown(notes, xen)
    reading.say("notes", [{**row, "within": image.within} for row in rows])
    if len(notes) > len(rows):
        reading.note(f"{len(notes) - len(rows)} more ELF notes are not shown")
    if xen.said:
        reading.say("features", {"required": xen.required, "supported": xen.supported})
    salt = xen_notes.build_salt(notes)
    if salt is not None:
        reading.say("build_salt", salt.text, offset=salt.offset)
