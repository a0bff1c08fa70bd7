from pathlib import Path

import pytest
import tiny

from saedb.ingest import saes
from saedb.ingest.errors import InputError
from saedb.ingest.sources import Pair, SaeSet


def save(parent: Path, *names: str) -> list[str]:
    """Save SAEs called like ``res/5``, of which ``res`` and ``fine`` read the same of a block; return their folders."""
    sites = {"res": "hook_resid_pre", "fine": "hook_resid_pre", "mlp": "hook_mlp_out"}
    for name in names:
        set_name, block = name.split("/")
        tiny.save_sae(parent / name, f"blocks.{block}.{sites[set_name]}")
    return [str(parent / name) for name in names]


def written(pairs: tuple[Pair, ...]) -> str:
    return ",".join(f"{u.id}:{d.id}" for u, d in pairs)


def error(inputs: list[str], pairs: str, **options: str) -> str:
    with pytest.raises(InputError) as caught:
        saes.find(inputs, pairs=pairs, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_layers_and_ids_name_pairs_in_the_order_given(tmp_path: Path) -> None:
    inputs = save(tmp_path, *(f"res/{block}" for block in range(4, 8)), "mlp/5")
    assert written(saes.find(inputs, pairs="4:6, 5-res:5-mlp").pairs) == "4-res:6-res,5-res:5-mlp"
    assert written(saes.find(inputs, pairs="5-mlp:7,4:5-mlp").pairs) == "5-mlp:7-res,4-res:5-mlp"


def test_only_the_saes_of_the_named_pairs_are_taken(tmp_path: Path) -> None:
    inputs = save(tmp_path, *(f"res/{block}" for block in range(4, 8)), "mlp/5")
    found = saes.find(inputs, pairs="5-res:7")
    assert [(source.id, source.depth) for source in found.sources] == [("5-res", 0), ("7-res", 1)]
    assert found.missing == ()
    assert found.pairs == (found.sources,)


def test_a_pair_that_is_named_twice_is_taken_once(tmp_path: Path) -> None:
    assert written(saes.find(save(tmp_path, "res/4", "res/6"), pairs="4:6,4-res:6").pairs) == "4-res:6-res"


def test_two_sets_of_one_hook_point_are_a_pair_in_either_order(tmp_path: Path) -> None:
    inputs = save(tmp_path, "res/4", "fine/4")
    assert written(saes.find(inputs, pairs="4-res:4-fine").pairs) == "4-res:4-fine"
    assert written(saes.find(inputs, pairs="4-fine:4-res").pairs) == "4-fine:4-res"


def test_neighbours_are_paired_along_the_model_where_all_hook_points_differ(tmp_path: Path) -> None:
    found = saes.find(save(tmp_path, "res/5", "mlp/4", "res/4"))
    assert written(found.pairs) == "4-res:4-mlp,4-mlp:5-res"


def test_sets_that_share_hook_points_are_paired_each_along_the_model_and_with_each_other(tmp_path: Path) -> None:
    found = saes.find(save(tmp_path, "res/4", "res/5", "res/7", "fine/4", "fine/5"))
    assert [source.id for source in found.sources] == ["4-res", "4-fine", "5-res", "5-fine", "7-res"]
    assert written(found.pairs) == "4-res:4-fine,4-res:5-res,4-fine:5-fine,5-res:5-fine,5-res:7-res"
    assert found.missing == (6,)
    assert found.hooks == tuple(f"blocks.{block}.hook_resid_pre" for block in (4, 5, 7))


def test_pairs_are_ordered_by_the_upstream_sae_first(tmp_path: Path) -> None:
    found = saes.find(save(tmp_path, "res/4", "res/7", "fine/4", "fine/5"))
    assert written(found.pairs) == "4-res:4-fine,4-res:7-res,4-fine:5-fine"


def test_saes_of_one_hook_point_are_paired_in_the_order_given(tmp_path: Path) -> None:
    save(tmp_path, "res/4", "fine/4")
    assert written(saes.find([str(tmp_path / "fine/4"), str(tmp_path / "res/4")]).pairs) == "4-fine:4-res"


@pytest.mark.parametrize("text", ["", "4", "4:", "4:5:6", "4-6", "4:5,", "a:b", "4 5:6"])
def test_pairs_that_cannot_be_read_are_an_input_error(tmp_path: Path, text: str) -> None:
    message = error(save(tmp_path, "res/4", "res/5"), text)
    assert message == f"cannot read pairs {text!r}; write upstream:downstream, like 4:6,5-res:5-mlp"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4:9", "no SAE of layers 9; there are layers 4, 5"),
        ("4:5-attn", "pairs '4:5-attn': no SAE 5-attn; there are 4-res, 5-res, 5-mlp"),
        ("4:5", "pairs '4:5': layer 5 has several SAEs; write which, of 5-res, 5-mlp"),
        ("5-res:4", "pair 5-res:4-res: blocks.5.hook_resid_pre is deeper in the model than blocks.4.hook_resid_pre; "
        "write 4-res:5-res"),
        ("5-mlp:5-res", "pair 5-mlp:5-res: blocks.5.hook_mlp_out is deeper in the model than blocks.5.hook_resid_pre; "
        "write 5-res:5-mlp"),
        ("4:4-res", "pair 4-res:4-res is an SAE with itself; give two"),
    ],
)  # fmt: skip
def test_pairs_that_are_not_there_or_face_the_wrong_way_are_an_input_error(
    tmp_path: Path, text: str, message: str
) -> None:
    assert error(save(tmp_path, "res/4", "res/5", "mlp/5"), text) == message


def test_layers_and_pairs_hold_together(tmp_path: Path) -> None:
    inputs = save(tmp_path, "res/4", "res/5", "res/6")
    assert written(saes.find(inputs, layers="4-5", pairs="4:5").pairs) == "4-res:5-res"
    assert error(inputs, "4:6", layers="4-5") == "no SAE of layers 6; there are layers 4, 5, 6"


def test_of_a_release_only_the_metadata_of_the_named_layers_is_read(cached_release: Path) -> None:
    (cached_release / "blocks.5.hook_resid_pre/cfg.json").unlink()
    assert written(saes.find(["gpt2-small-res-jb"], pairs="4:6").pairs) == "4-res-jb:6-res-jb"


def test_a_layer_that_a_release_lacks_is_answered_with_those_that_it_has(cached_release: Path) -> None:
    there = ", ".join(map(str, range(13)))
    assert error(["gpt2-small-res-jb"], "4:40") == f"no SAE of layers 40; there are layers {there}"


def neighbours_of(found: SaeSet, sae: str) -> tuple[str | None, str | None]:
    source = next(source for source in found.sources if source.id == sae)
    before, after = found.before(source), found.after(source)
    return before and before.id, after and after.id


def test_what_becomes_of_features_is_told_by_the_next_sae_of_their_own_set(tmp_path: Path) -> None:
    inputs = save(tmp_path, *(f"res/{block}" for block in range(4, 8)), "mlp/5", "fine/5")
    found = saes.find(inputs, pairs="4:7,4:5-mlp,4:6,6:7,5-res:5-fine,5-mlp:6")
    assert neighbours_of(found, "4-res") == (None, "6-res")
    assert neighbours_of(found, "7-res") == ("6-res", None)
    assert neighbours_of(found, "6-res") == ("4-res", "7-res")
    assert neighbours_of(found, "5-mlp") == ("4-res", "6-res")
    assert neighbours_of(found, "5-res") == neighbours_of(found, "5-fine") == (None, None)
