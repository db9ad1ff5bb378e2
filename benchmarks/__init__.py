"""The performance budgets: `python -m benchmarks`. Each budget is a ratio of two things timed in turns."""
