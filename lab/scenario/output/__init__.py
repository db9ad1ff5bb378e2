"""Results of scenarios as text, JUnit XML and an HTML report."""
