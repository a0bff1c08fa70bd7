"""What is left of features that a layer's SAE no longer has, and what of a layer's features it only copies.

1. `groups` tells the features that nothing in the next SAE needs from those that are passed through.
2. `measuring` reads contexts again. For each pair of SAEs it projects the downstream SAE's error on the decoder rows of
   the upstream features that are active, and encodes the upstream residual stream with the downstream SAE.
3. `sums` adds up what both give; `heatmaps` counts the projections by activation.
4. `stage` does so for a run, shard by shard, and goes on where it was stopped; `table` writes what came of it.

Source of the recovery: arXiv 2410.08869, section on the error term, and its Figure 4.
"""
