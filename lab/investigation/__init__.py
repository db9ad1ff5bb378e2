"""An investigation for people: tables for a terminal, and one page with charts."""

from lab.investigation.page import render
from lab.investigation.tables import tables

__all__ = ["render", "tables"]
