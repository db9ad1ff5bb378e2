"""The report of scenarios: one page that needs nothing from outside."""

from lab.scenario.report.page import render

__all__ = ["render"]
