"""The report of scenarios: one page that needs nothing from outside."""

from lab.scenario.report.page import Report, render

__all__ = ["Report", "render"]
