"""A guest's facts from what a person states and the files sent along, each with its origin."""

import re

from simulator.inputs.encodings import read_encodings, write_encodings
from simulator.inputs.kernel_config import KernelConfig, read_config
from simulator.inputs.kernel_release import parse_release
from simulator.inputs.record import NAME_LIMIT, Record, check_text
from simulator.problem import refuse

FAMILIES = ("linux", "xenlinux", "suse-xenlinux", "stated")
MODES = ("pv", "pvh", "hvm")
ROLES = ("dom0", "domU")
FILES_LIMIT = 16
COMMAND_LINE_LIMIT = 4096
PATCHES_LIMIT = 100
_COMMIT = re.compile("[0-9a-f]{7,40}", re.ASCII)

STATED_KEYS = ("name", "family", "release", "mode", "role", "devices", "cmdline", "encodings", "patches")
_FILE_KEYS = ("role", "name", "text")
#: Symbols that only kernels with paravirt operations have; XenLinux has not.
_PVOPS_SYMBOLS = ("CONFIG_XEN_PV", "CONFIG_HYPERVISOR_GUEST", "CONFIG_PARAVIRT_GUEST")


def _fact(
    value: object, kind: str, *, by: str | None = None, source: str | None = None, line: int | None = None
) -> dict[str, object]:
    return {"value": value, "origin": {"kind": kind, "by": by, "source": source, "line": line}}


def read_guest(stated: object, files: object, *, by: str) -> dict[str, object]:
    """The facts of a guest: `{"name", "facts", "notes"}`, as plain data.

    `stated` needs a name alone; `files` holds `{"role": "config", "name", "text"}`.
    Raises InvalidInput naming the field, or the file, line and column.
    """
    record = Record.of(stated, path="", known=STATED_KEYS)
    name = record.text("name")
    facts = _read_stated(record, by)
    config = _read_files(files)
    notes: list[dict[str, object]] = []
    if config is not None:
        facts["config"] = _config_fact(config)
        _infer(facts, config)
        notes = config.notes
    return {"name": name, "facts": facts, "notes": notes}


def _read_stated(record: Record, by: str) -> dict[str, dict[str, object]]:
    values: dict[str, object] = {
        "family": record.word("family", FAMILIES),
        "release": _read_release(record),
        "mode": record.word("mode", MODES),
        "role": record.word("role", ROLES),
        "devices": record.flag("devices"),
        "cmdline": record.optional_text("cmdline", limit=COMMAND_LINE_LIMIT),
        "encodings": _read_encodings(record),
        "patches": read_patches(record, "patches") or None,
    }
    if (values["mode"], values["role"]) == ("hvm", "dom0"):
        raise refuse("impossible", "no dom0 runs in mode hvm: it is pv or pvh", field=record.at("role"))
    return {key: _fact(value, "stated", by=by) for key, value in values.items() if value is not None}


def read_patches(record: Record, key: str) -> list[str]:
    """A field that lists the mainline commits that a kernel carries, each as 7 to 40 hex digits."""
    patches = []
    for position, item in enumerate(record.items(key, limit=PATCHES_LIMIT)):
        field = f"{record.at(key)}[{position}]"
        commit = check_text(item, field=field, limit=NAME_LIMIT).lower()
        if not _COMMIT.fullmatch(commit):
            raise refuse("commit", f"{commit!a} is no commit id: 7 to 40 hex digits", field=field)
        patches.append(commit)
    return sorted(set(patches))


def _read_release(record: Record) -> str | None:
    text = record.optional_text("release")
    return None if text is None else parse_release(text, field=record.at("release")).text


def _read_encodings(record: Record) -> dict[str, str] | None:
    value = record.data.get("encodings")
    is_missing = value is None or value == {}
    if is_missing and record.data.get("family") == "stated":
        raise refuse("missing", "family is stated, so each type's PTE bits must be", field=record.at("encodings"))
    return None if is_missing else write_encodings(read_encodings(value, field=record.at("encodings")))


def _read_files(files: object) -> KernelConfig | None:
    config = None
    for position, item in enumerate(Record({"files": files}).items("files", limit=FILES_LIMIT)):
        record = Record.of(item, path=f"files[{position}]", known=_FILE_KEYS)
        role, name = record.text("role"), record.text("name")
        if role != "config":
            raise refuse("unknown_word", f"{role!a} is not one of config", field=record.at("role"))
        if config is not None:
            raise refuse("duplicate", "a second .config; a guest has one", field=record.at("role"))
        text = record.data.get("text")
        if not isinstance(text, str):
            raise refuse("wrong_type", "the file's text is wanted", field=record.at("text"))
        config = read_config(text, source=name)
    return config


def _config_fact(config: KernelConfig) -> dict[str, object]:
    release = config.release
    header = None if release is None else {"value": release.text, "line": config.release_line}
    values = dict(sorted(config.values.items()))
    lines = dict(sorted(config.lines.items()))
    return {**_fact(values, "file", source=config.source), "lines": lines, "release": header}


def _infer(facts: dict[str, dict[str, object]], config: KernelConfig) -> None:
    """Add what the .config says; what a person states stays, and contradictions stay visible."""
    symbol = next((symbol for symbol in _PVOPS_SYMBOLS if symbol in config.values), None)
    if "family" not in facts and symbol is not None:
        facts["family"] = _fact("linux", "file", source=config.source, line=config.lines[symbol])
    header, stated = config.release, facts.get("release")
    if header is not None and (stated is None or parse_release(str(stated["value"])).says_less_than(header)):
        facts["release"] = _fact(header.text, "file", source=config.source, line=config.release_line)
