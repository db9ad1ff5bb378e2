"""The verdict server: judges evidence and answers with signed verdicts."""
