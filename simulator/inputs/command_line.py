"""Command lines of Linux and Xen, for the options that bear on memory types."""

from enum import StrEnum

from simulator.problem import refuse


def split_options(text: str) -> list[str]:
    """The options of a command line in order; double quotes keep blanks, as the kernel does.

    Source: linux, lib/cmdline.c, next_arg().
    """
    options, current, is_quoted = [], "", False
    for character in text:
        if character == '"':
            is_quoted = not is_quoted
        elif character.isspace() and not is_quoted:
            options.append(current)
            current = ""
        else:
            current += character
    return [option for option in (*options, current) if option]


def last_value(text: str, name: str) -> str | None:
    """The value that an option has in the end: the last one wins; "" if it has none, None if it is absent.

    Options after `--` are init's, not the kernel's.
    """
    value = None
    for option in split_options(text):
        if option == "--":
            break
        key, _, given = option.partition("=")
        if key == name:
            value = given
    return value


def says_nopat(text: str) -> bool:
    """Whether PAT support is switched off by `nopat`."""
    return last_value(text, "nopat") is not None


class MmioRelax(StrEnum):
    """Whom Xen's mmio-relax spares the rewriting of MMIO mappings."""

    NONE = "none"
    DOM0 = "dom0"
    ALL = "all"


_FALSE = ("0", "no", "off", "false", "disable")
_TRUE = ("", "1", "yes", "on", "true", "enable")


def mmio_relax(text: str, *, field: str = "xen_cmdline") -> MmioRelax:
    """What a Xen command line says of mmio-relax: a boolean, which is about dom0, or `all`; the last one wins.

    Raises InvalidInput for another value, which Xen would only log.

    Source: xen, docs/misc/xen-command-line.pandoc, mmio-relax.
    """
    relax = MmioRelax.NONE
    for option in split_options(text):
        key, _, given = option.replace("_", "-").partition("=")
        if key == "no-mmio-relax":
            relax = MmioRelax.NONE
        elif key == "mmio-relax":
            relax = _relax_of(given.lower(), field)
    return relax


def _relax_of(given: str, field: str) -> MmioRelax:
    if given == "all":
        return MmioRelax.ALL
    if given not in (*_TRUE, *_FALSE):
        raise refuse("mmio_relax", f"mmio-relax={given[:20]}: a boolean or `all` is wanted", field=field)
    return MmioRelax.DOM0 if given in _TRUE else MmioRelax.NONE
