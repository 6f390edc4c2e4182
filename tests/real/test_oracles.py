"""The readers say of every image and every .config what others say of it, whatever version it has."""

import hashlib
import re
from collections.abc import Iterator

import pytest

from simulator.evidence.recognition import recognise
from simulator.images.boot_image import open_image
from simulator.images.elf import PT_LOAD, PT_NOTE, read_elf, read_notes
from simulator.images.kernel_facts import TELLTALES
from simulator.inputs.kernel_config import SYMBOLS, read_config, read_options
from simulator.inputs.packed import unpack
from tests.real import figures, oracles
from tests.real.images import RealImage, RealKernel
from tests.real.oracles import PlainNote, PlainSegment
from tests.real.test_figures import report_on

# --- the file -------------------------------------------------------------------------------------------------------


def test_the_boot_header_is_that_of_the_documentation(kernel: RealKernel) -> None:
    data, image = kernel.image.path.read_bytes(), kernel.image.only("image")
    theirs, own = oracles.boot_header(data), dict(image["header"])
    assert own.pop("protocol") == f"{theirs['protocol'] >> 8}.{theirs['protocol'] & 0xFF:02}"
    assert {name: int(str(value), 0) for name, value in own.items()} == {name: theirs[name] for name in own}
    assert image["kernel_version"] == oracles.version_text(data)
    assert image["payload_offset"] == data.index(oracles.payload(data)[:64])


def test_what_is_packed_is_what_the_plain_decompressor_gives(kernel: RealKernel) -> None:
    data = kernel.image.path.read_bytes()
    held = open_image(data, source=kernel.image.name)
    assert hashlib.sha256(held.body).digest() == hashlib.sha256(kernel.image.body.read_bytes()).digest()
    assert (held.payload, held.notes) == (oracles.method(oracles.payload(data)), [])
    assert len(held.body) == int.from_bytes(oracles.payload(data)[-4:], "little")


def test_nothing_of_a_kernel_is_odd(kernel: RealKernel) -> None:
    assert (kernel.image.messages, kernel.image.reading["unknown_count"]) == ([], 0)
    assert kernel.image.result["isolation"]["limits"]


def test_the_release_is_the_packages(kernel: RealKernel) -> None:
    (fact,) = (one for one in kernel.image.reading["facts"] if one["key"] == "release")
    assert fact["value"] == kernel.image.package.name.removeprefix("linux-image-")
    assert kernel.image.path.read_bytes()[fact["offset"] :].startswith(fact["value"].encode() + b" ")
    assert f"Debian {kernel.image.package.version} " in kernel.image.only("image")["kernel_version"]
    banner, body = kernel.image.only("image")["banner"], kernel.image.body.read_bytes()
    assert body[banner["offset"] :].startswith(banner["text"].encode() + b"\n")


def test_telltales_are_where_they_are_said_to_be(kernel: RealKernel) -> None:
    body = kernel.image.body.read_bytes()
    told = kernel.image.only("telltales")
    assert [one["string"] for one in told] == [one.text for one in TELLTALES]
    for one in told:
        assert (one["present"], one["offset"]) == (
            one["string"].encode() in body, body.index(one["string"].encode()) if one["present"] else None,
        )  # fmt: skip


# --- ELF ------------------------------------------------------------------------------------------------------------


def own_notes(image: RealImage) -> list[PlainNote]:
    body = image.body.read_bytes()
    found = sorted(read_notes(body, read_elf(body, source=image.name)).found, key=lambda one: one.offset)
    return [PlainNote(one.owner, len(one.body), one.kind, one.body) for one in found]


def assert_as_readelf_prints(own: list[PlainNote], image: RealImage) -> None:
    """Owner, size, and the number and the bytes wherever readelf prints them."""
    if not oracles.readelf("--file-header", image.body):
        pytest.skip("readelf is not installed")
    printed = oracles.notes_by_readelf(image.body)
    seen = [one._replace(kind=one.kind if there.kind is not None else None,
                         body=one.body if there.body is not None else None)
            for one, there in zip(own, printed, strict=True)]  # fmt: skip
    assert seen == printed
    assert all(one.body is not None for one in printed)


def test_notes_of_kernels(kernel: RealKernel) -> None:
    own = own_notes(kernel.image)
    assert own == oracles.notes_by_pyelftools(kernel.image.body)
    assert_as_readelf_prints(own, kernel.image)


def test_notes_of_gnu_mach(mach: RealImage) -> None:
    own = own_notes(mach)
    assert own == oracles.notes_by_pyelftools(mach.body)
    assert_as_readelf_prints(own, mach)


def test_notes_of_the_hypervisor(xen: RealImage) -> None:
    if xen.path.suffix == ".efi":
        assert xen.body.read_bytes().startswith(b"MZ")
        return
    own = own_notes(xen)
    assert own == oracles.notes_by_pyelftools(xen.body)
    assert_as_readelf_prints(own, xen)


def test_notes_of_grub(grub: RealImage) -> None:
    """Its last note claims more than there is: readelf gives up there, and so all before it is compared."""
    own = own_notes(grub)
    whole = own[:-1] if grub.name.removeprefix("grub-") == figures.GRUB_CUT else own
    assert whole == oracles.notes_by_pyelftools(grub.body)[: len(whole)]
    assert_as_readelf_prints(whole, grub)


def test_headers_and_segments(kernel: RealKernel, mach: RealImage) -> None:
    for image in (kernel.image, mach):
        elf = read_elf(image.body.read_bytes(), source=image.name)
        if (entry := oracles.entry_by_readelf(image.body)) is None:
            pytest.skip("readelf is not installed")
        names = {PT_LOAD: "LOAD", PT_NOTE: "NOTE"}
        segments = [
            PlainSegment(names[one.kind], one.offset, one.physical, one.file_size, one.memory_size)
            for one in elf.segments
            if one.kind in names
        ]
        assert (elf.entry, segments) == (entry, oracles.segments_by_readelf(image.body))


def supported_features(kernel: RealKernel) -> int:
    """The number of the note SUPPORTED_FEATURES, as pyelftools has it."""
    held = [one.body for one in oracles.notes_by_pyelftools(kernel.image.body) if (one.owner, one.kind) == (b"Xen", 17)]
    return int.from_bytes(held[0] or b"", "little")


def is_set(kernel: RealKernel, symbol: str) -> bool:
    return re.search(rf"^{symbol}=y$", kernel.config, re.MULTILINE) is not None


def test_notes_and_config_agree_on_what_a_kernel_can_be(kernel: RealKernel) -> None:
    able = {way: one["able"] for way, one in kernel.image.only("abilities").items()}
    assert able == {
        "pv": is_set(kernel, "CONFIG_XEN_PV"),
        "pvh": is_set(kernel, "CONFIG_XEN_PVH"),
        "dom0": bool(supported_features(kernel) >> 11 & 1),
    }


def test_a_report_on_image_and_config_together(kernel: RealKernel) -> None:
    """The two agree on the release; that a note claims dom0 is found wherever the .config has none."""
    rules = {one["rule"] for one in report_on(kernel)["findings"]}
    is_trap = bool(supported_features(kernel) >> 11 & 1) and not is_set(kernel, "CONFIG_XEN_DOM0")
    assert ("EVI130" in rules) == is_trap
    assert not rules & {"EVI040", "EVI090", "EVI120"}


# --- hypervisors ----------------------------------------------------------------------------------------------------


def test_the_hypervisors_release_is_the_packages(xen: RealImage) -> None:
    assert xen.only("xen_build") == xen.package.version
    assert xen.package.version.startswith(xen.only("xen") + "+")
    assert xen.messages == []


def test_the_hypervisors_layout_is_in_its_bytes(xen: RealImage) -> None:
    body, values = xen.body.read_bytes(), xen.only("xen_pat_values")
    for one in values["known"]:
        value = int(one["layout"], 16).to_bytes(8, "little")
        pair = b"\xb8" + value[:4] + b"\xba" + value[4:]
        assert (one["immediates"], one["pairs"]) == (body.count(value), body.count(pair))
    for one in values["written"]:
        value = int(one["layout"], 16).to_bytes(8, "little")
        assert value[:4] in body[one["offset"] : one["offset"] + 17]
        assert value[4:] in body[one["offset"] : one["offset"] + 17]
    assert xen.only("xen_layout") in {one["layout"] for one in values["written"]}


# --- .config --------------------------------------------------------------------------------------------------------


def assert_as_kconfiglib_reads(text: str, source: str) -> None:
    own = read_config(text, source=source)
    kinds = oracles.kinds_in(text)
    theirs = oracles.Kconfiglib(kinds).read(text)
    assert own.values == {symbol: value for symbol, value in theirs.items() if symbol in SYMBOLS}
    assert {*own.seen} == {f"CONFIG_{name}" for name in kinds} == {*theirs}
    assert own.notes == []
    numbers = {line: number for number, line in enumerate(text.split("\n"), 1)}
    lines = {f"{symbol}={value}": own.lines[symbol] for symbol, value in own.values.items() if value != "n"}
    assert lines == {line: numbers[line] for line in lines}
    fast = read_options(text, source=source)
    assert (fast.values, fast.release) == (own.values, own.release)
    assert len(own.values) > 25


def test_the_config_of_a_kernel(kernel: RealKernel) -> None:
    assert_as_kconfiglib_reads(kernel.config, kernel.config_name)


def unpacked(configs: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    for name, body in configs.items():
        yield name, bytes(unpack(body, source=name, limit=2 << 20, ratio=50).body).decode()


def test_packed_configs(configs: dict[str, bytes]) -> None:
    texts = dict(unpacked(configs))
    assert len(texts) == 3
    for name, text in texts.items():
        assert_as_kconfiglib_reads(text, name)


# --- which file is which --------------------------------------------------------------------------------------------


def test_files_of_kernels_are_recognised(kernel: RealKernel) -> None:
    assert recognise("a", kernel.image.path.read_bytes()) == "image"
    assert recognise("a", kernel.image.body.read_bytes()) == "image"
    assert recognise("a", kernel.config.encode()) == "config"


def test_other_files_are_recognised(mach: RealImage, xen: RealImage, configs: dict[str, bytes]) -> None:
    assert recognise(mach.name, mach.path.read_bytes()) == "image"
    assert recognise(xen.name, xen.path.read_bytes()) == "xen-image"
    assert {recognise(name, body) for name, body in configs.items()} == {"config"}


def test_grub_is_recognised(grub: RealImage) -> None:
    assert recognise(grub.name, grub.path.read_bytes()) == "image"
