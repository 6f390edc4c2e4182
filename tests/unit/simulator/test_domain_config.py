"""xl.cfg(5): its syntax, and what a domain's configuration says of the domain."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.canonical_json import canonical
from simulator.inputs.domain_config import read_domain_config
from simulator.inputs.domain_syntax import parse_assignments
from simulator.inputs.reading import Reading
from simulator.problem import InvalidInput

PV = """\
# a PV guest with a graphics card
name = "gpu-guest"
type = "pv"
kernel = "/boot/vmlinuz-6.12"
root = "/dev/xvda1"
extra = "ro console=hvc0"
memory = 4096; vcpus = 2
pci = [
    '01:00.0,permissive=1',  # the card
    '0000:01:00.1',
]
disk = [ 'phy:/dev/vg/gpu,xvda,w' ]
vfb = [ 'type=vnc,vncpasswd=s3cret-vfb' ]
"""
BASE = "name = 'g'\ntype = 'pv'\n"


def read(text: str) -> Reading:
    return read_domain_config(text, source="guest.cfg")


def facts(text: str, *keys: str) -> list[tuple[str, object, int | None]]:
    return [(fact.key, fact.value, fact.line) for fact in read(text).facts if not keys or fact.key in keys]


def notes(text: str) -> list[tuple[object, object]]:
    return [(note["line"], note["message"]) for note in read(text).notes]


def test_a_domain_as_a_whole() -> None:
    assert facts(PV) == [
        ("name", "gpu-guest", 2),
        ("mode", "pv", 3),
        ("role", "domU", None),
        ("devices", True, 8),
        ("devices_by", {"setting": "pci", "value": "01:00.0,permissive=1, 0000:01:00.1"}, 8),
        ("pci", {"slots": ["01:00.0", "01:00.1"]}, 8),
        ("kernel_path", "/boot/vmlinuz-6.12", 4),
        ("cmdline", "root=/dev/xvda1 ro console=hvc0", 6),
    ]
    assert (notes(PV), read(PV).unknown_count) == ([], 0)


@pytest.mark.parametrize(
    ("text", "assignments"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" \t\n;;# c\n", [], id="only what separates"),
        pytest.param("a = 1", [("a", False, "1", 1)], id="a number, no end of line"),
        pytest.param("a=0x1f\nb=010", [("a", False, "0x1f", 1), ("b", False, "010", 2)], id="numbers stay as written"),
        pytest.param("a='x' ; b=\"y\" # c", [("a", False, "x", 1), ("b", False, "y", 1)], id="two on a line"),
        pytest.param("a='x;#\"'\nb=\"[']\"", [("a", False, 'x;#"', 1), ("b", False, "[']", 2)], id="marks in quotes"),
        pytest.param(r"""a='\'\"\\\a\b\f\n\r\t\v'""", [("a", False, "'\"\\\a\b\f\n\r\t\v", 1)], id="escapes"),
        pytest.param("a='\u00e4\u4e00'", [("a", False, "\u00e4\u4e00", 1)], id="not ASCII"),
        pytest.param("a=[]", [("a", False, [], 1)], id="an empty list"),
        pytest.param("a=[1,'x',]", [("a", False, ["1", "x"], 1)], id="a comma before the end"),
        pytest.param("a=[\n\n1 # c\n,\n'x'\n,\n]\nb=2", [("a", False, ["1", "x"], 1), ("b", False, "2", 8)],
                     id="a list over lines"),
        pytest.param("a=[[1,[2]],[],'x']", [("a", False, [["1", ["2"]], [], "x"], 1)], id="lists in a list"),
        pytest.param("a += [1]\na+='x'", [("a", True, ["1"], 1), ("a", True, "x", 2)], id="+="),
        pytest.param("\ufeffa=1\r\nb=2\r\n", [("a", False, "1", 1), ("b", False, "2", 2)], id="a mark in front, CR LF"),
        pytest.param("a=[[[[[[[[]]]]]]]]", [("a", False, [[[[[[[[]]]]]]]], 1)], id="eight deep"),
    ],
)  # fmt: skip
def test_syntax(text: str, assignments: list[object]) -> None:
    assert [tuple(one) for one in parse_assignments(text, source="guest.cfg")] == assignments


NO_VALUE = "a value is wanted: a number, text in quotes, or a list in [ ]"
NO_END = "a new line or `;` is wanted behind a value; text needs quotes"
NO_QUOTE = "a quote that is not closed on its line"
NO_COMMA = "`,` or `]` is wanted behind a value in a list"
NO_LIST_END = "a list that is not closed: `]` is missing"
NO_ESCAPE = "an escape that xl does not read: a backslash wants a quote, a backslash or one of abfnrtv"
STRANGER = "a character that no setting begins with; names are of a-z, 0-9 and _, and text needs quotes"
PYTHON = "looks like Python code: xl does not run it; write every value out, as in name = 'value'"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a=1\n= 2", (2, 1), "a setting is wanted, as in name = 'value'"),
        ("'x'", (1, 1), "a setting is wanted"),
        ("[1]", (1, 1), "a setting is wanted"),
        ("a\n=1", (1, 2), "`=` is wanted behind the name of a setting"),
        ("a b", (1, 3), "`=` is wanted behind the name of a setting"),
        ("a", (1, 2), "`=` is wanted behind the name of a setting"),
        ("a=", (1, 3), NO_VALUE),
        ("a=\n1", (1, 3), NO_VALUE),
        ("a=;", (1, 3), NO_VALUE),
        ("a=pv", (1, 3), NO_VALUE),
        ("a=[,]", (1, 4), NO_VALUE),
        ("a=[1,,2]", (1, 6), NO_VALUE),
        ("a=[pv]", (1, 4), NO_VALUE),
        ("a=1 b=2", (1, 5), NO_END),
        ("a='x' 'y'", (1, 7), NO_END),
        ("a=[1] [0]", (1, 7), NO_END),
        ("a=0x1F", (1, 6), STRANGER),
        ("Name='x'", (1, 1), STRANGER),
        ("a=1\n  \u00e4=1", (2, 3), STRANGER),
        ("a=$x", (1, 3), STRANGER),
        ("a=[1 2]", (1, 6), NO_COMMA),
        ("a=[1;2]", (1, 5), NO_COMMA),
        ("a=1\nb=[1,\n[2", (3, 1), NO_LIST_END),
        ("a=[", (1, 3), NO_LIST_END),
        ("a=[1,", (1, 3), NO_LIST_END),
        ("a='x\n'", (1, 3), NO_QUOTE),
        ("a=\"x'", (1, 3), NO_QUOTE),
        ("a='x\\'", (1, 3), NO_QUOTE),
        (r"a='1\q'", (1, 5), NO_ESCAPE),
        (r"a='\x41'", (1, 4), NO_ESCAPE),
        (r"a='\101'", (1, 4), NO_ESCAPE),
        ("a='\\\u00e4'", (1, 4), NO_ESCAPE),
        ("a=[[[[[[[[[]]]]]]]]]", (1, 11), "lists lie more than 8 deep"),
        ("a=1\n" * 2001, (2001, 1), "more than 2000 settings"),
        ("name='x'\nname+=['y']", (2, None), "name += adds a list to a text, or a text to a list, of line 1"),
        ("pci=['x']\npci+='y'", (2, None), "pci += adds a list to a text, or a text to a list, of line 1"),
        ("a='x\0'", (1, 5), "a NUL character: this is no text"),
        ("", (1, None), "holds no setting of xl.cfg(5), as in name = 'guest' and type = 'pv'; send the domain's file"),
        ("colour = 'blue'", (1, None), "holds no setting of xl.cfg(5)"),
        ("x" * (65 << 10), (1, 65537), "a line of 66560 characters; at most 65536 are read"),
        ("x" * (257 << 10), (None, None), "more than 262144 bytes; a domain's configuration has some 50 lines"),
        ("\n" * 20_001, (None, None), "more than 20000 lines"),
    ],
)
def test_what_is_refused(text: str, place: tuple[int | None, int | None], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(text)
    problem = refused.value.found[0]
    assert (problem.line, problem.column, problem.message[: len(message)]) == (*place, message)
    assert (len(refused.value.found), problem.source) == (1, "guest.cfg")


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("name='x'\nimport os, re", (2, 1), "`import` is Python code: xl does not run it; write every value out"),
        ("def f():\n  pass", (1, 1), "`def` is Python code"),
        ("if arch == 'x':", (1, 1), "`if` is Python code"),
        ("for = 1", (1, 1), "`for` is Python code"),
        ("a = 1 if b else 2", (1, 7), "`if` is Python code"),
        ("a = [ 'x' for x in y ]", (1, 11), "`for` is Python code"),
        ("a = not b", (1, 5), "`not` is Python code"),
        ("arch = os.uname()[4]", (1, 8), PYTHON),
        ("a = int(4)", (1, 5), PYTHON),
        ("a = b[0]", (1, 5), PYTHON),
        ("a = b+c", (1, 5), PYTHON),
        ("a = 'x' + str(1)", (1, 9), PYTHON),
        ("a = 'x%d' % n", (1, 11), PYTHON),
        ("a = (1, 2)", (1, 5), PYTHON),
        ("a = { 'x': 1 }", (1, 5), PYTHON),
        ("a = -1", (1, 5), PYTHON),
        ("a = 1024 * 2", (1, 10), PYTHON),
        ("name: x", (1, 5), PYTHON),
        ("a = 'x' \\\n 'y'", (1, 9), PYTHON),
    ],
)
def test_python_is_refused(text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(text)
    problem = refused.value.found[0]
    assert (problem.code, problem.line, problem.column) == ("python", *place)
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("type='pv'", [("pv", 1)]),
        ("type='pvh'", [("pvh", 1)]),
        ("type=\"hvm\"", [("hvm", 1)]),
        ("builder='hvm'", [("hvm", 1)]),
        ("builder='generic'", [("pv", 1)]),
        ("type='hvm'\nbuilder='hvm'", [("hvm", 1), ("hvm", 2)]),
        ("type='pv'\npvshim=1", [("pv", 1)]),
        ("type='pvh'\npvshim=0", [("pvh", 1)]),
        ("type='pvh'\npvshim='yes'", [("pvh", 1)]),
        ("type='hvm'\npvh=1", [("hvm", 1)]),
        ("type='pv'\npvh=0x0", [("pv", 1)]),
        ("type='hvm'\ndevice_model_version='qemu-xen'", [("hvm", 1)]),
    ],
)  # fmt: skip
def test_modes(text: str, modes: list[object]) -> None:
    assert [(value, line) for _, value, line in facts(f"{text}\nname='g'", "mode")] == modes
    assert notes(f"{text}\nname='g'") == []


@pytest.mark.parametrize(
    ("text", "modes", "note"),
    [
        ("memory=1", [("pv", None)], (None, "neither type nor builder is set: xl then makes a PV domain")),
        ("type='pv'\nbuilder='hvm'", [("pv", 1), ("hvm", 2)],
         (2, "type and builder contradict each other; xl refuses that")),
        ("builder='linux'", [("pv", 1)], (1, "builder = 'linux' is xm's word for a PV domain; xl wants type = 'pv'")),
        ("type='PV'", [], (1, "type is 'PV'; xl takes hvm, pv, pvh")),
        ("builder='pv'", [], (1, "builder is 'pv'; xl takes hvm, generic")),
        ("type='p'", [("pv", 1)], (1, "type is 'p', which xl takes for pv")),
        ("type=''", [("hvm", 1)], (1, "type is '', which xl takes for hvm")),
        ("type=['pv']", [], (1, "type is a list where xl takes a text; it passes over it")),
        ("type='pvh'\npvshim=1", [("pv", 2)],
         (2, "pvshim: the kernel is PV on a Xen of its own, which runs as PVH; that Xen's layout governs it")),
        ("pvh=1\ntype='pv'", [("pvh", 1)], (1, "pvh = 1 is the PVH of Xen 4.4 to 4.9")),
        ("builder='hvm'\ndevice_model_version='none'", [("pvh", 2)],
         (2, "an HVM domain without a device model is the PVH of Xen 4.7 to 4.9")),
        ("type='pv'\ntype='hvm'", [("hvm", 2)], (2, "type is set again (first on line 1); this one counts")),
    ],
)  # fmt: skip
def test_modes_that_need_a_word(text: str, modes: list[object], note: tuple[int | None, str]) -> None:
    assert [(value, line) for _, value, line in facts(f"{text}\nname='g'", "mode")] == modes
    assert notes(f"{text}\nname='g'") == [note]


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("pci=['03:00.0']", ("pci", "03:00.0", 3)),
        ("iomem=['f0000,10']", ("iomem", "f0000,10", 3)),
        ("ioports=['2f8-2ff', '3f8']", ("ioports", "2f8-2ff, 3f8", 3)),
        ("\niomem=[ ]\niomem+=['f0000,10']", ("iomem", "f0000,10", 5)),
        ("pci=['03:00.0']\npci+=['04:00.0']", ("pci", "03:00.0, 04:00.0", 3)),
        ("iomem=[['f0000,10'], 'f0000,20']", ("iomem", "[...], f0000,20", 3)),
    ],
)
def test_devices(text: str, by: tuple[str, str, int]) -> None:
    text = BASE + text
    assert facts(text, "devices", "devices_by") == [
        ("devices", True, by[2]),
        ("devices_by", {"setting": by[0], "value": by[1]}, by[2]),
    ]
    assert notes(text) == []


@pytest.mark.parametrize("text", ["", "pci=[]", "iomem=''", "usbdev=['hostbus=1']", "gfx_passthru=1\ne820_host=1"])
def test_no_devices(text: str) -> None:
    assert facts(BASE + text, "devices", "devices_by", "pci") == [("devices", False, None)]
    assert notes(BASE + text) == []


def test_a_text_grants_nothing() -> None:
    text = f"{BASE}pci='03:00.0'"
    assert facts(text, "devices") == [("devices", False, None)]
    assert notes(text) == [(3, "pci is a text where xl takes a list; it passes over it")]


def test_all_that_grants_is_said() -> None:
    text = f"{BASE}pci=['03:00.0']\nirqs=[9]\ndtdev=['/soc/uart']"
    said = [value["setting"] for _, value, _ in facts(text, "devices_by")]  # type: ignore[index]
    assert (said, notes(text)) == (["pci", "irqs", "dtdev"], [])


def test_interrupts_alone_let_no_cache_bit_be_set() -> None:
    text = f"{BASE}irqs=[9]\ndtdev=['/soc/uart']"
    assert facts(text, "devices") == [("devices", False, 3)]
    message = (
        "irqs and dtdev alone do not let a PV domain set cache bits: Xen asks for I/O memory, I/O ports or PCI devices"
    )
    assert notes(text) == [(3, message)]


@pytest.mark.parametrize(
    ("item", "slot"),
    [
        ("01:00.0", "01:00.0"),
        ("0000:01:00.0", "01:00.0"),
        ("0001:0A:1f.7", "0001:0a:1f.7"),
        ("1:1:0.0", "0001:01:00.0"),
        ("1:0.*", "01:00.*"),
        ("36:00.0@20,seize=1", "36:00.0"),
        ("bdf=36:00.0, vslot=20", "36:00.0"),
        ("seize=1,bdf=36:00.0", "36:00.0"),
    ],
)
def test_pci_slots(item: str, slot: str) -> None:
    assert facts(f"{BASE}pci=['{item}']", "pci") == [("pci", {"slots": [slot]}, 3)]


def test_pci_devices_without_a_slot() -> None:
    text = f"{BASE}pci=['01:00.0', 'name=card', [1]]"
    assert facts(text, "pci") == [("pci", {"slots": ["01:00.0"]}, 3)]
    assert notes(text) == [
        (3, "item 2 of pci states no slot as in 01:00.0"),
        (3, "item 3 of pci states no slot as in 01:00.0"),
    ]


def test_more_than_a_hundred_pci_devices() -> None:
    text = f"{BASE}pci=[{','.join(['01:00.0'.join(chr(39) * 2)] * 101)}]"
    assert notes(text) == [(3, "of 101 items of pci the first 100 are read")]
    assert len(facts(text, "pci")[0][1]["slots"]) == 100  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "value", "line"),
    [
        ("cmdline='ro nopat'", "ro nopat", 3),
        ("root='/dev/xvda1'", "root=/dev/xvda1", 3),
        ("extra='ro'", "ro", 3),
        ("root='/dev/xvda1'\nextra='ro'", "root=/dev/xvda1 ro", 4),
        ("extra='ro'\nextra+=' nopat'", "ro nopat", 3),
        ("extra=4", "4", 3),
        (r"extra='a\tb\n'", "a b", 3),
        ("cmdline=''", "", 3),
        ("cmdline='ro passwd=1=2 a=b=c'", "ro passwd=... a=b=c", 3),
    ],
)
def test_command_lines(text: str, value: str, line: int) -> None:
    assert (facts(BASE + text, "cmdline"), notes(BASE + text)) == ([("cmdline", value, line)], [])


def test_cmdline_wins_over_root_and_extra() -> None:
    text = f"{BASE}root='/dev/xvda1'\nextra='nopat'\ncmdline='ro'"
    assert facts(text, "cmdline") == [("cmdline", "ro", 5)]
    assert notes(text) == [(3, "root and extra are set beside cmdline; xl passes over them")]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (r"extra='a\ab'", (3, "cmdline is left out: control characters and lone surrogates are refused")),
        (f"extra='{'x' * 4097}'", (3, "cmdline is left out: 4097 characters are too many; at most 4096")),
        ("kernel=''", (3, "kernel_path is left out: is empty")),
        ("extra=['ro']", (3, "extra is a list where xl takes a text; it passes over it")),
        ("kernel='/usr/lib/xen/boot/hvmloader'",
         (3, "kernel names hvmloader, which is firmware: the kernel is in the domain's own disk")),
        ("firmware='pvgrub64'", (3, "pvgrub takes the kernel and its command line from the domain's own disk")),
    ],
)  # fmt: skip
def test_texts_that_are_left_out(text: str, note: tuple[int, str]) -> None:
    assert notes(BASE + text) == [note]
    assert facts(BASE + text, "cmdline", "kernel_path", "bootloader") == []


def test_a_boot_loader() -> None:
    text = f"{BASE}bootloader='pygrub'\nfirmware='bios'"
    assert facts(text, "bootloader") == [("bootloader", "pygrub", 3)]
    assert notes(text) == [
        (3, "a boot loader takes the kernel, and mostly its command line, from the domain's own disk")
    ]
    assert facts(f"{BASE}bootloader=''", "bootloader") == []


def test_a_domain_without_a_name() -> None:
    assert notes("type='pv'") == [(None, "the domain has no name, which xl wants")]
    assert notes(f"type='pv'\nname='{'x' * 101}'") == [
        (2, "name is left out: 101 characters are too many; at most 100")
    ]


BITS = "x" * 32


def _edx(**bits: str) -> str:
    policy = list(BITS)
    policy[31 - 16], policy[31 - 12] = bits.get("pat", "x"), bits.get("mtrr", "x")
    return "".join(policy)


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("'host'", {}),
        ("'host,tm=0,sse3=0'", {}),
        ("'host,pat=0'", {"pat": True}),
        ("'host,mtrr=0x0,pat=1'", {"mtrr": True, "pat": False}),
        ("'host,,pat=2'", {"pat": True}),
        ("'host,pat=x,mtrr=k'", {}),
        ("'host,pat=0,pat=s'", {}),
        ("'host,pat=0,pat=1'", {"pat": False}),
        (f"['1:edx={_edx(pat='0')}']", {"pat": True}),
        (f"['0x1:eax={BITS}, edx={_edx(pat='1', mtrr='0')}']", {"pat": False, "mtrr": True}),
        (f"['1,0:edx={_edx(mtrr='0')}']", {"mtrr": True}),
        (f"['1:edx={_edx(pat='0')}','0x80000001:edx={_edx(pat='1')}']", {"pat": True}),
        (f"['1:edx={_edx(pat='0')}','1:ecx={BITS}']", {"pat": True}),
        (f"['1:edx={_edx(pat='k', mtrr='s')}']", {}),
        ("[]", {}),
    ],
)
def test_hidden_cpuid_bits(value: str, hidden: dict[str, bool]) -> None:
    text = f"{BASE}cpuid = {value}"
    said = {key: shown for key, shown, _ in facts(text) if key.startswith("hide_")}
    assert (said, notes(text)) == ({f"hide_cpuid_{name}": state for name, state in hidden.items()}, [])


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ("'pat=0'", "cpuid does not begin with `host`: xl passes over it"),
        ("''", "cpuid does not begin with `host`: xl passes over it"),
        ("'host,pat=no'", "cpuid: pat has a value that xl does not read; it takes 0, 1, x, k or s"),
        ("'host,mtrr'", "cpuid: mtrr has a value that xl does not read; it takes 0, 1, x, k or s"),
        ("['edx=0']", "item 1 of cpuid has no leaf as in 1:edx=..."),
        ("['2:edx=0', ['1:edx=0']]", "item 2 of cpuid has no leaf as in 1:edx=..."),
        ("['1:edx=0']", "cpuid: edx of leaf 1 has no 32 characters of 0, 1, x, k and s"),
    ],
)
def test_cpuid_that_xl_passes_over(value: str, note: str) -> None:
    text = f"{BASE}cpuid = {value}"
    assert [key for key, _, _ in facts(text) if key.startswith("hide_")] == []
    assert notes(text) == [(3, note)]


def test_settings_that_xl_does_not_know_are_skipped_by_name() -> None:
    reading = read(f"{BASE}pcl = ['03:00.0']\npcl += ['secret']\nbackup_passwd='s3cret'\nnested_hvm=1")
    assert reading.unknown == [(3, "pcl"), (4, "pcl"), (5, "backup_passwd")]
    assert reading.facts == read(BASE).facts


def test_line_ends_that_xl_refuses() -> None:
    text = BASE.replace("\n", "\r\n")
    assert (facts(text), notes(text)) == (
        facts(BASE),
        [(1, "lines end in CR LF, which xl refuses; the CRs are left out")],
    )


SECRET = "s3cret"


@pytest.mark.parametrize(
    "text",
    [
        f"{BASE}vncpasswd='{SECRET}'\nspicepasswd=\"{SECRET}\"\nvfb=['vnc=1,vncpasswd={SECRET}']\npasswd='{SECRET}'",
        f"{BASE}vncpasswd=['{SECRET}']\nvncpasswd='{SECRET}'\nvncpasswd+='{SECRET}'",
        f"{BASE}vncpasswd={SECRET}",
        f"{BASE}vncpasswd='{SECRET}",
        f"{BASE}vncpasswd=1;{SECRET}",
        f"{BASE}vncpasswd=1 {SECRET}",
        f"{BASE}vncpasswd={SECRET}(",
        f"{BASE}vncpasswd='{SECRET}' '{SECRET}'",
        f"{BASE}vncpasswd='\\q{SECRET}'",
        f"{BASE}vfb=['vncpasswd={SECRET}' x]",
        f"{BASE}cpuid='host,vncpasswd={SECRET}'\npci=['01:00.0,vncpasswd={SECRET}']",
        f"{BASE}iomem=['vncpasswd={SECRET}']\nextra='ro user_passwd={SECRET}'",
    ],
)
def test_passwords_are_never_repeated(text: str) -> None:
    try:
        said = json.dumps(read(text).as_data())
    except InvalidInput as fault:
        said = str(fault)
    assert SECRET not in said


PIECES = [
    PV, BASE, "name", "pci", "cpuid", "=", "+=", "'host,pat=0'", "['1:edx=" + BITS + "']", "[", "]", ",", ";", "\n",
    "'", '"', "\\", "#", "1", "(", "type", "pvshim=1",
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = read(text)
    except InvalidInput:
        return
    assert canonical(reading.as_data())
    assert reading.said("role") == ["domU"]


def values() -> st.SearchStrategy[object]:
    texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
    return st.recursive(texts, lambda inner: st.lists(inner, max_size=4), max_leaves=8)


def written(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(written(item) for item in value)}]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def depth(value: object) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@settings(max_examples=100, deadline=None)
@given(values().filter(lambda value: depth(value) <= 8))
def test_what_is_written_is_read_back(value: object) -> None:
    assert parse_assignments(f"a = {written(value)}\n", source="guest.cfg")[0].value == value
