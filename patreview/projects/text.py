"""Text that people write: trimmed, bounded, storable. What cannot be kept is refused, never cut."""

from patreview.projects.errors import Conflict

LINE_MAX = 200
BODY_MAX = 16 * 1024
LINES_MAX = 500


def checked_line(text: str, *, at_most: int = LINE_MAX) -> str:
    """One line, perhaps empty. Raises Conflict (`bad_character`, `too_long`)."""
    line = text.strip()
    odd = [char for char in line if not char.isprintable()]
    if odd:
        raise Conflict("bad_character", f"Character U+{ord(odd[0]):04X} cannot stand here.")
    if len(line) > at_most:
        raise Conflict("too_long", f"{len(line)} characters; at most {at_most}.")
    return line


def checked_body(text: str) -> str:
    """Some paragraphs, perhaps empty. Raises Conflict (`bad_character`, `too_long`)."""
    body = text.replace("\r\n", "\n").strip()
    odd = [char for char in body if not char.isprintable() and char not in "\n\t"]
    if odd:
        raise Conflict("bad_character", f"Character U+{ord(odd[0]):04X} cannot stand here.")
    if len(body) > BODY_MAX or body.count("\n") >= LINES_MAX:
        raise Conflict("too_long", f"At most {BODY_MAX} characters and {LINES_MAX} lines.")
    return body


def required(text: str, what: str) -> str:
    """The text, which must not be empty. Raises Conflict `empty`."""
    if not text:
        raise Conflict("empty", f"{what} is missing: write a sentence.")
    return text
