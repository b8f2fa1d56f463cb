"""Pages as a browser and a screen reader find them."""

import itertools
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "rect"}
FIELDS = {"input", "select", "textarea"}


@dataclass
class Node:
    tag: str
    attrs: dict[str, str]
    text: str = ""
    above: "Node | None" = None

    def within(self, tag: str) -> "Node | None":
        node = self.above
        while node is not None and node.tag != tag:
            node = node.above
        return node


@dataclass
class Page(HTMLParser):
    """A page taken apart: its nodes, and what is wrong with how it is written."""

    html: str
    nodes: list[Node] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Node] = []
        self.feed(self.html)
        self.close()
        self.faults += [f"<{node.tag}> is never closed" for node in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, above=self._open[-1] if self._open else None)
        self.nodes.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, above=self._open[-1] if self._open else None)
        self.nodes.append(node)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes <{self._open[-1].tag if self._open else 'nothing'}>")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for node in self._open:
            node.text += data

    def all(self, tag: str, **attrs: str) -> list[Node]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attrs.items()}
        return [node for node in self.nodes if node.tag == tag and wanted.items() <= node.attrs.items()]

    def one(self, tag: str, **attrs: str) -> Node:
        (found,) = self.all(tag, **attrs)
        return found

    @property
    def text(self) -> str:
        """What is on the page to be read."""
        return " ".join(self.one("body").text.split())

    def field(self, name: str) -> str:
        """What stands in the field of this name (in the first, where there are several)."""
        node = next(node for node in self.nodes if node.tag in FIELDS and node.attrs.get("name") == name)
        if node.tag == "input":
            return node.attrs.get("value", "")
        if node.tag == "textarea":
            return node.text.removeprefix("\n")
        chosen = [one for one in self.all("option") if one.within("select") is node and "selected" in one.attrs]
        return chosen[0].attrs["value"] if chosen else ""

    def form(self, action: str) -> dict[str, list[str]]:
        """What a browser would send with the form of this action, left as it is."""
        form = next(node for node in self.all("form") if node.attrs.get("action") == action)
        sent: dict[str, list[str]] = {}
        for node in self.nodes:
            if node.tag not in FIELDS or node.within("form") is not form or "name" not in node.attrs:
                continue
            kind = node.attrs.get("type")
            if kind == "file" or (kind in {"checkbox", "radio"} and "checked" not in node.attrs):
                continue
            if node.tag == "select":
                options = [one for one in self.all("option") if one.within("select") is node]
                chosen = [one for one in options if "selected" in one.attrs] or options[:1]
                values = [one.attrs["value"] for one in chosen]
            elif node.tag == "textarea":
                values = [node.text.removeprefix("\n")]
            else:
                values = [node.attrs.get("value", "")]
            sent.setdefault(node.attrs["name"], []).extend(values)
        return sent


def audit(page: Page) -> list[str]:
    """What a page promises to everybody who reads it, broken; an empty list is a good page."""
    ids = [node.attrs["id"] for node in page.nodes if "id" in node.attrs]
    labels = {node.attrs["for"] for node in page.all("label") if "for" in node.attrs}
    wrong = list(page.faults)
    wrong += [f"id {one} stands twice" for one in set(ids) if ids.count(one) > 1]
    wrong += [f"label for {one}, which is not there" for one in labels - set(ids)]
    for node in page.nodes:
        wrong += _unsafe(node) + _unnamed(node, labels, set(ids))
    wrong += [f"{len(page.all(tag))} <{tag}>" for tag in ("main", "header", "footer", "h1") if len(page.all(tag)) != 1]
    if not page.one("title").text.strip():
        wrong.append("no title")
    levels = [int(node.tag[1]) for node in page.nodes if node.tag in {"h1", "h2", "h3", "h4"}]
    return wrong + [f"h{b} straight after h{a}" for a, b in itertools.pairwise(levels) if b > a + 1]


def _unsafe(node: Node) -> list[str]:
    """What the content security policy would refuse, or what leads out of our pages."""
    wrong = [f"inline {name} on <{node.tag}>" for name in node.attrs if name.startswith("on") or name == "style"]
    if node.tag == "style" or (node.tag == "script" and "src" not in node.attrs):
        wrong.append(f"inline <{node.tag}>")
    # An address that somebody wrote down may be followed by hand, and is not told where from.
    followed = node.tag == "a" and "noreferrer" in node.attrs.get("rel", "")
    names = ("src", "action", "hx-get", "hx-post") if followed else ("src", "href", "action", "hx-get", "hx-post")
    addresses = (node.attrs.get(name, "") for name in names)
    return wrong + [f"leads elsewhere: {one}" for one in addresses if "//" in one.partition("?")[0]]


def _unnamed(node: Node, labels: set[str], ids: set[str]) -> list[str]:
    """What somebody who cannot see the page would miss."""
    wrong = []
    name = node.attrs.get("aria-label")
    shown = node.tag in FIELDS and node.attrs.get("type") != "hidden" and "hidden" not in node.attrs
    if shown and not (node.attrs.get("id") in labels or node.within("label") or name):
        wrong.append(f"no label for <{node.tag} name={node.attrs.get('name')}>")
    if node.tag == "img" and "alt" not in node.attrs:
        wrong.append("picture without alt")
    if node.tag in {"a", "button"} and not (node.text.strip() or name):
        wrong.append(f"<{node.tag}> that says nothing: {node.attrs}")
    pointed = (one for at in ("aria-describedby", "aria-labelledby") for one in node.attrs.get(at, "").split())
    return wrong + [f"description {one} is not there" for one in pointed if one not in ids]
