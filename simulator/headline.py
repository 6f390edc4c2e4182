"""A report in one plain sentence of at most 180 characters."""

LIMIT = 180
_WHO_AT_LEAST = 12
_ELLIPSIS = "\u2026"


def fit(template: str, who: str = "") -> str:
    """A sentence with `who` put in for `{who}` and a full stop; a long name gives way first."""
    room = LIMIT - 1 - len(template.replace("{who}", "", 1))
    text = template.replace("{who}", shorten(who, max(room, _WHO_AT_LEAST)), 1).removesuffix(".")
    text = shorten(text[:1].upper() + text[1:] if "{who}" not in template[:5] else text, LIMIT - 1)
    return text if text.endswith(_ELLIPSIS) else f"{text}."


def shorten(text: str, limit: int) -> str:
    """The text, cut after a whole word where it is longer than the limit."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    head, blank, _ = cut.rpartition(" ")
    return (head if blank and len(head) > limit // 2 else cut).rstrip(" ,;:(") + _ELLIPSIS
