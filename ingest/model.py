"""The language model whose activations the SAEs read, through TransformerLens.

SAELens trains on a HookedTransformer, which TransformerLens 3 deprecates and which takes no local folders. Its
successor, the TransformerBridge, wraps whatever transformers loads; with the same processing of weights it gives the
same activations at the same hook points.
"""

import contextlib
import io
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional
from transformer_lens.loading_from_pretrained import get_official_model_name
from transformer_lens.model_bridge import TransformerBridge
from transformers import PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from saedb.ingest import hooks, hub
from saedb.ingest.errors import InputError
from saedb.ingest.sources import SaeSet

_log = logging.getLogger(__name__)

_CENTRING: Final = "center_writing_weights"

_PROCESSING: Final = ("fold_ln", _CENTRING, "center_unembed", "fold_value_biases")
"""What may be done to the weights; all off, as SAELens has it, unless the SAEs' metadata switches it on."""


class LanguageModel:
    """A model, run only as far as the hook points that are asked for."""

    def __init__(self, model: TransformerBridge, hook_names: Sequence[str]) -> None:
        """Wrap a bridge, to be asked for the activations at `hook_names`, which differ."""
        self._model = model.eval()
        self._hooks = tuple(sorted(hook_names, key=hooks.depth))
        self._model.set_use_hook_mlp_in(any(hook.endswith(".hook_mlp_in") for hook in self._hooks))
        self.tokenizer: PreTrainedTokenizerBase = model.tokenizer
        self.d_model: int = model.cfg.d_model
        self.device = model.W_E.device

    @torch.no_grad()
    def residuals(self, tokens: Tensor) -> dict[str, Tensor]:
        """Return the activations at each hook point by depth, float32 [batch, context, d_in], without gradients.

        Heads, as of ``hook_z``, are laid side by side, as SAELens does. No block is run that no hook point needs. A
        hook point that the model lacks is left out; a model of `load_model` has all.

        Args:
            tokens: ids as packed, integers [batch, context].
        """
        return self._run(tokens, self._hooks, self._hooks[-1])

    @torch.no_grad()
    def read(self, tokens: Tensor, hook_names: Sequence[str]) -> dict[str, Tensor]:
        """Return the activations at other hook points than the model's own; otherwise as `residuals`."""
        last = max(hook_names, key=hooks.depth)
        return self._run(tokens, hook_names, last)

    @torch.no_grad()
    def continued(self, tokens: Tensor, given: Mapping[str, Tensor], last: str) -> Tensor:
        """Return the activations at a hook point that follow from given ones: float32 [batch, context, d_in].

        Blocks before the given ones are not computed, where what enters a block is among them.

        Args:
            tokens: ids as packed, integers [batch, context].
            given: activations that take the place of the model's own, by hook point, [batch, context, d_in].
            last: a hook point after them.
        """
        known = [hooks.block(hook) for hook in given if hooks.starts_block(hook)]
        replacing = [(hook, _replacing(values)) for hook, values in given.items()]
        before = self._model.blocks[: min(known, default=0)]
        with _skipped(before, as_tuple=self._gives_tuples), self._model.hooks(fwd_hooks=replacing):
            return self._run(tokens, [last], last)[last]

    @cached_property
    def _gives_tuples(self) -> bool:
        """Whether a block returns its residuals as the first of a tuple, as older code of transformers does."""
        seen: list[bool] = []
        block = self._model.blocks[0].original_component
        watching = block.register_forward_hook(lambda _, __, out: seen.append(isinstance(out, tuple)))
        try:
            self._run(torch.zeros(1, 2, dtype=torch.int64), ["blocks.0.hook_out"], "blocks.0.hook_out")
        finally:
            watching.remove()
        return seen[0]

    def _run(self, tokens: Tensor, hook_names: Sequence[str], last: str) -> dict[str, Tensor]:
        """Return the activations at hook points, of which `last` is the deepest."""
        stop = hooks.block(last) if hooks.starts_block(last) else hooks.block(last) + 1
        residual, cache = self._model.run_with_cache(
            tokens.to(self.device, torch.int64), names_filter=list(hook_names), stop_at_layer=stop, prepend_bos=False
        )
        # a model that is stopped before a block returns what the block would be given
        found = {hook: residual if hooks.block(hook) == stop else cache.cache_dict.get(hook) for hook in hook_names}
        return {hook: values.flatten(start_dim=2).float() for hook, values in found.items() if values is not None}

    @torch.no_grad()
    def promoted(self, directions: Tensor) -> Tensor:
        """Return how much each direction, alone in the final residual stream, raises each logit: float32 [n, vocab].

        Directions go through the final norm, as of root mean square 1, and the unembedding, without their biases.

        Args:
            directions: directions of the residual stream, [n, d_model].
        """
        weights = self._model.unembed.W_U
        alone = self.d_model**0.5 * functional.normalize(directions.to(weights.device, weights.dtype), dim=-1)
        nothing = torch.zeros_like(alone[:1])
        logits = self._model.unembed(self._model.ln_final(torch.cat([alone, nothing]).unsqueeze(0))).squeeze(0)
        return (logits[:-1] - logits[-1:]).float()


def load_model(saes: SaeSet, name: str | None = None, *, device: str | torch.device = "cpu") -> LanguageModel:
    """Return the model that the SAEs were trained on, set up as their metadata says.

    Args:
        saes: the SAEs; their hook points are what `LanguageModel.residuals` returns.
        name: a model's name, a local folder as transformers saves it, or ``demo``, instead of the SAEs' own.
        device: where it runs.

    Raises:
        InputError: the model is unknown, its folder is damaged, or it does not fit the SAEs.
        DownloadError: the model had to be fetched and could not be.
    """
    name = name or saes.model_to_load
    with _quiet():
        model = _load(name, str(device))
        _process(model, saes.sources[0].model_kwargs, name)
    if model.tokenizer is None:
        raise InputError(f"the model {name} has no tokenizer; put its files into the model's folder")
    language_model = LanguageModel(model, saes.hooks)
    _fits(language_model, saes, name, blocks=model.cfg.n_layers)
    return language_model


def _load(name: str, device: str) -> TransformerBridge:
    path = Path(name).expanduser()
    if name == "demo":
        from saedb.ingest.demo.model import load_model as load_demo

        return load_demo(device)
    if path.is_dir():
        try:
            return _boot(str(path), device)
        except OSError as error:
            raise _does_not_load(name, error) from error
    if path.is_absolute() or name.startswith(("./", "../", "~")):
        raise InputError(f"no folder {name}; give the model's name or its folder with --model")
    with hub.fetching(f"the model {name}", "or give its folder, as transformers saves it, with --model"):
        return _boot(_official(name), device)


def _boot(name: str, device: str) -> TransformerBridge:
    try:
        return TransformerBridge.boot_transformers(name, device=device)
    except (ValueError, KeyError, SafetensorError) as error:
        raise _does_not_load(name, error) from error


def _does_not_load(name: str, error: Exception) -> InputError:
    return InputError(f"the model {name} does not load ({' '.join(str(error).split())}); give another with --model")


def _official(name: str) -> str:
    """Return the hub's name of a model for one of TransformerLens', like ``gpt2`` for ``gpt2-small``."""
    try:
        return get_official_model_name(name)
    except ValueError:
        return name


def _process(model: TransformerBridge, kwargs: Mapping[str, Any], name: str) -> None:
    """Rewrite the weights as a HookedTransformer that is loaded with these arguments does."""
    processing = {step: bool(kwargs.get(step, False)) for step in _PROCESSING}
    if processing[_CENTRING] and not _can_be_centred(model):
        raise InputError(
            f"the SAEs' metadata asks for {_CENTRING}, which changes what {name} computes (its normalisation is "
            f"{model.cfg.normalization_type}); give their model with --model, or take it out of their cfg.json"
        )
    if any(processing.values()):
        model.enable_compatibility_mode(disable_warnings=True, **processing)
    ignored = sorted(set(kwargs) - set(_PROCESSING))
    if ignored:
        _log.warning("the model is loaded without %s, which the SAEs' metadata sets", ", ".join(ignored))


def _can_be_centred(model: TransformerBridge) -> bool:
    """Return whether the model takes the mean out of all that it reads; else TransformerLens skips the centring."""
    supported = getattr(model.adapter, f"supports_{_CENTRING}", True)
    return supported and model.cfg.normalization_type in ("LN", "LNPre") and not getattr(model.cfg, "final_rms", False)


def _fits(model: LanguageModel, saes: SaeSet, name: str, *, blocks: int) -> None:
    """Check that the model has every hook point, in the size that the SAEs read, by running it on two tokens."""
    for source in saes.sources:
        if hooks.block(source.hook) >= blocks:
            raise InputError(f"{source.location} reads {source.hook}, and {name} has {blocks} blocks; see --model")
    tokens = torch.zeros(1, 2, dtype=torch.int64)
    sizes = {hook: values.shape[-1] for hook, values in model.residuals(tokens).items()}
    for source in saes.sources:
        if source.hook not in sizes:
            raise InputError(f"{source.location} reads {source.hook}, which {name} does not have; see --model")
        if source.d_in != sizes[source.hook]:
            read = f"{source.d_in} values at {source.hook}, and {name} has {sizes[source.hook]}"
            raise InputError(f"{source.location} reads {read}; see --model")


def _replacing(values: Tensor) -> Callable[..., Tensor]:
    """Return a hook that gives `values` in the shape and type of what it is given."""

    def replaced(original: Tensor, hook: Any) -> Tensor:
        del hook
        return values.to(original.device, original.dtype).reshape(original.shape)

    return replaced


@contextlib.contextmanager
def _skipped(blocks: Sequence[Any], *, as_tuple: bool) -> Generator[None]:
    """Let blocks return what they are given."""

    def passed(hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor | tuple[Tensor]:
        del args, kwargs
        return (hidden_states,) if as_tuple else hidden_states

    # of the objects that transformers made: a bridge hands what it is given on to them, and does not take it back
    wrapped = [block.original_component for block in blocks]
    before = [block.__dict__.get("forward") for block in wrapped]
    try:
        for block in wrapped:
            block.forward = passed
        yield
    finally:
        for block, own in zip(wrapped, before, strict=True):
            block.__dict__.pop("forward", None)
            if own is not None:
                block.forward = own


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Hide transformers' progress bars, and what TransformerLens writes to standard output, which is for results."""
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if bars:
            transformers_logging.enable_progress_bar()
