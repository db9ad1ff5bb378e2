"""The budgets, measured: `python -m benchmarks`. Each budget is a ratio of two things timed side by side."""
