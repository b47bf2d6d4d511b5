"""Small SentencePiece models, as a GGUF file has them, and their tokens as transformers' converters give them.

The models are trained by the `sentencepiece` package. A text's tokens are those of the fast tokenizer that transformers
makes of the model (for Llama and for Gemma); where SentencePiece itself is meant to agree, it must.
"""

import io
import tempfile
from pathlib import Path

import sentencepiece
from transformers import GemmaTokenizer, LlamaTokenizer
from transformers.convert_slow_tokenizer import convert_slow_tokenizer

import bpe

KINDS = ["spm", "gemma"]

TRAINING = {
    "spm": dict(unk_id=0, bos_id=1, eos_id=2, pad_id=-1, add_dummy_prefix=True),
    "gemma": dict(
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", bos_piece="<bos>", eos_piece="<eos>",
        add_dummy_prefix=False, split_digits=True, allow_whitespace_only_pieces=True,
        user_defined_symbols=["\n", "\n\n", "\t", "▁▁", "▁▁▁▁", "<start_of_turn>", "<end_of_turn>"],
    ),
}
SPECIAL = {
    "spm": "<s>user: Hi</s> there<s> again",
    "gemma": "<bos><start_of_turn>user\nHi  <end_of_turn>\n\n<start_of_turn>model\n",
}
TEXTS = bpe.TEXTS + ["aaaa aaaaaaa", "▁ written out ▁▁ twice", "         nine spaces", "ab\u2581cd"]


class Model:
    def __init__(self, kind, bytes_):
        self.kind = kind
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=bytes_)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tokenizer.model"
            path.write_bytes(bytes_)
            slow = LlamaTokenizer(str(path), legacy=True) if kind == "spm" else GemmaTokenizer(str(path))
            self.fast = convert_slow_tokenizer(slow)

    def add_to(self, writer):
        """The metadata that llama.cpp's converter writes."""
        size, processor = self.processor.get_piece_size(), self.processor
        kinds = [
            (processor.is_unknown, 2), (processor.is_control, 3), (processor.is_unused, 5), (processor.is_byte, 6),
        ]
        user = set(TRAINING[self.kind].get("user_defined_symbols", []))
        tokens, types = [], []
        for piece in map(processor.id_to_piece, range(size)):
            number = processor.piece_to_id(piece)
            token_type = next((value for test, value in kinds if test(number)), 1)
            if piece in user:
                # Markers of turns are control tokens; spaces are written as such.
                token_type = 3 if piece.startswith("<") else 4
                piece = piece.replace("▁", " ")
            tokens.append(piece)
            types.append(token_type)
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(tokens)
        writer.add_token_scores([processor.get_score(number) for number in range(size)])
        writer.add_token_types(types)
        writer.add_bos_token_id(processor.bos_id())
        writer.add_eos_token_id(processor.eos_id())
        writer.add_unk_token_id(processor.unk_id())
        if self.kind == "gemma":
            writer.add_add_space_prefix(False)

    def goldens(self):
        goldens = []
        for text in TEXTS + [SPECIAL[self.kind]]:
            encoding = self.fast.encode(text, add_special_tokens=False)
            decoded = self.fast.decode(encoding.ids, skip_special_tokens=True)
            if self.kind == "spm" and text and text != SPECIAL["spm"] and "\0" not in text:
                assert self.processor.encode(text) == encoding.ids, text
            goldens.append({"text": text, "ids": encoding.ids, "decoded": decoded})
        return goldens


def train(kind):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(bpe.TRAINING_TEXT.splitlines()),
        model_writer=model,
        model_type="bpe",
        vocab_size=500,
        byte_fallback=True,
        character_coverage=0.98,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
        **TRAINING[kind],
    )
    return Model(kind, model.getvalue())
