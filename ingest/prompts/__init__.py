"""Prompts: the features of a run that are active on the tokens of a text which is not the run's."""
