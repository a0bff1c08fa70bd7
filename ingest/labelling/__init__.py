"""Labels of features and where each comes from: files of them, which one is preferred, and the table of a run."""
