"""The state machines as diagrams: Mermaid, SVG and SCXML."""
