"""Communities: features across layers that belong together, found on the edges of a run."""
