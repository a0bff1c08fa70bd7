import pytest

from saedb.ingest import hooks
from saedb.ingest.errors import InputError


def test_hooks_are_ordered_by_block_and_then_by_site() -> None:
    in_order = [
        "blocks.2.hook_resid_pre",
        "blocks.2.attn.hook_z",
        "blocks.2.hook_attn_out",
        "blocks.2.hook_resid_mid",
        "blocks.2.mlp.hook_post",
        "blocks.2.hook_mlp_out",
        "blocks.2.hook_resid_post",
        "blocks.10.hook_resid_pre",
    ]
    assert sorted(sorted(in_order), key=hooks.depth) == in_order


def test_the_block_of_a_hook_is_its_number() -> None:
    assert hooks.block("blocks.10.hook_mlp_out") == 10


def test_only_sites_inside_a_sublayer_are_not_residual() -> None:
    sites = ["hook_resid_pre", "attn.hook_z", "hook_attn_out", "mlp.hook_post", "hook_mlp_out"]
    assert [hooks.is_residual(f"blocks.0.{site}") for site in sites] == [True, False, True, False, True]


@pytest.mark.parametrize(
    "hook", ["", "hook_embed", "blocks.1.hook_pattern", "blocks.x.hook_resid_pre", "model.layers.3", "blocks.1."]
)
def test_an_unknown_hook_is_an_input_error(hook: str) -> None:
    with pytest.raises(InputError, match="unknown hook point"):
        hooks.depth(hook)
