"""The report: one page of figures and tables about a run."""
