"""Attribution graphs made by hand, in the forms that circuit-tracer and Neuronpedia have written."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saedb.cypher.overlay.attribution import paired

METADATA = {"slug": "a-prompt", "scan": "tiny", "prompt": "the court of", "prompt_tokens": ["the", " court", " of"]}


def feature(layer: int, index: int, position: int = 1) -> dict[str, Any]:
    return {
        "node_id": f"{layer}_{index}_{position}", "feature": paired(layer, index), "layer": str(layer),
        "ctx_idx": position, "feature_type": "cross layer transcoder", "jsNodeId": f"{layer}_{index}-0", "clerp": "",
        "influence": 0.5, "activation": 2.0,
    }  # fmt: skip


def error(layer: int, position: int = 1, *, is_old: bool = False) -> dict[str, Any]:
    return {
        "node_id": f"0_{layer}_{position}" if is_old else f"{layer}_-1_{position}", "feature": -1, "layer": str(layer),
        "ctx_idx": position, "feature_type": "mlp reconstruction error", "jsNodeId": f"{layer}_{position}-0",
    }  # fmt: skip


def embedding(token: int, position: int = 1) -> dict[str, Any]:
    return {
        "node_id": f"E_{token}_{position}", "feature": position, "layer": "E", "ctx_idx": position,
        "feature_type": "embedding", "jsNodeId": f"E_{token}-{position}",
    }  # fmt: skip


def logit(token: int, layers: int, position: int = 2) -> dict[str, Any]:
    return {
        "node_id": f"{layers + 1}_{token}_{position}", "feature": token, "layer": str(layers + 1), "ctx_idx": position,
        "feature_type": "logit", "token_prob": 0.9, "is_target_logit": True, "jsNodeId": f"L_{token}-{position}",
    }  # fmt: skip


def link(source: dict[str, Any], target: dict[str, Any], weight: float = 1.0) -> dict[str, Any]:
    return {"source": source["node_id"], "target": target["node_id"], "weight": weight}


def save(file: Path, nodes: Sequence[Any], links: Sequence[Any] = (), **metadata: Any) -> Path:
    content = {
        "metadata": {**METADATA, **metadata},
        "qParams": {"pinnedIds": [], "supernodes": [], "linkType": "both", "clickedId": "", "sg_pos": ""},
        "nodes": list(nodes),
        "links": list(links),
    }
    file.write_text(json.dumps(content))
    return file
