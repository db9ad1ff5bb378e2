"""The state machines as diagrams: Mermaid, SVG, SCXML and XState."""
