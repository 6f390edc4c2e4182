"""A domain's configuration, xl.cfg(5): in which mode it runs, which devices it is given, what CPUID hides from it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from simulator.inputs.domain_syntax import Value, parse_assignments
from simulator.inputs.reading import Reading, refusal
from simulator.inputs.record import NAME_LIMIT, check_text
from simulator.problem import InvalidInput

COMMAND_LINE_LIMIT = 4096  # characters
PATH_LIMIT = 1000  # characters
SHOWN = 200  # characters of what grants devices
SLOTS_LIMIT = 100

#: Settings that grant access to hardware. The first three let a PV domain set cache bits.
#: Source: xen, xen/arch/x86/include/asm/iocap.h, cache_flush_permitted().
_GRANTS = ("pci", "iomem", "ioports", "irqs", "dtdev")
_CACHE_GRANTS = frozenset({"pci", "iomem", "ioports"})
_TEXTS = "name type builder pvh pvshim device_model_version kernel bootloader firmware cmdline root extra cpuid"
_READ = frozenset((*_TEXTS.split(), *_GRANTS))
#: The other settings, of xl from 4.1 on and of xm: they bear on nothing here, or are secret.
#: Source: xen, docs/man/xl.cfg.5.pod.in, tools/xl/xl_parse.c, tools/python/xen/xm/create.py.
_PASSED_OVER = """
    access_control acpi acpi_firmware acpi_laptop_slate acpi_s3 acpi_s4 altp2m altp2mhvm apic arm_sci bios
    bios_path_override blkif boot bootargs bootentry bootloader_args cap cdrom channel cpu cpu_cap cpu_weight
    cpuid_check cpus cpus_soft description device_model device_model_args device_model_args_hvm device_model_args_pv
    device_model_override device_model_stubdomain_override device_model_stubdomain_seclabel device_model_user
    device_tree dhcp disk display dm_restrict driver_domain e820_host extratime fda fdb features firmware_override
    gateway gfx_passthru gic_version guest_os_type hap hdtype hostname hpet init_seclabel interface ip ipaddr irq
    isa keymap latency llc_colors loader localtime macaddr machine_address_size max_event_channels max_grant_frames
    max_grant_version max_maptrack_frames maxmem maxvcpus mca_caps memmap memory memory_sharing mmio_hole monitor
    ms_vm_genid msr_relaxed nested_hvm nestedhvm netif netmask nfs_root nfs_server nics nographic nomigrate nr_spis
    nx on_crash on_poweroff on_reboot on_soft_reset on_watchdog on_xend_start on_xend_stop oos opengl p9 pae
    passthrough pci_msitranslate pci_permissive pci_power_mgmt pci_seize period pool pvcalls pvshim_cmdline
    pvshim_extra pvshim_path ramdisk rdm rdm_mem_boundary restart rtc_timeoffset s3_integrity sdl seclabel serial
    shadow_memory slice smbios_firmware soundhw spice spice_clipboard_sharing spice_image_compression
    spice_streaming_video spiceagent_mouse spicedisable_ticketing spicehost spicepasswd spiceport spicetls_port
    spiceusbredirection spicevdagent ssidref stdvga stubdomain_cmdline stubdomain_kernel stubdomain_memory
    stubdomain_ramdisk superpages suppress_spurious_page_faults sve target tee timer_mode tpmif
    trap_unmapped_accesses tsc_mode usb usbctrl usbdev usbdevice usbversion uuid vcpu_avail vcpus vdispl
    vendor_device vfb vga videoram vif vif2 viommu viridian virtio vkb vkb_device vmtrace_buf_kb vnc vncconsole
    vncdisplay vnclisten vncpasswd vncunused vncviewer vnuma vpmu vpt_align vscsi vsnd vtpm vuart xauthority
    xen_platform_pci xend_suspend_evtchn_compat
"""
_KNOWN = _READ.union(_PASSED_OVER.split())

#: Part of the names of options whose values are not repeated.
_HIDDEN = "passw"

#: In the order in which xl compares; it compares only as many characters as are given.
_TYPES = {"hvm": "hvm", "pv": "pv", "pvh": "pvh"}
_BUILDERS = {"hvm": "hvm", "generic": "pv"}
_XM_BUILDER = "linux"  # xm's word for PV

_NUMBER = re.compile("0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}", re.ASCII)
_BDF = re.compile(r"(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7*])", re.IGNORECASE | re.ASCII)
#: CPUID leaf 1, EDX: each bit as xl's list form has it, bit 31 first.
_CPUID_BITS = {"pat": 16, "mtrr": 12}
_LEAF_1 = re.compile(r"(?:0*1|0x0*1)(?:,[0-9a-fx]{1,10})?", re.ASCII)
_POLICY = re.compile("[01xks]{32}", re.ASCII)
#: Ends of lines in a text are blanks to a kernel.
_LINE_ENDS = str.maketrans("\t\n\r\v\f", "     ")


class Setting(NamedTuple):
    """What a name is set to in the end, and the line where that begins."""

    value: Value
    line: int


Settings = dict[str, Setting]


def read_domain_config(text: str, *, source: str) -> Reading:
    """Mode, devices, kernel, command line and hidden CPUID bits of a domain by its xl.cfg(5), up to 256 KiB.

    Settings that xl does not know are skipped, by name. No value of another setting, as a password, is repeated.
    Raises InvalidInput where the syntax is wrong, for Python code, and where xl knows none of the settings.
    """
    reading = Reading("domain", source)
    settings = _read_settings(reading, text)
    if not settings:
        message = "holds no setting of xl.cfg(5), as in name = 'guest' and type = 'pv'; send the domain's file"
        raise refusal(source, "no_domain_config", message, line=1)
    _say_name(reading, settings)
    _say_mode(reading, settings)
    reading.say("role", "domU")
    _say_devices(reading, settings)
    _say_kernel(reading, settings)
    _say_command_line(reading, settings)
    _say_cpuid(reading, settings)
    return reading


def _read_settings(reading: Reading, text: str) -> Settings:
    """The settings that xl knows; of a name that is set again the last one counts, and `+=` adds to it."""
    if "\r\n" in text:
        reading.note("lines end in CR LF, which xl refuses; the CRs are left out", 1)
    parts: dict[str, list[Setting]] = {}
    for name, adds, value, line in parse_assignments(text, source=reading.source):
        known = parts.get(name)
        if known is None or not adds:
            if name not in _KNOWN:
                reading.skip(line, name)
                continue
            if known is not None and name in _READ:
                reading.note(f"{name} is set again (first on line {known[0].line}); this one counts", line)
            parts[name] = [Setting(value, line)]
        elif isinstance(value, str) is not isinstance(known[0].value, str):
            message = f"{name} += adds a list to a text, or a text to a list, of line {known[0].line}"
            raise refusal(reading.source, "syntax", message, line=line)
        else:
            known.append(Setting(value, line))
    return {name: _joined(found) for name, found in parts.items()}


def _joined(parts: list[Setting]) -> Setting:
    """The whole of a setting that was added to; its line is that of the first part that holds anything."""
    line = next((part.line for part in parts if part.value), parts[0].line)
    texts = [part.value for part in parts if isinstance(part.value, str)]
    if texts:
        return Setting("".join(texts), line)
    return Setting([item for part in parts for item in part.value], line)


def _text(reading: Reading, settings: Settings, name: str) -> Setting | None:
    """A setting that has to be a text; xl passes over a list, and so it is noted."""
    found = settings.get(name)
    if found is not None and not isinstance(found.value, str):
        reading.note(f"{name} is a list where xl takes a text; it passes over it", found.line)
        return None
    return found


def _is_set(reading: Reading, settings: Settings, name: str) -> int | None:
    """The line of a setting that is a number but 0; else None."""
    found = _text(reading, settings, name)
    if found is None or not _NUMBER.fullmatch(str(found.value)):
        return None
    return found.line if set(str(found.value).lower()) - set("0x") else None


def _masked(text: str, separator: str) -> str:
    """A text of options without the values of those that are passwords by their names."""
    options = [option.partition("=") for option in text.split(separator)]
    return separator.join(
        f"{name}{equals}{'...' if _HIDDEN in name.lower() else value}" for name, equals, value in options
    )


def _say_text(reading: Reading, key: str, value: str, line: int, limit: int) -> None:
    """A fact of text without control characters; what cannot be one is noted."""
    try:
        reading.say(key, check_text(value, field=key, limit=limit), line=line)
    except InvalidInput as fault:
        reading.note(f"{key} is left out: {fault.found[0].message}", line)


def _say_name(reading: Reading, settings: Settings) -> None:
    name = _text(reading, settings, "name")
    if name is None:
        reading.note("the domain has no name, which xl wants")
    else:
        _say_text(reading, "name", str(name.value), name.line, NAME_LIMIT)


def _say_mode(reading: Reading, settings: Settings) -> None:
    """Every mode that the file states; by xl's default it is PV.

    Source: xen, docs/man/xl.cfg.5.pod.in, "Selecting Guest Type"; tools/xl/xl_parse.c.
    """
    stated = [*_stated(reading, settings, "type", _TYPES), *_stated(reading, settings, "builder", _BUILDERS)]
    if len({mode for mode, _ in stated}) > 1:
        reading.note("type and builder contradict each other; xl refuses that", stated[1][1])
    if not stated and not {"type", "builder"} & settings.keys():
        reading.note("neither type nor builder is set: xl then makes a PV domain")
        stated = [("pv", None)]
    for mode, line in stated:
        in_force, by = _in_force(reading, settings, mode, line)
        reading.say("mode", in_force, line=by)


def _stated(reading: Reading, settings: Settings, name: str, words: dict[str, str]) -> Iterator[tuple[str, int | None]]:
    found = _text(reading, settings, name)
    if found is None:
        return
    given = str(found.value)
    word = next((word for word in words if word.startswith(given)), None)
    if name == "builder" and given == _XM_BUILDER:
        reading.note("builder = 'linux' is xm's word for a PV domain; xl wants type = 'pv'", found.line)
        yield "pv", found.line
    elif word is None:
        reading.note(f"{name} is {given[:20]!a}; xl takes {', '.join(words)}", found.line)
    else:
        if word != given:
            reading.note(f"{name} is {given[:20]!a}, which xl takes for {word}", found.line)
        yield words[word], found.line


def _in_force(reading: Reading, settings: Settings, mode: str, line: int | None) -> tuple[str, int | None]:
    """The mode that the domain's kernel runs in, and the line that decides it."""
    model = settings.get("device_model_version")
    if mode == "pvh" and (by := _is_set(reading, settings, "pvshim")):
        reading.note(
            "pvshim: the kernel is PV on a Xen of its own, which runs as PVH; that Xen's layout governs it", by
        )
        return "pv", by
    if mode == "pv" and (by := _is_set(reading, settings, "pvh")):
        reading.note("pvh = 1 is the PVH of Xen 4.4 to 4.9", by)
        return "pvh", by
    if mode == "hvm" and model is not None and model.value == "none":
        reading.note("an HVM domain without a device model is the PVH of Xen 4.7 to 4.9", model.line)
        return "pvh", model.line
    return mode, line


def _say_devices(reading: Reading, settings: Settings) -> None:
    """Whether the domain is given hardware, and by what; if by nothing, no line says so."""
    granted: list[str] = []
    for name in _GRANTS:
        found = settings.get(name)
        if found is None or not found.value:
            continue
        if isinstance(found.value, str):
            reading.note(f"{name} is a text where xl takes a list; it passes over it", found.line)
            continue
        granted.append(name)
        items = [_masked(item, ",") if isinstance(item, str) else "[...]" for item in found.value]
        if name in _CACHE_GRANTS:
            reading.say("devices", True, line=found.line)
        reading.say("devices_by", {"setting": name, "value": ", ".join(items)[:SHOWN]}, line=found.line)
        if name == "pci":
            _say_slots(reading, items, found.line)
    if not _CACHE_GRANTS & set(granted):
        reading.say("devices", False, line=settings[granted[0]].line if granted else None)
    if granted and not _CACHE_GRANTS & set(granted):
        message = f"{' and '.join(granted)} alone do not let a PV domain set cache bits: Xen asks for I/O memory, I/O"
        reading.note(f"{message} ports or PCI devices", settings[granted[0]].line)


def _say_slots(reading: Reading, items: list[str], line: int) -> None:
    """The PCI slots, as lspci writes them: without the domain where that is 0.

    Source: xen, docs/man/xl-pci-configuration.5.pod.
    """
    slots = []
    for position, item in enumerate(items[:SLOTS_LIMIT], 1):
        parts = [part.strip() for part in item.split(",")]
        named = next((part[4:] for part in parts if part.startswith("bdf=")), parts[0])
        match = _BDF.fullmatch(named.partition("@")[0])
        if match is None:
            reading.note(f"item {position} of pci states no slot as in 01:00.0", line)
        else:
            slots.append(_slot(match))
    if len(items) > SLOTS_LIMIT:
        reading.note(f"of {len(items)} items of pci the first {SLOTS_LIMIT} are read", line)
    reading.say("pci", {"slots": slots}, line=line)


def _slot(match: re.Match[str]) -> str:
    domain, bus, device, function = (part or "" for part in match.groups())
    prefix = f"{domain.lower():0>4}:" if domain.strip("0") else ""
    return f"{prefix}{bus.lower():0>2}:{device.lower():0>2}.{function}"


def _say_kernel(reading: Reading, settings: Settings) -> None:
    """The kernel's path in the dom0, and the boot loader where one looks for a kernel in the domain's own disk."""
    kernel = _text(reading, settings, "kernel")
    if kernel is not None and str(kernel.value).rpartition("/")[2] == "hvmloader":
        reading.note("kernel names hvmloader, which is firmware: the kernel is in the domain's own disk", kernel.line)
    elif kernel is not None:
        _say_text(reading, "kernel_path", str(kernel.value), kernel.line, PATH_LIMIT)
    loader = _text(reading, settings, "bootloader")
    if loader is not None and loader.value:
        _say_text(reading, "bootloader", str(loader.value), loader.line, PATH_LIMIT)
        message = "a boot loader takes the kernel, and mostly its command line, from the domain's own disk"
        reading.note(message, loader.line)
    firmware = _text(reading, settings, "firmware")
    if firmware is not None and str(firmware.value).startswith("pvgrub"):
        reading.note("pvgrub takes the kernel and its command line from the domain's own disk", firmware.line)


def _say_command_line(reading: Reading, settings: Settings) -> None:
    """What xl passes to the kernel: cmdline, or else root and extra.

    Source: xen, tools/xl/xl_parse.c, parse_cmdline().
    """
    whole, root, extra = (_text(reading, settings, name) for name in ("cmdline", "root", "extra"))
    parts = [Setting(f"root={root.value}", root.line)] if root is not None else []
    parts += [extra] if extra is not None else []
    if whole is not None and parts:
        reading.note("root and extra are set beside cmdline; xl passes over them", parts[0].line)
    used = [whole] if whole is not None else parts
    text = _masked(" ".join(str(part.value) for part in used).translate(_LINE_ENDS).strip(), " ")
    if text:
        _say_text(reading, "cmdline", text, used[-1].line, COMMAND_LINE_LIMIT)
    elif used:
        reading.say("cmdline", "", line=used[0].line)


def _say_cpuid(reading: Reading, settings: Settings) -> None:
    """Which of CPUID's bits PAT and MTRR the file hides, and which it shows; what it leaves to Xen is not said."""
    found = settings.get("cpuid")
    if found is None:
        return
    if isinstance(found.value, str):
        shown = _flags_of_text(reading, found.value, found.line)
    else:
        shown = _flags_of_leaves(reading, found.value, found.line)
    for name, is_shown in shown.items():
        reading.say(f"hide_cpuid_{name}", not is_shown, line=found.line)


def _flags_of_text(reading: Reading, text: str, line: int) -> dict[str, bool]:
    """Of `host,pat=0`: x, k and s leave a bit to Xen.

    Source: xen, tools/libs/light/libxl_cpuid.c, libxl_cpuid_parse_config().
    """
    pairs = [part for part in text.split(",") if part]
    shown: dict[str, bool] = {}
    if pairs[:1] != ["host"]:
        reading.note("cpuid does not begin with `host`: xl passes over it", line)
        return shown
    for pair in pairs[1:]:
        name, _, value = pair.partition("=")
        if name not in _CPUID_BITS:
            continue
        shown.pop(name, None)
        if _NUMBER.fullmatch(value):
            shown[name] = value[-1] in "13579bdfBDF"  # xl takes the lowest bit
        elif value[:1] not in tuple("xks"):
            reading.note(f"cpuid: {name} has a value that xl does not read; it takes 0, 1, x, k or s", line)
    return shown


def _flags_of_leaves(reading: Reading, items: list[Value], line: int) -> dict[str, bool]:
    """Of `1:edx=` and 32 characters, bit 31 first.

    Source: xen, tools/libs/light/libxl_cpuid.c, libxl_cpuid_parse_config_xend().
    """
    policy = ""
    for position, item in enumerate(items, 1):
        leaf, colon, registers = item.partition(":") if isinstance(item, str) else ("", "", "")
        if not colon:
            reading.note(f"item {position} of cpuid has no leaf as in 1:edx=...", line)
        elif _LEAF_1.fullmatch(leaf.strip()):
            policy = _edx(reading, registers, line) or policy
    if not policy:
        return {}
    bits = {name: policy[31 - bit] for name, bit in _CPUID_BITS.items()}
    return {name: bit == "1" for name, bit in bits.items() if bit in "01"}


def _edx(reading: Reading, registers: str, line: int) -> str:
    """The policy of EDX; "" where a leaf has none or an odd one."""
    for register in registers.split(","):
        name, _, policy = register.strip().partition("=")
        if name == "edx":
            if _POLICY.fullmatch(policy):
                return policy
            reading.note("cpuid: edx of leaf 1 has no 32 characters of 0, 1, x, k and s", line)
    return ""
