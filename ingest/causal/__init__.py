"""Causal checks of edges: what becomes of a downstream feature when an upstream one is taken out of the model.

1. `choosing` picks edges: a sample over the whole range of a measure.
2. `plan` lays out the work: for each upstream feature the contexts in which it is active, its targets, and features of
   equal density that it has no edge to, against which an effect is judged.
3. `intervention` takes the feature out of the residual stream and runs the model on to the downstream hook point.
4. `effects` adds up what changed, and gives each edge its effect with its error.
5. `stage` does so for a run, feature by feature, and goes on where it was stopped.

Source: arXiv 2410.08869, appendix on ablations, which replaces x by SAE(x without the feature) + error.
"""
