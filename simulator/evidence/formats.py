"""The formats of evidence, a row each, and the reading of one file."""

from collections import OrderedDict
from hashlib import sha256
from importlib import import_module
from threading import Lock
from typing import NamedTuple

from simulator.inputs.reading import Reading, refusal


class Format(NamedTuple):
    """A kind of file: its role, what a person calls it, where its reader is, how large it may be in bytes.

    Without a reader it is read elsewhere: images by a worker's child, a tarball by taking it apart.
    """

    role: str
    title: str
    reader: str = ""
    size: int = 4 << 20
    is_text: bool = True


IMAGE_LIMIT = 64 << 20
PACKED_CONFIG_LIMIT = 1 << 20
FORMATS = (
    #      role           what it is                                    reader
    Format("config",      "kernel .config, /proc/config.gz",            "", 2 << 20),
    Format("image",       "kernel image (bzImage, vmlinux)",            "", IMAGE_LIMIT, is_text=False),
    Format("dmesg",       "Linux boot log (dmesg)",                     "boot_log.read_boot_log"),
    Format("domain",      "domain configuration (xl.cfg)",              "domain_config.read_domain_config", 256 << 10),
    Format("version",     "/proc/version",                              "running_kernel.read_kernel_version", 16 << 10),
    Format("cmdline",     "/proc/cmdline",                              "running_kernel.read_kernel_cmdline", 17 << 10),
    Format("cpuinfo",     "/proc/cpuinfo",                              "cpu_info.read_cpu_info"),
    Format("mtrr",        "/proc/mtrr",                                 "mtrr_list.read_mtrr_list", 64 << 10),
    Format("memtypes",    "x86/pat_memtype_list of debugfs",            "memtype_list.read_memtype_list", 1 << 20),
    Format("modules",     "lsmod",                                      "module_list.read_modules", 256 << 10),
    Format("pci",         "lspci -k",                                   "module_list.read_pci_list", 1 << 20),
    Format("hypervisor",  "/sys/hypervisor as key: value",              "running_kernel.read_sys_hypervisor", 64 << 10),
    Format("xl-dmesg",    "Xen's log (xl dmesg)",                       "xen_log.read_xen_log"),
    Format("xl-info",     "xl info",                                    "running_kernel.read_xl_info", 64 << 10),
    Format("xen-image",   "Xen binary (xen.gz)",                        "", IMAGE_LIMIT, is_text=False),
    Format("xen-source",  "Xen's processor.h and page.h, or a patch",   "xen_source.read_xen_source", 1 << 20),
    Format("bundle",      "tarball of collect.sh",                      "", 8 << 20, is_text=False),
)  # fmt: skip
BY_ROLE = {one.role: one for one in FORMATS}
#: What is read in the request, from text.
TEXT_ROLES = tuple(one.role for one in FORMATS if one.is_text)
#: What only a worker's child process reads.
IMAGE_ROLES = ("image", "xen-image")


def read_text(role: str, name: str, text: str, *, careful: bool = True) -> Reading:
    """What a text of a role says. Raises InvalidInput, naming line and column, where it is nothing of the kind.

    Without care a .config is read for its values alone: for fleets.
    """
    from simulator.inputs.kernel_config import read_config, read_options

    if role == "config":
        return read_config(text, source=name) if careful else read_options(text, source=name)
    module, _, function = BY_ROLE[role].reader.partition(".")
    reading: Reading = getattr(import_module(f"simulator.inputs.{module}"), function)(text, source=name)
    return reading


#: How many files that were read are kept, and of how many characters together: what is kept of a .config full of
#: symbols takes nine times its size.
_SEEN_FILES, _SEEN_CHARACTERS = 256, 16 << 20
_seen: OrderedDict[tuple[str, str, bytes], tuple[Reading, int]] = OrderedDict()
_seen_lock = Lock()  # a web worker's threads read at once


def read_file(role: str, name: str, body: bytes) -> Reading:
    """What the bytes of a file of a text role say; a .config may be packed.

    The same bytes under the same name are read once: pipelines send a file again and again.
    Raises InvalidInput as read_text() does.
    """
    if len(body) > BY_ROLE[role].size:
        raise refusal(name, "too_large", f"{len(body)} bytes; at most {BY_ROLE[role].size} are read")
    key = role, name, sha256(body).digest()
    with _seen_lock:
        kept = _seen.pop(key, None)
    if kept is None:
        text = config_text(name, body) if role == "config" else decode(body)
        kept = read_text(role, name, text), len(text)
    with _seen_lock:
        _seen[key] = kept
        while len(_seen) > _SEEN_FILES or sum(size for _, size in _seen.values()) > _SEEN_CHARACTERS:
            _seen.popitem(last=False)
    return kept[0]


def decode(body: bytes) -> str:
    """The text of a file: UTF-8, else Latin-1, which no byte can fail."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def config_text(name: str, body: bytes) -> str:
    """The text of a .config that may be packed. Raises InvalidInput for what cannot be unpacked."""
    return decode(_unpacked(name, body))


_PACKED = (b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"BZh")


def _unpacked(name: str, body: bytes) -> bytes:
    if not body.startswith(_PACKED):
        return body
    from simulator.inputs.packed import unpack

    if len(body) > PACKED_CONFIG_LIMIT:
        raise refusal(name, "too_large", f"{len(body)} bytes packed; at most {PACKED_CONFIG_LIMIT} are read")
    return bytes(unpack(body, source=name, limit=BY_ROLE["config"].size, ratio=50)[0])
