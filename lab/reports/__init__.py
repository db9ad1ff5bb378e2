"""Tables for a terminal, self-contained HTML pages, and QR codes."""
