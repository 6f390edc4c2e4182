"""A .config read with care and for its options alone: the same values, lines and release."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.inputs.kernel_config import SYMBOLS, read_config, read_options
from simulator.problem import InvalidInput

HEADER = "# Linux/x86 6.12.117 Kernel Configuration\n"
LINES = st.sampled_from(
    [
        "CONFIG_X86_PAT=y", "# CONFIG_X86_PAT is not set", "CONFIG_X86_PAT=n", "CONFIG_X86_PAT=m", "CONFIG_X86_PAT=y ",
        "CONFIG_MTRR=y\t", " CONFIG_MTRR=y", "# CONFIG_MTRR is not set ", "#  CONFIG_MTRR is not set", "CONFIG_MTRR=",
        "CONFIG_DRM_I915=m", "CONFIG_DRM_I915=y", "CONFIG_DRM_I915_X=y", "XCONFIG_DRM_I915=y",
        "CONFIG_DRM_I915 is not set",
        'CONFIG_LOCALVERSION="-a"', 'CONFIG_LOCALVERSION=""', "CONFIG_LOCALVERSION=bad", "# CONFIG_XEN is on",
        "# see CONFIG_XEN=y", "CONFIG_XEN=yes", "CONFIG_MTRR=y #c", "# CONFIG_XEN is not set anymore",
        'CONFIG_LOCALVERSION="a" b',
        "# CONFIG_ODD is not set now", "CONFIG_OTHER=y", "CONFIG_OTHER", "", "# comment", "odd", "<<<<<<< HEAD",
        "# Linux/x86 6.1.1 Kernel Configuration", "# Linux kernel version: 2.6.18", "CONFIG_XEN=y\r",
    ]
)  # fmt: skip


def told(text, read):
    try:
        config = read(text, source="c")
    except InvalidInput as fault:
        return [str(problem) for problem in fault.found]
    return config.values, config.lines, config.release, config.release_line


@settings(max_examples=300)
@given(lines=st.lists(LINES, max_size=30), is_whole=st.booleans(), end=st.sampled_from(["\n", ""]))
def test_options_are_what_the_careful_reading_says(lines, is_whole, end):
    text = (HEADER if is_whole else "") + "\n".join(lines) + end
    assert told(text, read_options) == told(text, read_config)


@pytest.mark.parametrize("symbol", sorted(SYMBOLS))
def test_every_symbol_that_matters_is_found(symbol):
    value = '""' if symbol == "CONFIG_LOCALVERSION" else "y"
    for line, wanted in ((f"{symbol}={value}", value), (f"# {symbol} is not set", "n")):
        config = read_options(HEADER + line, source="c")
        if symbol != "CONFIG_LOCALVERSION" or wanted != "n":
            assert (config.values, config.lines, config.notes) == ({symbol: wanted}, {symbol: 2}, [])


def test_a_text_at_the_limit_is_read_and_one_line_more_is_refused():
    text = "CONFIG_XEN=y\n" + "\n" * 59_998
    assert read_config(text, source="c").values == {"CONFIG_XEN": "y"}
    with pytest.raises(InvalidInput, match="more than 60000 lines"):
        read_config(text + "\n", source="c")


@pytest.mark.parametrize("read", [read_config, read_options])
@pytest.mark.parametrize(
    ("line", "symbol", "value"),
    [
        ("CONFIG_XEN=yes", "CONFIG_XEN", "y"),
        ("CONFIG_XEN=n", "CONFIG_XEN", "n"),
        ("CONFIG_DRM_I915=module", "CONFIG_DRM_I915", "m"),
        ('CONFIG_LOCALVERSION="a" b', "CONFIG_LOCALVERSION", '"a"'),
        ("# CONFIG_XEN is not set anymore", "CONFIG_XEN", "n"),
    ],
)
def test_values_are_read_as_kconfig_reads_them(read, line, symbol, value):
    assert read(HEADER + line, source="c").values == {symbol: value}


def test_the_config_of_xen_is_none_of_a_kernel():
    with pytest.raises(InvalidInput, match=r"c:3: files: the \.config of a hypervisor"):
        read_config("#\n#\n# Xen/x86 4.17.7 Configuration\nCONFIG_X86_64=y\n", source="c")
