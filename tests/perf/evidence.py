"""How fast evidence is read, each figure as a ratio to something plain that was measured in the same run."""

import lzma
import random
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from simulator.evidence.formats import read_file
from simulator.images.child import read_in_child
from simulator.inputs.kernel_config import SYMBOLS, read_config, read_options
from tests import make_images

SEED = 20100329
SYMBOLS_COUNT = 8_700
UNPACKED = 60 << 20  # bytes, as a distribution's kernel has
BARS = {"options": 1 / 3, "careful": 2.0, "seen": 1.3}


def make_config() -> str:
    """A .config of the size and the mixture of a distribution's, with every symbol that matters."""
    choose = random.Random(SEED)
    names = [f"CONFIG_{''.join(choose.choices('ABCDEFGHIKLMNOPRSTUVXY_', k=choose.randint(6, 28)))}{n}"
             for n in range(SYMBOLS_COUNT)]  # fmt: skip
    lines = ["#", "# Automatically generated file; DO NOT EDIT.", "# Linux/x86 6.12.117 Kernel Configuration", "#",
             'CONFIG_LOCALVERSION=""', "CONFIG_X86_64=y"]  # fmt: skip
    kinds = ("=y", "=m", " is not set", "=64", '="text of a value"')
    others = sorted(SYMBOLS - {"CONFIG_LOCALVERSION", "CONFIG_X86_64"})
    for number, name in enumerate(names):
        kind = choose.choices(kinds, weights=(30, 38, 29, 2, 1))[0]
        lines.append(f"# {name}{kind}" if kind.startswith(" ") else f"{name}{kind}")
        if number % 100 == 0 and others:
            lines.append(f"{others.pop()}=y")
        if number % 40 == 0:
            lines += ["", f"# section {number}", "#"]
    return "\n".join(lines) + "\n"


def line_loop(text: str) -> dict[str, str]:
    """The plain way to read a .config: every line stripped and looked at, into a dict."""
    found = {}
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith("CONFIG_"):
            name, _, value = line.partition("=")
            found[name] = value
        elif line.startswith("# CONFIG_") and line.endswith(" is not set"):
            found[line[2:-11]] = "n"
    return found


def bench_config(cpu_s: Callable[..., float]) -> None:
    """Options alone, everything with line numbers, and a file that was seen before."""
    text = make_config()
    body = text.encode()
    assert read_options(text, source="c").values == read_config(text, source="c").values
    plain = cpu_s(lambda: line_loop(text), rounds=15)
    options = cpu_s(lambda: read_options(text, source="c"), rounds=15)
    careful = cpu_s(lambda: read_config(text, source="c"), rounds=15)
    with TemporaryDirectory() as folder:
        path = Path(folder, "c")
        path.write_bytes(body)
        read_file("config", "c", body)
        digest = cpu_s(lambda: sha256(path.read_bytes()).digest(), rounds=51)
        seen = cpu_s(lambda: read_file("config", "c", path.read_bytes()), rounds=51)
    ratios = {"options": options / plain, "careful": careful / plain, "seen": seen / digest}
    print(f".config of {len(text.splitlines())} lines: a plain line loop takes {plain * 1e3:.2f} ms CPU")
    for name, ratio in ratios.items():
        of = "read + sha256" if name == "seen" else "the line loop"
        print(f"  {name:8} {ratio:5.2f} x {of} (aim: at most {BARS[name]:.2f})")


def make_payload() -> bytes:
    """What a kernel's size and density come to: an eighth of it cannot be packed."""
    choose = random.Random(SEED)
    words = [choose.randbytes(choose.randint(3, 12)) for _ in range(4000)]
    mixed = (choose.randbytes(1 << 17) + b"".join(choose.choices(words, k=120_000)) for _ in range(UNPACKED >> 20))
    return make_images.kernel() + b"".join(mixed)


def bench_image(cpu_s: Callable[..., float]) -> None:
    """An image of a distribution's size: its facts against its decompressor alone."""
    held = make_payload()
    packed = lzma.compress(held, preset=1)
    image = make_images.boot_image(held, method="xz")
    alone = cpu_s(lambda: lzma.decompress(packed), rounds=3)
    began = time.monotonic()
    result = read_in_child(image, source="vmlinuz")
    took = time.monotonic() - began
    used = result["used"]
    assert isinstance(used, dict), result
    size = f"{len(image) >> 20} MiB, {len(held) >> 20} MiB unpacked"
    print(f"image of {size}: the decompressor alone {alone:.2f} s CPU; to facts {used['cpu_s']:.2f} s in a child")
    print(f"  {used['cpu_s'] - alone:.2f} s more (aim: at most 0.50), {took:.2f} s by the clock, "
          f"{used['peak_bytes'] >> 20} MiB of memory at its peak")  # fmt: skip
