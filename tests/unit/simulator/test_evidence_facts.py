"""From files to facts: what several of them say together, and what they disagree on."""

import gzip
import lzma
import tarfile
from collections.abc import Iterator
from io import BytesIO

import pytest

from simulator import account_of, add_images, analyse, is_same_platform, platform_seen, read_guest, recognise
from simulator.evidence import formats
from simulator.evidence.claims import Claim, claims_of, merge, origin_of
from simulator.evidence.gathering import Evidence
from simulator.evidence.settling import settle
from simulator.images.reader import read_image
from simulator.problem import InvalidInput
from tests import make_images

BANNER = "[    0.000000] Linux version 6.12.117 (a@b) (gcc 12) #1 SMP Debian\n"
PV = f"{BANNER}[    0.000000] Booting kernel on Xen\n[    0.000000] Xen version: 4.17.2 (preserve-AD)\n"
HVM = f"{BANNER}[    0.000000] Hypervisor detected: Xen HVM\n[    0.000000] Booting kernel on Xen HVM\n"
METAL = f"{BANNER}[    0.000000] Booting paravirtualized kernel on bare hardware\n"
XEN_BANNER = "(XEN) Xen version 4.19.0 (a@b) (gcc) debug=n Thu Jan  7 06:33:20 UTC 2016\n"
LAYOUT = "[    0.000000] x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT\n"
MTRRS = """\
[    0.000000] MTRR default type: uncachable
[    0.000000] MTRR variable ranges enabled:
[    0.000000]   0 base 000000000000 mask 3FFF80000000 write-back
[    0.000000]   1 disabled
"""
CPU = """\
processor\t: 0
vendor_id\t: {vendor}
cpu family\t: {family}
model\t\t: {model}
model name\t: CPU
flags\t\t: {flags}
"""
OLD = CPU.format(vendor="GenuineIntel", family=6, model=8, flags="fpu pat mtrr")
BARE = CPU.format(vendor="AuthenticAMD", family=23, model=1, flags="fpu sse2")
LIST = "reg00: base=0x000000000 (    0MB), size= 2048MB, count=1: write-back\n"
CONFIG = "# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_XEN_PV=y\nCONFIG_X86_64=y\n"


def read(*files: tuple[str, str | bytes], **stated: object) -> dict[str, dict]:
    """The guest that files (name, content) and statements make."""
    sent = [{"name": name, "body": body.encode() if isinstance(body, str) else body} for name, body in files]
    return read_guest({"name": "g", **stated}, sent, by="ann")


def tarball(members: dict[str, bytes]) -> bytes:
    """A tarball of files by name."""
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, body in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, BytesIO(body))
    return out.getvalue()


def values(*files: tuple[str, str | bytes], **stated: object) -> dict[str, object]:
    return {key: fact["value"] for key, fact in read(*files, **stated)["facts"].items()}


def notes(guest: dict) -> list[str]:
    return [note["message"] for note in guest["notes"]]


def test_mtrrs_of_a_pv_kernel_are_the_hosts() -> None:
    host = values(("dmesg", PV + MTRRS))["host"]
    assert host["xen"] == "4.17.2"
    assert host["mtrr"]["variable"] == [{"base": "0x0", "size": "0x80000000", "type": "WB"}]


@pytest.mark.parametrize("log", [HVM + MTRRS, BANNER + MTRRS], ids=["HVM", "unknown mode"])
def test_mtrrs_of_other_guests_are_not_the_hosts(log: str) -> None:
    assert "mtrr" not in (values(("dmesg", log)).get("host") or {})


def test_a_list_of_mtrrs_serves_where_the_log_has_none() -> None:
    assert values(("dmesg", PV), ("mtrr", LIST))["host"]["mtrr"]["variable"][0]["size"] == "0x80000000"
    assert len(values(("dmesg", PV + MTRRS), ("mtrr", LIST))["host"]["mtrr"]) > 1


def test_mtrrs_that_no_processor_holds_are_left_out_with_a_note() -> None:
    facts: dict[str, dict[str, object]] = {}
    files = [{"name": "xl-dmesg", "notes": []}, {"name": "other", "notes": []}]
    impossible = {"variable": [{"base": "0x1000", "size": "0x3000", "type": "WB"}]}
    settle(facts, Evidence([Claim("mtrr", impossible, origin_of("file", "xl-dmesg", 7), of_host=True)], files))
    assert facts == {}
    assert [note["line"] for note in files[0]["notes"]] == [7]
    assert "its MTRRs are left out: WB range at 0x1000" in files[0]["notes"][0]["message"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("boots", 1),
        ("mtrr_state", {"read_only": False}),
        ("telltales", [{"string": "MTRR map: ", "present": True}]),
        ("cpu", {"vendor": None, "family": None, "model": None}),
        ("pci_drivers", {"driver": "odd"}),
        ("anything", 1),
    ],
)
def test_what_claims_nothing(key: str, value: object) -> None:
    fact = {"key": key, "value": value, "line": 1, "offset": None}
    assert list(claims_of("dmesg", {"source": "x", "facts": [fact]})) == []


def test_a_log_of_bare_hardware_shows_no_layout_of_xen() -> None:
    guest = read(("dmesg", METAL + LAYOUT + MTRRS))
    assert "observed_pat" not in guest["facts"]
    assert any("bare hardware: its layout is the kernel's own" in note for note in notes(guest))
    assert guest["facts"]["host"]["value"]["mtrr"]["default"] == "UC"
    assert "observed_pat" in read(("dmesg", PV + LAYOUT))["facts"]


def test_cpuinfo_tells_flags_vendor_and_errata() -> None:
    old = values(("cpuinfo", OLD))
    assert (old["errata_cpu"], old["host"]) == (True, {"vendor": "intel"})
    bare = values(("cpuinfo", BARE), mode="hvm")
    assert (bare["hide_cpuid_pat"], bare["hide_cpuid_mtrr"], bare["host"]) == (True, True, {"vendor": "amd"})
    assert "hide_cpuid_mtrr" not in values(("cpuinfo", BARE), mode="pv")
    assert "host" not in values(("cpuinfo", CPU.format(vendor="Other", family="?", model="?", flags="pat mtrr")))


def test_a_boot_log_that_says_pat_is_off() -> None:
    facts = values(("dmesg", f"{PV}[    0.000000] x86/PAT: PAT support disabled via boot option.\n"))
    assert facts["pat_off"]["why"] == "boot option"
    hidden = values(("dmesg", f"{PV}[    0.000000] x86/PAT: PAT not supported by the CPU.\n"))
    assert hidden["hide_cpuid_pat"] is True


def test_what_a_kernel_says_of_its_mtrrs_drivers_and_mappings() -> None:
    log = (
        f"{PV}[    0.000000] MTRR map: 1 entries (0 fixed + 1 variable; max 16), built from 8 variable MTRRs\n"
        "[    0.000000] MTRRs set to read-only\n"
        "[    9.000000] NVRM: PAT configuration unsupported.\n"
        "[    9.000000] x86/PAT: Xorg:77 conflicting memory types e0000000-e0001000 write-combining<->uncached-minus\n"
    )
    facts = values(("dmesg", log))
    assert facts["copies_mtrrs"] is True
    assert facts["drivers"] == ["nvidia-nv-pat"]
    assert facts["conflicts"][0]["who"] == "Xorg:77"


def test_lists_of_modules_devices_and_mappings() -> None:
    pci = "00:02.0 VGA compatible controller: Intel\n\tKernel driver in use: i915\n"
    pci += "00:03.0 Odd: x\n\tKernel driver in use: odd\n"
    mapped = "PAT memtype list:\nPAT: [mem 0x00000000e0000000-0x00000000e0001000] write-combining\n"
    mapped += "PAT: [mem 0x00000000e1000000-0x00000000e1001000] write-back\n"
    modules = "Module                  Size  Used by\ni915                 100000  1\n"
    facts = values(("lspci", pci), ("list", mapped), ("lsmod", modules))
    assert (facts["drivers"], facts["mapped"], facts["modules"]) == (["i915"], ["WC@mmio"], ["i915"])


def test_xens_log_says_how_the_dom0_was_built() -> None:
    log = (
        "(XEN) Xen version 4.19.0 (a@b) (gcc) debug=n Thu Jan  7 06:33:20 UTC 2016\n(XEN) *** Building a PVH Dom0 ***\n"
    )
    facts = values(("xl-dmesg", log), role="dom0")
    assert (facts["mode"], facts["role"], facts["host"]) == ("pvh", "dom0", {"xen": "4.19.0"})
    assert "mode" not in values(("xl-dmesg", log), role="domU")
    assert "mode" not in values(("xl-dmesg", log))
    two = read(("xl-dmesg", log + XEN_BANNER + "(XEN) *** Building a PV Dom0 ***\n"), role="dom0")
    assert [other["value"] for other in two["facts"]["mode"]["also"]] == ["pv"]


def test_a_config_tells_what_nothing_else_does() -> None:
    guest = read(("c", CONFIG))
    assert guest["facts"]["family"]["origin"] == origin_of("file", "c", 2)
    assert guest["facts"]["release"]["origin"] == origin_of("file", "c", 1)
    assert values(("c", CONFIG), release="9.3", family="netbsd")["release"] == "9.3"
    assert "release" not in values(("c", "CONFIG_XEN=y\n"))


def test_the_release_that_tells_most_counts_and_keeps_what_disagrees() -> None:
    facts = read(("c", CONFIG), ("v", "Linux version 6.1.5 (a@b) (gcc) #1 SMP\n"), release="6.12")["facts"]
    assert facts["release"]["value"] == "6.12.117"
    assert [other["value"] for other in facts["release"]["also"]] == ["6.1.5"]


def test_a_host_that_two_files_see_differently() -> None:
    guest = read(("dmesg", PV), ("xl-dmesg", XEN_BANNER))
    assert [other["value"] for other in guest["facts"]["host"]["also"]] == ["xen 4.19.0, not 4.17.2"]
    report = analyse({"platform": {}, "guests": [guest]})
    found = next(one for one in report["findings"] if one["rule"] == "EVI090")
    assert "the host: xen 4.19.0, not 4.17.2 (xl-dmesg:1 against dmesg:3)" in found["message"]
    same = read(("dmesg", PV), ("info", "xen_version            : 4.17.2\nxen_commandline        : mmio-relax\n"))
    assert "also" not in same["facts"]["host"]
    assert same["facts"]["host"]["value"]["cmdline"] == "mmio-relax"


def test_a_platform_is_seen_by_release_or_layout() -> None:
    assert platform_seen(read(("cpuinfo", OLD))) is None
    assert platform_seen(read(("dmesg", HVM + LAYOUT))) is None
    assert platform_seen(read(("dmesg", PV.replace("Xen version", "Xen v") + LAYOUT))) is None
    assert platform_seen(read(("dmesg", PV + LAYOUT))) == {"xen": "4.17.2", "layout": "0x0407050600070106"}


@pytest.mark.parametrize(
    ("key", "known", "value", "wanted", "others"),
    [
        ("release", "6.12.1", "6.12.1", "6.12.1", 0),
        ("release", "odd", "odd", "odd", 0),
        ("release", "odd", "6.1", "odd", 1),
        ("xen", "4.17", "4.17.2", "4.17.2", 0),
        ("xen", "4.17.2", "4.17", "4.17.2", 0),
        ("xen", "4.17.2", "4.18", "4.17.2", 1),
        ("cmdline", "quiet", "quiet ro", "quiet", 0),
        ("cmdline", "quiet", "nopat", "quiet", 1),
        ("boots", 2, 3, 2, 0),
        ("mode", "pv", "hvm", "pv", 1),
    ],
)
def test_when_two_claims_agree(key: str, known: object, value: object, wanted: object, others: int) -> None:
    facts: dict[str, dict[str, object]] = {}
    merge(facts, [Claim(key, known, {}), Claim(key, value, {}), Claim(key, value, {})])
    assert facts[key]["value"] == wanted
    assert len(facts[key].get("also", [])) == others  # type: ignore[arg-type]


def test_why_pat_is_off_decides_the_fix() -> None:
    def fixes(message: str) -> list[str]:
        guest = read(("dmesg", f"{PV}[    0.000000] x86/PAT: {message}\n"), role="dom0", drivers=["i915"], patches=[])
        report = analyse({"platform": {}, "guests": [guest]})
        return next(one["fixes"] for one in report["findings"] if one["rule"] == "DRV020")

    assert fixes("PAT support disabled via boot option.") == ["drop nopat from the kernel's command line"]
    assert "its boot log says by what" in fixes("PAT support disabled by the firmware.")[0]
    text = "PAT support disabled because CONFIG_X86_PAT is disabled in the kernel."
    assert fixes(text) == ["enable CONFIG_X86_PAT, which needs CONFIG_MTRR"]


def test_a_text_is_wanted_where_neither_bytes_nor_text_came() -> None:
    with pytest.raises(InvalidInput, match="the file's text is wanted"):
        read_guest({"name": "g"}, [{"name": "a"}], by="ann")


def test_a_release_that_is_none_tells_nothing() -> None:
    assert values(("c", CONFIG), family="openbsd", release="7")["release"] == "7"


def test_a_tarball_that_holds_what_cannot_be_read_says_so() -> None:
    members = {"MANIFEST": b"patreview.evidence/1\nhost dom0\ndenied dmesg dmesg\n", "proc-mtrr": b"no register\n"}
    guest = read(("e.tar", tarball(members)))
    bundle = guest["evidence"][0]
    assert (bundle["role"], bundle["host"]) == ("bundle", "dom0")
    assert [(gap["name"], gap["state"]) for gap in bundle["gaps"]] == [("dmesg", "denied"), ("proc-mtrr", "unreadable")]


def _config(value: dict[str, object], name: str) -> Claim:
    return Claim("config", value, origin_of("file", name))


def test_two_configs_that_set_a_symbol_otherwise_disagree() -> None:
    guest = {"name": "g", "facts": {}, "evidence": [], "notes": []}
    facts: dict[str, dict[str, object]] = guest["facts"]  # type: ignore[assignment]
    mine = {"value": {"CONFIG_MTRR": "y", "CONFIG_XEN": "y"}, "lines": {}, "release": None}
    more = {f"CONFIG_{name}": "n" for name in ("X86_PAT", "MTRR", "XEN", "XEN_PV")}
    settle(
        facts,
        Evidence([Claim("config", mine, origin_of("file", "a")), Claim("config", mine, origin_of("file", "b"))], []),
    )
    assert "also" not in facts["config"]
    other = {"value": more, "lines": {}, "release": None}
    settle(facts, Evidence([_config(other, "vmlinuz")], []))
    assert facts["config"]["also"][0]["value"] == "CONFIG_MTRR=n here, and y, CONFIG_XEN=n here, and y"  # type: ignore[index]
    many = {"value": {**more, "CONFIG_A": "n", "CONFIG_B": "n"}, "lines": {}, "release": None}
    all_on = {"value": dict.fromkeys(many["value"], "y"), "lines": {}, "release": None}
    fresh: dict[str, dict[str, object]] = {}
    settle(
        fresh,
        Evidence([Claim("config", many, origin_of("file", "a")), Claim("config", all_on, origin_of("file", "b"))], []),
    )
    assert str(fresh["config"]["also"][0]["value"]).endswith(", and 3 more")  # type: ignore[index]


def test_two_images_that_xen_takes_otherwise_disagree() -> None:
    able, unable = ({"abilities": {"pv": {"able": value, "why": ""}}} for value in (True, False))
    facts: dict[str, dict[str, object]] = {}
    merge(facts, [Claim("image", able, {}), Claim("image", able, {}), Claim("image", unable, {})])
    assert [other["value"] for other in facts["image"]["also"]] == ["another image, which Xen takes otherwise"]  # type: ignore[attr-defined]


def test_what_is_known_of_a_host_is_kept_when_an_image_tells_more() -> None:
    binary = make_images.hypervisor(release="4.20.1")
    guest = read(("info", "xen_version            : 4.17.2\n"), ("cpuinfo", BARE), ("xen.gz", binary))
    result = {"reading": read_image(binary, source="x").as_data()}
    found = add_images(guest, {"xen-image": result})["facts"]["host"]  # type: ignore[index]
    assert (found["value"]["xen"], found["value"]["vendor"]) == ("4.17.2", "amd")
    assert found["value"]["layout"] == "0x0000050100070406"
    assert any("not 4.17.2" in other["value"] for other in found["also"])


def test_mtrrs_that_two_files_show_differently() -> None:
    guest = read(("dmesg", PV + MTRRS), ("mtrr", LIST.replace("2048MB", "1024MB")))
    assert [other["value"] for other in guest["facts"]["host"]["also"]] == ["other MTRRs"]


def test_xens_command_line_is_compared_by_what_it_relaxes() -> None:
    def info(options: str) -> tuple[str, str]:
        return "info", f"xen_version            : 4.19.0\nxen_commandline        : {options}\n"

    log = ("xl-dmesg", f"{XEN_BANNER}(XEN) Command line: console=vga\n")
    assert "also" not in read(info("loglvl=all"), log)["facts"]["host"]
    assert "also" in read(info("mmio-relax=all"), log)["facts"]["host"]
    nonsense = read(info("mmio-relax=foo"), log)
    assert nonsense["facts"]["host"]["value"]["cmdline"] == "console=vga"
    assert any("Xen's command line is left out" in note for note in notes(nonsense))


def test_bare_hardware_and_a_boot_under_xen_contradict_each_other() -> None:
    guest = read(("dmesg", PV + LAYOUT + METAL))
    assert [other["value"] for other in guest["facts"]["mode"]["also"]] == ["none, but bare hardware"]
    stated = read(("dmesg", METAL), observed_pat="0x0000050100070406")
    assert stated["facts"]["observed_pat"]["value"] == "0x0000050100070406"


def test_of_a_dom0s_tarball_for_a_domain_only_the_host_counts() -> None:
    members = {
        "MANIFEST": b"patreview.evidence/1\nhost dom0\n",
        "proc-cmdline": b"nopat root=/dev/sda\n",
        "xl-info": b"xen_version            : 4.17.2\n",
        "domain-config": b'name = "gpu"\ntype = "pv"\n',
    }
    guest = read(("e.tar", tarball(members)))
    assert "cmdline" not in guest["facts"]
    assert guest["facts"]["mode"]["value"] == "pv"
    assert guest["facts"]["host"]["value"] == {"xen": "4.17.2"}
    assert any("of the other files only what they say of the host counts" in note for note in notes(guest))


@pytest.mark.parametrize(
    ("platform", "same"),
    [
        ({"xen": "4.17", "layout": "0x0407050600070106", "vendor": "any"}, True),
        ({"xen": "4.17.2", "layout": "0x0407050600070106", "vendor": "amd"}, False),
        ({"xen": "4.17.1", "layout": "0x0407050600070106"}, False),
        ({"xen": "4.17", "layout": "0x0000050100070406"}, False),
        ({"xen": "4.17", "layout": "0x0407050600070106", "cmdline": "mmio-relax=all"}, False),
    ],
)
def test_when_a_platform_may_be_the_host_that_was_seen(platform: dict[str, str], same: bool) -> None:
    seen = {"xen": "4.17.2", "layout": "0x0407050600070106", "vendor": "intel"}
    assert is_same_platform(seen, platform) is same
    assert not is_same_platform(seen | {"mtrr": {"default": "UC"}}, platform)


def test_the_release_of_a_host_that_was_seen_is_missed() -> None:
    assert "Xen's release" in [gap["fact"] for gap in account_of(read(("cpuinfo", BARE)))["missing"]]
    assert "Xen's release" not in [gap["fact"] for gap in account_of(read(("dmesg", PV)))["missing"]]


def test_characters_that_no_text_has_are_marked() -> None:
    assert values(("dmesg", PV + "[    0.000000] Command line: a \u202e b\n"))["cmdline"] == "a \ufffd b"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "PAT support disabled via boot option.",
            "PAT switched off: not so in another boot of the log (dmesg:5 against dmesg:4)",
        ),
        ("PAT not supported by the CPU.", "hidden is yes (dmesg:4), but not so in another boot of the log (dmesg:5)"),
    ],
)
def test_boots_of_which_one_alone_is_without_pat_contradict_each_other(line: str, words: str) -> None:
    off = f"{PV}[    0.000000] x86/PAT: {line}\n"
    for log in (off + PV, PV + off):
        assert analyse({"platform": {}, "guests": [read(("dmesg", log))]})["verdict"] == "indeterminate"
    report = analyse({"platform": {}, "guests": [read(("dmesg", off + PV))]})
    assert words in next(one["message"] for one in report["findings"] if one["rule"] == "EVI090")
    assert "EVI090" not in [
        one["rule"] for one in analyse({"platform": {}, "guests": [read(("dmesg", off + off))]})["findings"]
    ]


def test_lists_grow_to_a_limit_and_hold_each_thing_once() -> None:
    facts: dict[str, dict[str, object]] = {}
    merge(facts, [Claim("conflicts", number % 250, {}) for number in range(500)])
    assert facts["conflicts"]["value"] == list(range(200))


def test_a_guest_may_take_its_name_from_the_domain_file() -> None:
    sent = [{"name": "a.cfg", "body": b'name = "gpu"\ntype = "pvh"\n'}]
    assert read_guest({}, sent, by="ann")["name"] == "gpu"
    with pytest.raises(InvalidInput, match="name: is missing"):
        read_guest({}, [{"name": "c", "body": CONFIG.encode()}], by="ann")


def test_the_same_bytes_are_read_once() -> None:
    first = formats.read_file("config", "seen", CONFIG.encode())
    assert formats.read_file("config", "seen", CONFIG.encode()) is first
    for number in range(300):
        formats.read_file("config", f"seen-{number}", CONFIG.encode())
    assert formats.read_file("config", "seen", CONFIG.encode()) is not first


def test_what_is_kept_of_files_has_a_limit_in_characters() -> None:
    large = CONFIG + "CONFIG_A=y\n" * 59_000
    first = formats.read_file("config", "large", CONFIG.encode())
    for number in range(30):
        formats.read_file("config", "large", f"{large}# {number}\n".encode())
    assert formats.read_file("config", "large", CONFIG.encode()) is not first


def test_files_that_are_too_large() -> None:
    with pytest.raises(InvalidInput, match="at most 2097152 are read"):
        formats.read_file("config", "c", b"x" * (1 << 22))
    noise = gzip.compress(make_images.noise(3 << 19))
    with pytest.raises(InvalidInput, match="bytes packed; at most 1048576 are read"):
        formats.read_file("config", "c.gz", noise)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, make_images.pack_zstd])
def test_a_packed_config(pack) -> None:
    assert values(("config", pack(CONFIG.encode())))["release"] == "6.12.117"


def _kinds() -> Iterator[tuple[str, bytes | str, str]]:
    yield "k", make_images.boot_image(), "image"
    yield "vmlinux", make_images.kernel(), "image"
    yield "vmlinux.gz", gzip.compress(make_images.kernel()), "image"
    yield "/boot/xen-4.17.gz", gzip.compress(make_images.hypervisor()), "xen-image"
    yield "a", CONFIG, "config"
    yield "a", gzip.compress(CONFIG.encode()), "config"
    yield "a", b"\x1f\x8bdamaged", "config"
    yield "a", PV, "dmesg"
    yield "a", "x86 PAT enabled: cpu 0, old 0x7040600070406, new 0x7010600070106\n", "dmesg"
    yield "a", "Linux version 6.1.0 (a@b) (gcc) #1 SMP\n", "version"
    yield "a", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro\n", "cmdline"
    yield "a", OLD, "cpuinfo"
    yield "a", LIST, "mtrr"
    yield "a", "PAT memtype list:\nuncached-minus @ 0x7fadf000-0x7fae0000\n", "memtypes"
    yield "a", "Module                  Size  Used by\ni915 1 1\n", "modules"
    yield "a", "00:02.0 VGA compatible controller: Intel\n\tKernel driver in use: i915\n", "pci"
    yield "a", "type: xen\nguest_type: PV\n", "hypervisor"
    yield "a", "host                   : dom0\nrelease                : 6.1\nxen_major              : 4\n", "xl-info"
    yield "a", "(XEN) Xen version 4.17.2 (a@b) (gcc) debug=n Thu Jan  7 06:33:20 UTC 2016\n", "xl-dmesg"
    yield "a", '# my domain\nname = "x"\n', "domain"
    yield "a.cfg", "# nothing that tells\n", "domain"
    yield "a", "#define XEN_MSR_PAT 0x050100070406ULL\n", "xen-source"


KINDS = list(_kinds())


@pytest.mark.parametrize(("name", "body", "role"), KINDS, ids=[f"{n}-{kind[2]}" for n, kind in enumerate(KINDS)])
def test_a_file_is_recognised_by_its_content(name: str, body: bytes | str, role: str) -> None:
    assert recognise(name, body.encode() if isinstance(body, str) else body) == role


def test_a_text_without_a_role_is_recognised_too() -> None:
    guest = read_guest({"name": "g"}, [{"name": "c", "text": CONFIG}], by="ann")
    assert [one["role"] for one in guest["evidence"]] == ["config"]


def test_what_is_nothing_that_is_read() -> None:
    with pytest.raises(InvalidInput, match=r"cat\.txt: files: is none of the files that are read: kernel \.config"):
        recognise("cat.txt", b"meow\n")


def test_every_problem_of_every_file_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        read(("a.cfg", "name = [\n"), ("c", "CONFIG_A=y\n<<<<<<< HEAD\n"))
    assert [problem["source"] for problem in refused.value.problems] == ["a.cfg", "c"]


def test_an_image_waits_for_what_a_child_reads() -> None:
    guest = read(("vmlinuz", make_images.boot_image()), ("c", CONFIG))
    assert [one["state"] for one in guest["evidence"]] == ["pending", "read"]
    refused = add_images(guest, {"image": {"problems": [{"code": "damaged", "message": "ends early"}]}})
    assert refused["facts"]["unreadable"]["value"] == "ends early"
    assert [one["state"] for one in refused["evidence"]] == ["refused", "read"]
    assert "unreadable" not in guest["facts"]


def test_an_image_is_what_it_holds_whatever_it_was_sent_as() -> None:
    body = make_images.kernel()
    guest = read_guest({"name": "g"}, [{"role": "xen-image", "name": "vmlinux", "body": body}], by="dana")
    read_as_xen = add_images(guest, {"xen-image": {"reading": read_image(body, source="vmlinux").as_data()}})
    (file,) = read_as_xen["evidence"]
    assert file["notes"][0]["message"] == (
        "sent as: Xen binary (xen.gz); it is, and is read as: kernel image (bzImage, vmlinux)"
    )
    assert read_as_xen["facts"]["image"]["value"]["abilities"]["dom0"]["able"] is True
    assert analyse({"platforms": [{"name": "host"}], "guests": [{**read_as_xen, "platforms": ["host"]}]})["verdict"]


@pytest.mark.parametrize("release", ["6.0b", "3.99", "9.1_"])
def test_a_release_that_never_was_is_left_out_with_a_note(release: str) -> None:
    guest = read(("dmesg", BANNER.replace("6.12.117", release)))
    is_one = release == "9.1_"
    assert ("release" in guest["facts"]) == is_one
    assert any(note.startswith("its release is left out: ") for note in notes(guest)) != is_one
    assert analyse({"platforms": [{"name": "host"}], "guests": [{**guest, "platforms": ["host"]}]})["verdict"]


def test_what_is_missing_says_what_it_would_decide() -> None:
    assert [gap["fact"] for gap in account_of(read(("c", CONFIG)))["missing"]] == ["mode", "role", "devices"]
    assert [gap["fact"] for gap in account_of(read(role="dom0"))["missing"]] == ["mode", "family", "release", "drivers"]
    assert "devices" not in [gap["fact"] for gap in account_of(read(mode="hvm"))["missing"]]


def test_facts_from_an_image_say_where_they_are() -> None:
    origin = {"kind": "image", "by": None, "source": "vmlinuz", "line": None, "offset": 17600}
    other = {"value": "6.1.5", "origin": origin}
    stated = {
        "value": "6.12.1",
        "origin": {"kind": "stated", "by": None, "source": None, "line": None},
        "also": [other],
    }
    guest = {"name": "g", "facts": {"release": stated}}
    report = analyse({"platform": {}, "guests": [guest]})
    found = next(one for one in report["findings"] if one["rule"] == "EVI090")
    assert "6.12.1 (stated by a person), but 6.1.5 (vmlinuz at 0x44c0)" in found["message"]
