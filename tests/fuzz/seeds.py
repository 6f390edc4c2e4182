"""What mutations begin with: the example texts of the readers' own tests, images made byte by byte, tarballs."""

import ast
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from simulator.inputs import (
    cpu_info,
    domain_syntax,
    kernel_config,
    log_lines,
    memtype_list,
    module_list,
    mtrr_list,
    running_kernel,
    xen_source,
)
from tests import make_images

TESTS = Path(__file__).parents[1] / "unit" / "simulator"
#: Files of tests whose texts are examples for a target.
TEXTS = {
    "config": ("test_guest_inputs", "test_published_formats"),
    "dmesg": ("test_boot_log",),
    "domain": ("test_domain_config",),
    "version": ("test_running_kernel",),
    "cmdline": ("test_running_kernel", "test_boot_log"),
    "cpuinfo": ("test_cpu_info",),
    "mtrr": ("test_mtrr_list",),
    "memtypes": ("test_memtype_list",),
    "modules": ("test_module_list",),
    "pci": ("test_module_list",),
    "hypervisor": ("test_running_kernel",),
    "xl-dmesg": ("test_xen_log",),
    "xl-info": ("test_running_kernel",),
    "xen-source": ("test_xen_source",),
    "layout": ("test_layout_text", "test_xen_source"),
}
CONFIG = (
    "# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_X86_64=y\nCONFIG_X86_PAT=y\nCONFIG_MTRR=y\nCONFIG_XEN_PV=y\n"
)
_WORD_LIMIT = 400

#: How much each reader of text reads at most.
BOUNDS = {
    "config": kernel_config.BOUNDS,
    "dmesg": log_lines.BOUNDS,
    "domain": domain_syntax.BOUNDS,
    "version": running_kernel.VERSION_BOUNDS,
    "cmdline": running_kernel.COMMAND_LINE_BOUNDS,
    "cpuinfo": cpu_info.BOUNDS,
    "mtrr": mtrr_list.BOUNDS,
    "memtypes": memtype_list.BOUNDS,
    "modules": module_list.MODULES_BOUNDS,
    "pci": module_list.PCI_BOUNDS,
    "hypervisor": running_kernel.STATEMENTS_BOUNDS,
    "xl-dmesg": log_lines.BOUNDS,
    "xl-info": running_kernel.STATEMENTS_BOUNDS,
    "xen-source": xen_source.BOUNDS,
    "layout": xen_source.BOUNDS,
}


class Seeds(NamedTuple):
    """Whole examples, and words and lines to put into them."""

    examples: tuple[bytes, ...]
    words: tuple[bytes, ...]


@cache
def seeds_of(role: str) -> Seeds:
    """The seeds of a reader. Of texts there is always one that has every line of the tests."""
    if role in ("image", "xen-image"):
        return Seeds(
            tuple(images()), (b"Xen version ", b"Linux version 6", b"IKCFG_ST", b"Xen\0", b"\x77\x02\0\0\x0f\x30")
        )
    if role == "bundle":
        return Seeds(
            tuple(_tarballs()), (b"MANIFEST", b"dmesg", b"../dmesg", b"ustar\0", b"ok dmesg 1\n", b"proc-config.gz")
        )
    constants = [text for name in TEXTS[role] for text in _constants(TESTS / f"{name}.py")]
    whole = [text for text in constants if text.count("\n") > 1]
    words = [text for text in constants if 0 < len(text) <= _WORD_LIMIT and "\0" not in text]
    lines = [word.strip("\n") for word in words if all(line.isprintable() for line in word.splitlines())]
    examples = [
        *whole,
        "\n".join(lines) + "\n",
        *("\n".join(lines[at : at + 12]) + "\n" for at in range(0, len(lines), 12)),
    ]
    if role == "config":
        examples += [
            CONFIG,
            *(f"{CONFIG}{line}\n" for line in ('CONFIG_LOCALVERSION="-1"', "# CONFIG_X86_PAT is not set")),
        ]
    found = [text.encode(errors="surrogatepass") for text in dict.fromkeys(examples)]
    if role == "config":
        found += [gzip.compress(CONFIG.encode(), mtime=0), lzma.compress(CONFIG.encode())]
    return Seeds(tuple(found), tuple(word.encode(errors="surrogatepass") for word in dict.fromkeys(words)))


def _constants(path: Path) -> list[str]:
    """The texts that stand in a file of tests, but for its docstrings."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]
    return [node.value for node in found if isinstance(node.value, str)]


def images() -> Iterable[bytes]:
    """Small images of every kind."""
    small = make_images.kernel(padding=256)
    yield small
    yield make_images.kernel(bits=32, padding=64)
    yield make_images.kernel(padding=64, text=(make_images.BANNER + "\0").encode() + make_images.ikconfig())
    yield make_images.kernel(notes=b"", legacy="GUEST_OS=linux,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000", padding=64)
    for method in make_images.READ_PACKERS:
        yield make_images.boot_image(small, method=method)
    yield make_images.pack_gzip(small)
    yield make_images.hypervisor()
    yield make_images.pack_gzip(make_images.hypervisor())


def real_images() -> list[Path]:
    """The images of the folder that FUZZ_IMAGES names."""
    folder = os.environ.get("FUZZ_IMAGES", "")
    return sorted(path for path in Path(folder).iterdir() if path.is_file()) if folder else []


def _tarballs() -> Iterable[bytes]:
    manifest = "patreview.evidence/1\nhost dom0\nmade-by collect.sh 1\nok dmesg 3\nempty proc-mtrr /proc/mtrr\n"
    texts = {role: seeds_of(role).examples[0] for role in ("dmesg", "mtrr", "domain", "config")}
    members = {
        "MANIFEST": manifest.encode(),
        "dmesg": texts["dmesg"],
        "proc-mtrr": texts["mtrr"],
        "domain-config": texts["domain"],
        "proc-config.gz": gzip.compress(texts["config"], mtime=0),
    }
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        plain = archive(members, form)
        yield plain
        yield gzip.compress(plain, mtime=0)


def archive(members: dict[str, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A tar archive of plain files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, body in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()
