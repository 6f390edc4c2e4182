"""Texts that readers nearly understand: lines made of their own patterns, and grammars where a format has one."""

from functools import cache

from hypothesis import strategies as st

from tests.fuzz.patterns import modules, patterns_of
from tests.fuzz.seeds import seeds_of

_MODULES = {
    "config": ("kernel_config",),
    "dmesg": ("boot_log", "memtype_lines", "mtrr_lines", "log_lines"),
    "domain": ("domain_config",),
    "cpuinfo": ("cpu_info",),
    "mtrr": ("mtrr_list",),
    "memtypes": ("memtype_list",),
    "modules": ("module_list",),
    "pci": ("module_list",),
    "version": ("running_kernel", "kernel_release"),
    "hypervisor": ("running_kernel",),
    "xl-info": ("running_kernel",),
    "xl-dmesg": ("xen_log", "mtrr_lines", "log_lines"),
    "xen-source": ("xen_definitions", "xen_patch", "unified_diff", "c_source", "c_constant"),
    "layout": ("layout", "xen_definitions"),
}


@cache
def texts(role: str) -> st.SearchStrategy[bytes] | None:
    """Texts for a reader; None where no grammar is known."""
    if role == "domain":
        return st.one_of(_lines(role), domain_configs()).map(_encoded)
    if role == "xen-source":
        return st.one_of(_lines(role), sources(), patches()).map(_encoded)
    if role == "cmdline":
        return command_lines().map(_encoded)
    return _lines(role).map(_encoded) if role in _MODULES else None


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _lines(role: str) -> st.SearchStrategy[str]:
    wanted = [f"simulator.inputs.{name}" for name in _MODULES[role]]
    found = [one.pattern for module in modules() if module.__name__ in wanted for one in patterns_of(module)]
    words = [word.decode(errors="replace") for word in seeds_of(role).words]
    line = st.one_of(
        *(st.from_regex(pattern, fullmatch=True) for pattern in found if isinstance(pattern.pattern, str)),
        st.sampled_from(words),
        st.text(max_size=20),
    )
    piece = st.lists(line, min_size=1, max_size=3).map("".join)
    return st.lists(piece, max_size=12).map("\n".join)


_BLANK = st.sampled_from(["", " ", "\t", "\n", " # x\n", "\\\n"])
_NAME = st.sampled_from(["name", "type", "builder", "pci", "kernel", "extra", "cpuid", "memory", "iomem", "x", "A_1"])


def _spaced(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*(part for one in parts for part in (one, _BLANK))).map("".join)


def domain_configs() -> st.SearchStrategy[str]:
    """Assignments as xl.cfg has them, with values that nest."""
    quoted = st.tuples(st.sampled_from("\"'"), st.text(max_size=12)).map(lambda one: one[0] + one[1] + one[0])
    known = st.sampled_from(['"pv"', '"01:00.0"', "'host,pat=0'", "1", "0x1f", '"nopat"', '"0x1:edx=xxxxxxxxxxxxxxx0"'])
    value = st.recursive(
        st.one_of(known, quoted, st.from_regex(r"-?(0x)?[0-9a-f]{1,25}", fullmatch=True)),
        lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        max_leaves=8,
    )
    sign = st.sampled_from(["=", "=", "+=", "==", ""])
    end = st.sampled_from(["\n", ";", " "])
    return st.lists(_spaced(_NAME, sign, value, end), max_size=8).map("".join)


def _constants() -> st.SearchStrategy[str]:
    """Expressions of C, whole and broken."""
    atom = st.sampled_from(
        ["MSR_PAT", "X86_MT_WB", "X86_MT_WC", "X86_MT_UCM", "0x06", "6ULL", "1", "070", "_AC(6,ULL)", "x"]
    )
    return st.recursive(
        atom,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["|", "<<", "+", "&", "-", "?", ">>", ","]), inner).map(" ".join),
            inner.map(lambda one: f"({one})"),
            inner.map(lambda one: f"((uint64_t){one} << 8)"),
        ),
        max_leaves=12,
    )


def sources() -> st.SearchStrategy[str]:
    """Definitions of Xen's PAT under conditions, in comments, over several lines."""
    macro = st.sampled_from(["XEN_MSR_PAT", "_PAGE_WC", "_PAGE_UCM", "PAT_ENTRY(n,t)", "MSR_PAT"])
    define = st.tuples(macro, _constants()).map(lambda one: f"#define {one[0]} {one[1]}")
    other = st.sampled_from(
        ["#if 0", "#ifdef A", "#else", "#elif defined(B)", "#endif", "/*", "*/", "// x", "\\",
         "BUILD_BUG_ON(XEN_MSR_PAT !=", "    0x050100070406ULL);", "const uint64_t host_pat =", "0x050100070406;",
         "static_assert(XEN_MSR_PAT == 1);"]
    )  # fmt: skip
    return st.lists(st.one_of(define, define, other), max_size=14).map(lambda lines: "\n".join(lines) + "\n")


def patches() -> st.SearchStrategy[str]:
    """Unified diffs of Xen's headers, with counts that are right or wrong."""
    mark = st.sampled_from(["+", "-", " ", ""])
    body = st.lists(st.tuples(mark, sources().map(lambda text: text.partition("\n")[0])).map("".join), max_size=8)
    path = st.sampled_from(
        ["xen/arch/x86/include/asm/processor.h", "xen/include/public/xen.h", "xen/arch/x86/mm.c", "/dev/null"]
    )
    count = st.integers(0, 9)
    head = st.tuples(path, path, count, count).map(
        lambda one: f"--- a/{one[0]}\n+++ b/{one[1]}\n@@ -1,{one[2]} +1,{one[3]} @@ get_page_from_l1e("
    )
    hunk = st.tuples(head, body).map(lambda one: "\n".join([one[0], *one[1]]))
    return st.lists(hunk, max_size=4).map("\n".join)


def command_lines() -> st.SearchStrategy[str]:
    """Options with quotes and without."""
    option = st.sampled_from(
        ["nopat", "xen_nopv", '"a b"', "x=nopat", 'x="nopat', "--", "clearcpuid=pat", "root=/dev/x ro"]
    )
    return st.lists(st.one_of(option, st.text(max_size=8)), max_size=20).map(" ".join)
