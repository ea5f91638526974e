"""A real transformer small enough to make in a test: two BERT layers over a vocabulary of some dozen words."""

from __future__ import annotations

import json
from pathlib import Path

WORDS = ["the", "a", "star", "wars", "empire", "strikes", "back", "toy", "story", "query", "film", "of"]
WORDS += ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def write_model(
    folder: Path, *, seed: int = 0, pooling: str | None = "mean", max_length: int | None = 16, hidden: int = 32
) -> Path:
    """Write a BERT of `hidden` dimensions as `transformers` and sentence-transformers would, and return its folder."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder.mkdir(parents=True)
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    letters = [*"abcdefghijklmnopqrstuvwxyz:"]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join([*names.values(), *WORDS, *letters, *(f"##{letter}" for letter in letters)]) + "\n")
    words = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    words.save(str(folder / "tokenizer.json"))
    named = {f"{name}_token": token for name, token in names.items()}
    PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **named).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary.read_text().split()),
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    if pooling is not None:
        (folder / "1_Pooling").mkdir()
        modes = {
            f"pooling_mode_{name}": name.startswith(pooling) for name in ("cls_token", "mean_tokens", "max_tokens")
        }
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": hidden, **modes}))
    if max_length is not None:
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": max_length}))
    return folder
