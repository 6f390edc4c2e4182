"""A Linux command line, for the options that bear on memory types."""


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
