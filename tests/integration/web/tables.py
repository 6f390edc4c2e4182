"""The tables of a page as text: what a test compares with the engine's data, cell by cell."""

from html.parser import HTMLParser


def tables(page: str) -> dict[str, list[list[str]]]:
    """Caption -> rows of cells as text, the rows of head and body in one list."""
    reader = _Reader()
    reader.feed(page)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th", "caption"):
            self._text = []

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("td", "th", "caption") or self._text is None:
            return
        text = " ".join(" ".join(self._text).split())
        if tag == "caption":
            self.found[text] = self._rows
        else:
            self._rows[-1].append(text)
        self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)
