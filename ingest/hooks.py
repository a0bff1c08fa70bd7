"""Hook points of a model, by TransformerLens' names, and their order along the residual stream."""

import re
from typing import Final

from saedb.ingest.errors import InputError

_SITES: Final = (
    "hook_resid_pre",
    "attn.hook_z",
    "hook_attn_out",
    "hook_resid_mid",
    "mlp.hook_post",
    "hook_mlp_out",
    "hook_resid_post",
)
"""The sites of a block in the order in which the model computes them."""

_INSIDE: Final = ("attn.hook_z", "mlp.hook_post")
"""Sites inside a sublayer, whose vectors are not of the residual stream."""

_NAME: Final = re.compile(r"blocks\.(?P<block>\d+)\.(?P<site>[\w.]+)")


def depth(hook: str) -> tuple[int, int]:
    """Return the block of a hook point and the rank of its site in the block: sorts hooks by depth in the model.

    Raises:
        InputError: the hook is not one of the known sites of a block.
    """
    match = _NAME.fullmatch(hook)
    if match is None or match["site"] not in _SITES:
        known = ", ".join(_SITES)
        raise InputError(f"unknown hook point {hook!r}; saedb knows blocks.N.SITE with SITE one of {known}")
    return int(match["block"]), _SITES.index(match["site"])


def block(hook: str) -> int:
    """Return the number of the block that a hook point is in.

    Raises:
        InputError: the hook is not one of the known sites of a block.
    """
    return depth(hook)[0]


def is_residual(hook: str) -> bool:
    """Return whether a hook point has vectors of the residual stream, or ones that are added to it: of size d_model.

    Raises:
        InputError: the hook is not one of the known sites of a block.
    """
    return _SITES[depth(hook)[1]] not in _INSIDE
