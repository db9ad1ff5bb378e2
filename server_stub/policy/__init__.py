"""Policies: documents, rules, decisions, comparison and explanation."""
