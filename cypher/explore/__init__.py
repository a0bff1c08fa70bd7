"""What people explore a run by: features listed and filtered, the graph around one, and how a run flows."""
