"""Reading a page the way a test asks about it."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """What a test asks of a page: its tags in order, with their attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _tag, attributes in self.tags if "id" in attributes]


def inline_code(page: Page) -> list[tuple[str, dict[str, str | None]]]:
    """Tags that a content security policy of 'self' would block."""
    return [
        (tag, attributes)
        for tag, attributes in page.tags
        if tag == "style"
        or (tag == "script" and "src" not in attributes)
        or "style" in attributes
        or any(name.startswith("on") for name in attributes)
    ]
