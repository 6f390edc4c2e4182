"""Images out of packages: each is read once by a child, unpacked once by its plain decompressor, and measured."""

import os
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from simulator.images.child import read_in_child
from tests.real import oracles, packages
from tests.real.figures import KernelFigures
from tests.real.packages import Package, Unreachable, fetch

Data = dict[str, Any]


class RealImage(NamedTuple):
    """An image: where it lies, what it unpacks to and by what, what the child said, and what both took."""

    name: str
    package: Package
    path: Path
    body: Path
    method: str
    plain_cpu_s: float
    result: Data
    wall_s: float

    @property
    def reading(self) -> Data:
        """What the reader said. A refusal is a failure."""
        assert "reading" in self.result, self.result
        reading: Data = self.result["reading"]
        return reading

    def values(self, key: str) -> list[Any]:
        """Every value that was said of a key."""
        return [fact["value"] for fact in self.reading["facts"] if fact["key"] == key]

    def only(self, key: str) -> Any:
        """The one value of a key."""
        (value,) = self.values(key)
        return value

    @property
    def notes(self) -> list[Data]:
        """The notes without their offsets."""
        return [{key: one[key] for key in ("owner", "type", "name", "value")} for one in self.only("notes")]

    def said_to_xen(self) -> dict[str, str]:
        """What the notes of the owner Xen say, by name."""
        return {one["name"]: one["value"] for one in self.notes if one["owner"] == "Xen"}

    @property
    def messages(self) -> list[str]:
        """What the reader remarked."""
        return [note["message"] for note in self.reading["notes"]]


#: Every image that was read, for the table at the end.
READ: dict[str, RealImage] = {}


@cache
def read_real(path: Path, package: Package) -> RealImage:
    """An image, read and measured."""
    data = path.read_bytes()
    packed = oracles.payload(data)
    began = time.process_time()
    body = oracles.unpack(packed)
    plain = time.process_time() - began
    unpacked = packages.FOLDER / "unpacked" / f"{path.name}_{package.version.replace(':', '%3a')}"
    unpacked.parent.mkdir(exist_ok=True)
    unpacked.write_bytes(body)
    began = time.monotonic()
    result = read_in_child(data, source=path.name)
    wall = time.monotonic() - began
    image = RealImage(path.name, package, path, unpacked, oracles.method(packed), plain, result, wall)
    READ[path.name] = image
    return image


class RealKernel(NamedTuple):
    """A kernel with its own .config, and the figures of the version that was looked at."""

    figures: KernelFigures
    image: RealImage
    config: str
    config_name: str

    @property
    def is_the_one(self) -> bool:
        """Whether this is the version that the figures are of."""
        return self.image.package.version == self.figures.version


@cache
def real_kernel(figures: KernelFigures) -> RealKernel:
    """The newest kernel of a row. Raises Unreachable."""
    package = fetch(packages.newest(figures.asked), ("boot",))
    config = package.only("boot/config-*")
    image = read_real(package.only("boot/vmlinuz-*"), package)
    return RealKernel(figures, image, config.read_text(), config.name)


@cache
def real_mach() -> RealImage:
    """GNU Mach for Xen. Raises Unreachable."""
    package = fetch("gnumach-image-1.8-xen-486", ("boot",))
    return read_real(package.only("boot/gnumach-*.gz"), package)


@cache
def real_xen(pattern: str) -> RealImage:
    """The hypervisor, packed or as an EFI program. Raises Unreachable."""
    package = fetch("xen-hypervisor-4.17-amd64", ("boot",))
    return read_real(package.only(pattern), package)


def grub_modules() -> Package:
    """The parts of GRUB for Xen that its tool makes an image of. Raises Unreachable."""
    return fetch("grub-xen-bin", ("usr/lib/grub",))


@cache
def real_grub(target: str) -> RealImage:
    """An image that GRUB's own tool makes, run where it was unpacked. Raises Unreachable."""
    modules = grub_modules()
    tool = fetch("grub-common", ("usr/bin/grub-mkimage",)).only("usr/bin/grub-mkimage")
    library = fetch("libdevmapper1.02.1", ("lib/x86_64-linux-gnu",)).only("lib/*/libdevmapper.so.1.02.1")
    made = packages.FOLDER / "unpacked" / f"grub-{target}"
    made.parent.mkdir(exist_ok=True)
    command = [str(tool), "-d", str(modules.folder / "usr/lib/grub" / target), "-O", target, "-o", str(made),
               "-p", "/boot/grub", "normal"]  # fmt: skip
    done = subprocess.run(
        command, env={**os.environ, "LD_LIBRARY_PATH": str(library.parent)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unreachable(f"grub-mkimage does not run here: {done.stderr.strip()[-200:]}")
    return read_real(made, modules)


@cache
def real_configs(name: str) -> dict[str, bytes]:
    """The packed configurations of a package for amd64, by file name. Raises Unreachable."""
    package = fetch(name, ("usr/src",))
    return {path.name: path.read_bytes() for path in sorted(package.folder.glob("usr/src/*/config.amd64_*"))}
