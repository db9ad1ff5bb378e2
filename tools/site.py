"""What the static site of docs/ needs in addition to Markdown: drawn diagrams, and no links that leave the site."""

from hashlib import sha256
from xml.etree.ElementTree import Element

import mermaidx
from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor


def mermaid_svg(source: str, *_: object, **__: object) -> str:
    """The SVG of a Mermaid diagram, called for each ```mermaid block (pymdownx.superfences, `custom_fences`).

    It is drawn when the site is built, so pages load no script from another host. Its style and its markers refer to
    the id of the drawing, which has to be unique on the page.
    """
    unique = f"diagram-{sha256(source.encode()).hexdigest()[:12]}"
    return f'<figure class="diagram">{mermaidx.render(source).svg().replace("my-svg", unique)}</figure>'


class SourceLinks(Treeprocessor):
    """Links to source files lead somewhere only in a checkout: on the site their text remains."""

    def run(self, root: Element) -> None:
        """Remove the target of each link to a file that is not a page."""
        for link in root.iter("a"):
            target = link.get("href", "")
            if target.startswith("../") and target.endswith((".py", ".mjs", ".ts", ".toml")):
                link.tag = "span"
                del link.attrib["href"]


class SourceLinksExtension(Extension):
    """Registers `SourceLinks`."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Add the processor after the inline patterns, which make the links."""
        md.treeprocessors.register(SourceLinks(md), "source-links", 15)


makeExtension = SourceLinksExtension  # noqa: N816
"""The name by which Python-Markdown finds an extension."""
