"""Speed, memory and accuracy of the edge engine beside its alternatives."""
