"""The report of scenarios: one page that needs nothing from outside."""
