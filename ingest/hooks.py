"""Hook points of a model, by TransformerLens' names, and their order along the residual stream."""

import difflib
import re
from typing import Final

from saedb.ingest.errors import InputError

EMBEDDING: Final = "hook_embed"
"""The hook point before all blocks."""

SITES: Final = (
    "hook_in",
    "hook_resid_pre",
    "ln1.hook_normalized",
    "ln1.hook_out",
    "attn.hook_in",
    "attn.hook_q",
    "attn.hook_k",
    "attn.hook_v",
    "attn.hook_rot_q",
    "attn.hook_rot_k",
    "attn.hook_z",
    "attn.hook_out",
    "ln1_post.hook_normalized",
    "ln1_post.hook_out",
    "hook_attn_out",
    "hook_mlp_in",
    "hook_resid_mid",
    "ln2.hook_normalized",
    "ln2.hook_out",
    "mlp.hook_in",
    "mlp.hook_pre",
    "mlp.hook_pre_linear",
    "mlp.hook_post",
    "mlp.hook_out",
    "ln2_post.hook_normalized",
    "ln2_post.hook_out",
    "hook_mlp_out",
    "hook_out",
    "hook_resid_post",
)
"""The sites of a block at which each token has a vector, in the order in which the model computes them.

Models differ in which they have. Some places have two names: ``hook_in`` is the TransformerBridge's own for
``hook_resid_pre``, ``hook_out`` for ``hook_resid_post``. Its names for what goes into and out of single projections
are left out: each is another name of a site here.
"""

_STARTS: Final = ("hook_resid_pre", "hook_in")
"""What enters a block: known before it is run."""

_RESIDUAL: Final = (
    *_STARTS,
    "hook_attn_out",
    "hook_resid_mid",
    "hook_mlp_in",
    "hook_mlp_out",
    "hook_out",
    "hook_resid_post",
)
"""The residual stream, and what is added to it; not its normalised copies, and not what a sublayer does inside."""

_STREAM: Final = (*_STARTS, "hook_resid_mid", "hook_mlp_in", "hook_out", "hook_resid_post")
"""The residual stream itself, which each block adds to."""

_READ_ONLY: Final = ("hook_resid_mid", "hook_mlp_in")
"""Copies of the residual stream, in TransformerLens' bridge: the sublayer behind one reads it, and nothing else."""

_NAME: Final = re.compile(r"blocks\.(?P<block>\d+)\.(?P<site>[\w.]+)")


def depth(hook: str) -> tuple[int, int]:
    """Return the block of a hook point and the rank of its site in the block: sorts hooks by depth in the model.

    Raises:
        InputError: the hook is neither the embedding nor one of the known sites of a block.
    """
    if hook == EMBEDDING:
        return -1, 0
    match = _NAME.fullmatch(hook)
    if match is None or match["site"] not in SITES:
        near = difflib.get_close_matches(match["site"] if match else hook, SITES, n=3, cutoff=0)
        raise InputError(
            f"unknown hook point {hook!r}; saedb reads {EMBEDDING} and blocks.N.SITE, with SITE like {', '.join(near)}"
        )
    return int(match["block"]), SITES.index(match["site"])


def block(hook: str) -> int:
    """Return the number of the block that a hook point is in; -1 for the embedding.

    Raises:
        InputError: the hook is unknown, as `depth` says.
    """
    return depth(hook)[0]


def starts_block(hook: str) -> bool:
    """Return whether a hook point is what its block is given, so that it is known before the block is run.

    Raises:
        InputError: the hook is unknown, as `depth` says.
    """
    number, site = depth(hook)
    return number >= 0 and SITES[site] in _STARTS


def entry(hook: str) -> str:
    """Return the hook point of what enters the block of another one: from there the model can go on.

    Raises:
        InputError: the hook is unknown, as `depth` says, or in no block.
    """
    if block(hook) < 0:
        raise InputError(f"{hook} is in no block")
    return hook if starts_block(hook) else f"blocks.{block(hook)}.{_STARTS[-1]}"


def is_residual(hook: str) -> bool:
    """Return whether a hook point has vectors of the residual stream, or ones that are added to it: of size d_model.

    Raises:
        InputError: the hook is unknown, as `depth` says.
    """
    number, site = depth(hook)
    return number < 0 or SITES[site] in _RESIDUAL


def share_a_space(hook: str, other: str) -> bool:
    """Return whether vectors at two hook points can be compared: both of the residual stream, or of one hook point.

    What a head, a neuron or a normalised copy has is in a space of its own in every block, whatever its size.

    Raises:
        InputError: a hook is unknown, as `depth` says.
    """
    return depth(hook) == depth(other) or (is_residual(hook) and is_residual(other))


def is_stream(hook: str) -> bool:
    """Return whether a hook point has the residual stream itself, not what is added to it or made of it.

    Raises:
        InputError: the hook is unknown, as `depth` says.
    """
    number, site = depth(hook)
    return number >= 0 and SITES[site] in _STREAM


def is_carried_on(hook: str) -> bool:
    """Return whether a change at a hook point of a block stays in the residual stream, for all that comes after it.

    Raises:
        InputError: the hook is unknown, as `depth` says.
    """
    number, site = depth(hook)
    return number >= 0 and is_residual(hook) and SITES[site] not in _READ_ONLY
