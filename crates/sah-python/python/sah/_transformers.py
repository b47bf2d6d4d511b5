"""Models of transformers: its layers, and attention, caches and decoding of this project."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import pathlib
import tempfile
from typing import Any

import torch

from sah import _sah
from sah._model import Model
from sah._network import Network
from sah._press import Press
from sah._words import PROGRAM


def transformers(model: Any, tokenizer: Any, *, press: Any = None, name: str | None = None) -> Model:
    """A causal language model of transformers, to be used as one of `sah.load`.

    transformers computes its layers, on the devices where they are; what queries read is ours: maskers, kernels, retentions, caches,
    decoding and sampling. Prompts are made from the files that `model` and `tokenizer` save. Layers without attention stay as they
    are. `name` is what results call it.

    With `press`, a press of kvpress, contexts are read as kvpress's pipeline reads them, and what the press leaves of their keys is what
    questions and answers read.

    Before it is given back, a short text is read by the model's own attention and by ours: an architecture whose attention does
    something that transformers does not tell its attention functions is a ValueError.
    """
    model.eval()
    origin = getattr(model.config, "_name_or_path", "") or model.config.get_text_config().model_type
    name = name or pathlib.PurePath(origin).name
    source = f"transformers {importlib.metadata.version('transformers')}: {origin}"
    network = Network(model, name, None if press is None else Press(press, model))
    if network.press is not None:
        name = f"{name}+{network.press.name}"
    devices = list(dict.fromkeys(layer.device for layer in network.facts.layers))
    line = [f"--model={name}", f"--dtype={network.facts.dtype}", f"--device={','.join(devices)}"]
    models = _sah.Models()
    folder = tempfile.TemporaryDirectory(prefix="sah-")
    _save(model, tokenizer, folder.name)
    network.check(tokenizer)
    _sah.add_external(models, name, source, folder.name, _sha256(model), network)
    identity = json.loads(_sah.load(PROGRAM, line, models))
    return Model(line, models, identity, folder)


def _save(model: Any, tokenizer: Any, folder: str) -> None:
    """The files that say how text is written and what ends an answer."""
    model.config.save_pretrained(folder)
    if getattr(model, "generation_config", None) is not None:
        path = pathlib.Path(folder, "generation_config.json")
        path.write_text(json.dumps(model.generation_config.to_diff_dict(), default=str))
    tokenizer.save_pretrained(folder)


def _sha256(model: Any) -> str:
    """Hash of all weights and their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if tensor.device.type == "meta":
            raise ValueError(f"{name} is offloaded; load the model whole")
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(memoryview(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()
