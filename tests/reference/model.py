"""The reference model: transformers' Llama in f32 on the dequantised weights of a GGUF file, and its tokenizer.

Both are built from the file itself. transformers can read GGUF too, but its tokenizer conversion gets this model wrong
(end of turn, BOS, digits), so the tokenizer is assembled here; `check.py` shows that the weights agree with its loader.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_MODEL = REPOSITORY / ".models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"

# GGUF's `tokenizer.ggml.token_type` of tokens that are matched whole before the text is split.
CONTROL, USER_DEFINED = 3, 4

# GGUF tensor name -> name in transformers, for the tensors of a block and those outside.
BLOCK_TENSORS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTER_TENSORS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


@dataclass(frozen=True)
class ReferenceModel:
    """A loaded model with everything that a request needs."""

    path: Path
    sha256: str
    model: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerFast

    @property
    def eos_token_id(self) -> int:
        """The token that ends an answer."""
        return self.tokenizer.eos_token_id


def load(path: Path = DEFAULT_MODEL) -> ReferenceModel:
    """Loads the GGUF file at `path` (architecture `llama`, pre-tokenizer `smollm`)."""
    reader = gguf.GGUFReader(path)
    metadata = {name: field.contents() for name, field in reader.fields.items()}
    config = _config(metadata, tied=all(tensor.name != "output.weight" for tensor in reader.tensors))
    model = LlamaForCausalLM(config).to(torch.float32).eval()
    missing, unexpected = model.load_state_dict(_weights(reader, config), strict=False)
    if set(missing) - set(model._tied_weights_keys if config.tie_word_embeddings else []) or unexpected:
        raise ValueError(f"{path}: tensors missing {missing}, unknown {unexpected}")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ReferenceModel(path, sha256, model, _tokenizer(metadata))


def _config(metadata: dict[str, Any], tied: bool) -> LlamaConfig:
    if metadata["general.architecture"] != "llama":
        raise ValueError(f"architecture {metadata['general.architecture']!r}, expected 'llama'")
    config = LlamaConfig(
        vocab_size=len(metadata["tokenizer.ggml.tokens"]),
        hidden_size=metadata["llama.embedding_length"],
        intermediate_size=metadata["llama.feed_forward_length"],
        num_hidden_layers=metadata["llama.block_count"],
        num_attention_heads=metadata["llama.attention.head_count"],
        num_key_value_heads=metadata["llama.attention.head_count_kv"],
        max_position_embeddings=metadata["llama.context_length"],
        rms_norm_eps=metadata["llama.attention.layer_norm_rms_epsilon"],
        rope_theta=metadata["llama.rope.freq_base"],
        tie_word_embeddings=tied,
    )
    config._attn_implementation = "sdpa"
    return config


def _weights(reader: gguf.GGUFReader, config: LlamaConfig) -> dict[str, torch.Tensor]:
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    weights = {}
    for tensor in reader.tensors:
        stem = tensor.name.removesuffix(".weight")
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if stem.startswith("blk."):
            _, layer, kind = stem.split(".")
            name = f"model.layers.{layer}.{BLOCK_TENSORS[kind]}.weight"
            if kind in heads:
                values = _undo_permutation(values, heads[kind])
        else:
            name = f"{OUTER_TENSORS[stem]}.weight"
        weights[name] = torch.from_numpy(np.ascontiguousarray(values))
    return weights


def _undo_permutation(weight: np.ndarray, heads: int) -> np.ndarray:
    """Puts the rows of a query or key projection back in transformers' order.

    GGUF interleaves the two halves of each head, so that rotary embedding turns neighbouring rows; transformers turns
    row i with row i + head_dim / 2.
    """
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def _tokenizer(metadata: dict[str, Any]) -> PreTrainedTokenizerFast:
    if (kind := metadata["tokenizer.ggml.pre"]) != "smollm":
        raise ValueError(f"pre-tokenizer {kind!r}, expected 'smollm'")
    if metadata["tokenizer.ggml.add_bos_token"]:
        raise ValueError("add_bos_token is true; this reference adds no BOS")
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    for token, kind in zip(tokens, metadata["tokenizer.ggml.token_type"], strict=True):
        if kind in (CONTROL, USER_DEFINED):
            added = AddedToken(token, special=kind == CONTROL, normalized=False)
            (tokenizer.add_special_tokens if kind == CONTROL else tokenizer.add_tokens)([added])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=tokens[metadata["tokenizer.ggml.bos_token_id"]],
        eos_token=tokens[metadata["tokenizer.ggml.eos_token_id"]],
        chat_template=metadata["tokenizer.chat_template"],
        clean_up_tokenization_spaces=False,
    )
