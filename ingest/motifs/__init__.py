"""Motifs that edges alone cannot show, counted on the tokens: gates and splits."""
