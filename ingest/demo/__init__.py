"""The demo's language model, text and SAEs: everything that ``saedb demo`` analyses, without a model hub."""
