"""Speed, as ratios against the alternatives."""
