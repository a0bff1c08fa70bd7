"""Ids as short as people write them."""


def short_id(feature: str) -> str:
    """Return the id of a feature without its model, as the command line takes it."""
    return "/".join(feature.rsplit("/", 2)[-2:])
