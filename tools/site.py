"""Diagrams of the static site: drawn when it is built, so that its pages load no script from another host."""

import mermaidx


def mermaid_svg(source: str, *_: object, **__: object) -> str:
    """The SVG of a Mermaid diagram, called for each ```mermaid block (pymdownx.superfences, `custom_fences`)."""
    return f'<figure class="diagram">{mermaidx.render(source).svg()}</figure>'
