import pytest

from saedb.ingest import hooks
from saedb.ingest.errors import InputError


def test_hooks_are_ordered_by_block_and_then_by_site() -> None:
    in_order = [
        "hook_embed",
        "blocks.2.hook_resid_pre",
        "blocks.2.ln1.hook_normalized",
        "blocks.2.attn.hook_q",
        "blocks.2.attn.hook_z",
        "blocks.2.hook_attn_out",
        "blocks.2.hook_mlp_in",
        "blocks.2.hook_resid_mid",
        "blocks.2.ln2.hook_normalized",
        "blocks.2.mlp.hook_pre",
        "blocks.2.mlp.hook_post",
        "blocks.2.hook_mlp_out",
        "blocks.2.hook_resid_post",
        "blocks.10.hook_resid_pre",
    ]
    assert sorted(sorted(in_order), key=hooks.depth) == in_order


def test_the_block_of_a_hook_is_its_number() -> None:
    assert hooks.block("blocks.10.hook_mlp_out") == 10
    assert hooks.block("hook_embed") == -1


def test_only_what_enters_a_block_is_known_before_it() -> None:
    sites = ["hook_resid_pre", "hook_in", "ln1.hook_normalized", "hook_resid_post"]
    assert [hooks.starts_block(f"blocks.0.{site}") for site in sites] == [True, True, False, False]
    assert not hooks.starts_block("hook_embed")


def test_normalised_copies_and_sites_inside_a_sublayer_are_not_residual() -> None:
    residual = ["hook_resid_pre", "hook_attn_out", "hook_mlp_in", "hook_mlp_out", "hook_resid_post"]
    others = ["ln1.hook_normalized", "attn.hook_z", "attn.hook_q", "mlp.hook_in", "mlp.hook_post"]
    assert all(hooks.is_residual(f"blocks.0.{site}") for site in residual)
    assert not any(hooks.is_residual(f"blocks.0.{site}") for site in others)
    assert hooks.is_residual("hook_embed")


@pytest.mark.parametrize(
    "hook", ["", "hook_unembed", "blocks.1.attn.hook_pattern", "blocks.x.hook_resid_pre", "model.layers.3", "blocks.1."]
)
def test_an_unknown_hook_is_an_input_error(hook: str) -> None:
    with pytest.raises(InputError, match="unknown hook point"):
        hooks.depth(hook)


def test_an_unknown_hook_is_answered_with_near_ones() -> None:
    with pytest.raises(InputError, match=r"with SITE like mlp.hook_post, .*") as caught:
        hooks.depth("blocks.1.mlp.hook_pots")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("hook", "other", "shared"),
    [
        ("blocks.0.hook_resid_pre", "blocks.2.hook_resid_post", True),
        ("hook_embed", "blocks.3.hook_mlp_out", True),
        ("blocks.1.attn.hook_z", "blocks.1.attn.hook_z", True),
        ("blocks.1.attn.hook_z", "blocks.2.attn.hook_z", False),
        ("blocks.1.hook_resid_pre", "blocks.1.ln1.hook_normalized", False),
        ("blocks.1.ln1.hook_normalized", "blocks.2.ln1.hook_normalized", False),
    ],
)
def test_vectors_are_compared_within_the_residual_stream_or_at_one_hook_point(
    hook: str, other: str, shared: bool
) -> None:
    assert hooks.share_a_space(hook, other) == hooks.share_a_space(other, hook) == shared
