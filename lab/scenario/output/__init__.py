"""The report of scenarios: one page that needs nothing from outside."""

from lab.scenario.output.page import Report, render

__all__ = ["Report", "render"]
