"""Diagrams of the static site: drawn when it is built, so that its pages load no script from another host."""

from hashlib import sha256

import mermaidx


def mermaid_svg(source: str, *_: object, **__: object) -> str:
    """The SVG of a Mermaid diagram, called for each ```mermaid block (pymdownx.superfences, `custom_fences`).

    Its style and its markers refer to the id of the drawing, which has to be unique on the page.
    """
    unique = f"diagram-{sha256(source.encode()).hexdigest()[:12]}"
    return f'<figure class="diagram">{mermaidx.render(source).svg().replace("my-svg", unique)}</figure>'
