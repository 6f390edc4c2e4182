"""Every figure that was written down of Debian's images is what the readers say of them today."""

import re

import pytest

from simulator import analyse, read_guest
from simulator.inputs.kernel_config import SYMBOLS, read_config
from tests.real import figures, oracles
from tests.real.conftest import had
from tests.real.images import Data, RealImage, RealKernel, grub_modules, real_xen

# --- kernels --------------------------------------------------------------------------------------------------------


def test_the_boot_header(known: RealKernel) -> None:
    data, image = known.image.path.read_bytes(), known.image.only("image")
    header = image["header"]
    assert len(data) == known.figures.file_bytes
    assert {key: header[key] for key in figures.HEADER} == figures.HEADER
    assert header["payload_length"] == f"{known.figures.payload_bytes:#x}"
    assert header["init_size"] == figures.INIT_SIZES.get(known.figures.asked, header["init_size"])
    assert oracles.boot_header(data)["version_pointer"] == figures.VERSION_POINTER


def test_the_payload(known: RealKernel) -> None:
    image, packed = known.image.only("image"), oracles.payload(known.image.path.read_bytes())
    assert (image["format"], image["payload"], image["payload_offset"], image["unpacked_bytes"]) == (
        "bzImage", known.figures.method, figures.PAYLOAD_AT, known.figures.unpacked_bytes,
    )  # fmt: skip
    assert int.from_bytes(packed[-4:], "little") == known.figures.unpacked_bytes
    assert known.figures.method != "lz4" or len(oracles.lz4_blocks(packed)) == figures.LZ4_BLOCKS


def test_the_release(known: RealKernel) -> None:
    wanted = known.figures
    assert (known.image.values("family"), known.image.values("release")) == (["linux"], [wanted.release])
    text = known.image.only("image")["kernel_version"]
    assert text.startswith(f"{wanted.release} (debian-kernel@")
    assert text.endswith(f" #1 SMP PREEMPT_DYNAMIC Debian {wanted.version} ({wanted.date})")
    assert known.image.only("build_salt") == wanted.release


def test_of_two_banners_the_one_with_a_number(known: RealKernel) -> None:
    banners = re.findall(rb"Linux version [0-9][^\0\n]*", known.image.body.read_bytes())
    assert [b" # SMP PREEMPT_DYNAMIC " in one for one in banners].count(True) == 1
    (real,) = (one for one in banners if b" #1 SMP PREEMPT_DYNAMIC " in one)
    assert known.image.only("image")["banner"]["text"] == real.decode()


def test_the_notes_for_xen(known: RealKernel) -> None:
    said = known.image.said_to_xen()
    entry = {} if known.figures.entry is None else {"ENTRY": f"{known.figures.entry:#x}"}
    expected = {
        **figures.NOTES,
        **figures.NOTES_OF[known.figures.series],
        **entry,
        "FEATURES": known.figures.features,
        "SUPPORTED_FEATURES": f"{known.figures.supported:#x}",
        "PHYS32_ENTRY": f"{known.figures.pvh_entry:#x}",
    }
    assert said == {"ENTRY": said["ENTRY"], **expected}  # and so none has a note HYPERCALL_PAGE


def test_the_notes_of_other_owners(known: RealKernel) -> None:
    others = {(one["owner"], one["type"]): one["value"] for one in known.image.notes if one["owner"] == "Linux"}
    assert others == {("Linux", 0x100): known.figures.release, ("Linux", 0x101): "0x0"}


def test_the_features(known: RealKernel) -> None:
    features = known.image.only("features")
    named = ["pae_pgdir_above_4gb"] if "pae" in known.figures.features else []
    assert features["required"] == ["writable_page_tables"]
    assert sorted(features["supported"]) == sorted(figures.SUPPORTED[known.figures.supported] + named)


def test_the_abilities(known: RealKernel) -> None:
    able = {way: one["able"] for way, one in known.image.only("abilities").items()}
    assert able == {"pv": True, "pvh": True, "dom0": figures.claims_dom0(known.figures)}


def test_the_telltales(known: RealKernel) -> None:
    told = {one["string"]: one["present"] for one in known.image.only("telltales")}
    own = figures.TELLTALES_OF[known.figures.series]
    others = {text for texts in figures.TELLTALES_OF.values() for text in texts} - set(own)
    assert {text: told[text] for text in (*figures.TELLTALES, *own, *others)} == {
        **dict.fromkeys((*figures.TELLTALES, *own), True), **dict.fromkeys(others, False),
    }  # fmt: skip


def test_none_carries_its_config(known: RealKernel) -> None:
    assert known.image.values("config") == []
    assert b"IKCFG_ST" not in known.image.body.read_bytes()


def test_the_config(known: RealKernel) -> None:
    expected = figures.expected_config(known.figures)
    theirs = oracles.Kconfiglib(oracles.kinds_in(known.config)).read(known.config)
    assert {name: theirs.get(f"CONFIG_{name}", "n") for name in expected} == expected
    own = read_config(known.config, source=known.config_name)
    read = {name: value for name, value in expected.items() if f"CONFIG_{name}" in SYMBOLS}
    assert {name: own.values.get(f"CONFIG_{name}", "n") for name in read} == read
    assert len(read) > 25
    assert known.config.count("\n") == known.figures.config_lines
    assert own.release is not None
    assert own.release.text == known.figures.version.partition("-")[0]


def report_on(kernel: RealKernel) -> Data:
    """A report on a domU of a kernel, of which the image and the .config were sent."""
    files = [
        {"role": "auto", "name": kernel.config_name, "body": kernel.config.encode()},
        {"role": "image", "name": kernel.image.name, "reading": kernel.image.result},
    ]
    stated = {"name": "web", "mode": "pv", "role": "domU", "devices": False}
    guest = {"platforms": ["host"], **read_guest(stated, files, by="dana")}
    return analyse({"platforms": [{"name": "host", "xen": "4.17", "vendor": "any"}], "guests": [guest]})


def test_a_note_that_claims_dom0_without_it_in_the_config_is_found(known: RealKernel) -> None:
    is_trap = figures.claims_dom0(known.figures) and known.figures.is_cloud
    found = [one for one in report_on(known)["findings"] if one["rule"] == "EVI130"]
    assert len(found) == is_trap
    assert all("CONFIG_XEN_DOM0" in one["message"] for one in found)
    assert (known.figures.asked == "linux-image-cloud-amd64") == is_trap


# --- GRUB, GNU Mach, Xen --------------------------------------------------------------------------------------------


def of_version(image: RealImage, version: str) -> None:
    if image.package.version != version:
        pytest.skip(f"figures are of {version}, apt has {image.package.version}")


@pytest.mark.parametrize("target", figures.GRUB)
def test_grubs_own_kernels_carry_no_notes(target: str) -> None:
    path = had(grub_modules).only(f"usr/lib/grub/{target}/kernel.img")
    assert oracles.notes_by_pyelftools(path) == []


def test_grub(grub: RealImage) -> None:
    of_version(grub, figures.GRUB_VERSION)
    target = grub.name.removeprefix("grub-")
    bits, expected = figures.GRUB[target]
    said = grub.said_to_xen()
    cut = {"PAE_MODE": "yes (cut off)"} if target == figures.GRUB_CUT else {}
    assert (grub.only("image")["bits"], said) == (bits, {**expected, **cut})
    assert [text for text in grub.messages if "of 12 bytes" in text] == grub.messages[: len(cut)]
    is_pvh = "PHYS32_ENTRY" in expected
    able = {way: one["able"] for way, one in grub.only("abilities").items()}
    assert (able["pv"], able["pvh"], grub.values("family")) == (not is_pvh, is_pvh, [] if is_pvh else ["grub"])


def test_gnu_mach(mach: RealImage) -> None:
    of_version(mach, figures.MACH_VERSION)
    notes = [note for note in oracles.notes_by_pyelftools(mach.body) if note.owner == b"name"]
    assert [(note.kind, note.body) for note in notes] == figures.MACH_NOTES
    shown = [(one["type"], bytes.fromhex(one["value"])) for one in mach.notes if one["owner"] == "name"]
    assert shown == figures.MACH_NOTES
    legacy = {one["name"]: one["value"] for one in mach.notes if one["owner"] == "__xen_guest"}
    assert {key: legacy[key] for key in figures.MACH_LEGACY} == figures.MACH_LEGACY
    image = mach.only("image")
    assert (image["format"], image["bits"], mach.said_to_xen(), mach.values("family")) == (
        "gzip ELF", 64, {}, ["gnumach"],
    )  # fmt: skip
    able = {way: one["able"] for way, one in mach.only("abilities").items()}
    assert able == {"pv": True, "pvh": False, "dom0": True}


def test_what_the_hypervisor_has_built_in(xen: RealImage) -> None:
    of_version(xen, figures.XEN_VERSION)
    assert xen.only("xen") == figures.XEN_RELEASE
    assert xen.only("xen_layout") == f"{figures.XEN_LAYOUT:#018x}"
    values = xen.only("xen_pat_values")
    assert [(one["layout"], one["immediates"], one["pairs"]) for one in values["known"]] == [
        (f"{figures.XEN_LAYOUT:#018x}", figures.XEN_HITS[figures.XEN_LAYOUT], figures.XEN_PAIRS)
    ]
    assert {one["layout"] for one in values["written"]} == {f"{figures.XEN_LAYOUT:#018x}"}


def test_the_bytes_of_the_hypervisor() -> None:
    xen = had(lambda: real_xen("boot/xen-*.gz"))
    of_version(xen, figures.XEN_VERSION)
    body = xen.body.read_bytes()
    assert {value: body.count(value.to_bytes(8, "little")) for value in figures.XEN_HITS} == figures.XEN_HITS
    movabs = body[figures.XEN_MOVABS_AT : figures.XEN_MOVABS_AT + 10]
    assert movabs == b"\x48\xb8" + figures.XEN_LAYOUT.to_bytes(8, "little")
