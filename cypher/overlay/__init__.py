"""An attribution graph of one prompt laid over a run: which of its edges exist globally, and with which measures."""
