"""`pytest scenarios/` runs the scenario files as tests."""

pytest_plugins = ["lab.scenario.pytest_plugin"]
