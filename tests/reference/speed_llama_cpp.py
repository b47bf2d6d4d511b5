"""llama.cpp as a peer for paired speed measurements: a GGUF file as it is, on the CPU, flash attention off.

`speed_peer.py` says what it is asked and what it answers. What keeps the comparison fair: flash attention is its default,
but slower for decoding here, so it is off; decoding is a bare loop over its C interface, without the Python classes
around it and without a sampler; only the last position's logits are asked for; the KV cache is f16, its default.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import llama_cpp
import numpy as np

import speed_peer

FLASH_ATTENTION_OFF = 0


@llama_cpp.llama_log_callback
def _silent(level: int, text: bytes, data: ctypes.c_void_p) -> None:
    """Takes what llama.cpp would print."""


class LlamaCpp:
    """A GGUF file behind the interface of a peer."""

    def __init__(self, path: Path, threads: int) -> None:
        """Loads the model."""
        llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self.threads = threads
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
        if not model:
            raise ValueError(f"{path}: llama.cpp cannot load it")
        self.model = model
        self.vocabulary = llama_cpp.llama_model_get_vocab(model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        self.context = None
        self.room = 0

    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""
        data = text.encode()
        tokens = (llama_cpp.llama_token * len(data))()
        count = llama_cpp.llama_tokenize(self.vocabulary, data, len(data), tokens, len(data), False, False)
        return list(tokens[:count])

    def read(self, ids: Sequence[int], room: int) -> None:
        """Reads into an empty context, a new one where the last has too little room."""
        if self.context is None or room > self.room:
            self._make_context(room)
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        self.step(ids)

    def step(self, ids: Sequence[int]) -> int:
        """Reads tokens, in pieces of the batch's size where there are many."""
        piece = llama_cpp.llama_n_batch(self.context)
        for start in range(0, len(ids), piece):
            part = ids[start : start + piece]
            tokens = (llama_cpp.llama_token * len(part))(*part)
            status = llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(tokens, len(part)))
            if status != 0:
                raise RuntimeError(f"llama_decode gave {status}")
        logits = llama_cpp.llama_get_logits_ith(self.context, -1)
        return int(np.ctypeslib.as_array(logits, shape=(self.size,)).argmax())

    def back_to(self, length: int) -> None:
        """Removes what stands behind."""
        memory = llama_cpp.llama_get_memory(self.context)
        if not llama_cpp.llama_memory_seq_rm(memory, 0, length, -1):
            raise RuntimeError(f"llama.cpp cannot go back to {length} tokens")

    def _make_context(self, room: int) -> None:
        if self.context is not None:
            llama_cpp.llama_free(self.context)
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = room
        parameters.n_threads = parameters.n_threads_batch = self.threads
        parameters.flash_attn_type = FLASH_ATTENTION_OFF
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        if not self.context:
            raise ValueError(f"llama.cpp makes no context of {room} tokens")
        self.room = room


def main() -> None:
    """The command line."""
    arguments = speed_peer.arguments(__doc__)
    speed_peer.serve(LlamaCpp(arguments.model, arguments.threads), ["llama-cpp-python"])


if __name__ == "__main__":
    main()
