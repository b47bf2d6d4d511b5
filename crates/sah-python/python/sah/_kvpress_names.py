"""What kvpress calls what was done to the keys of a run."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from typing import Any

_SNAPKV = {"type": "snapkv", "window": 64, "kernel": 5, "pooling": "mean"}
_EXPECTED = {"type": "expected_attention", "sinks": 4, "future": 512, "covariance": True, "value_norm": True, "epsilon": 0}
_EXPECTED_BARE = {**_EXPECTED, "value_norm": False}
_ADAKV = {"type": "adakv", "alpha": 0.2, "safeguard": "floor"}
_CRITICALKV = {"type": "criticalkv", "first_stage": 0.5, "epsilon": 0.0001}
_KVZIP = {"type": "kvzip", "sinks": 4, "chunk": 2048, "prefix": "dropped"}
#: The rules of retentions that do what kvpress's evaluation does under these names.
_RETENTIONS: dict[str, list[dict[str, Any]]] = {
    "adakv_snapkv": [_SNAPKV, _ADAKV],
    "chunkkv": [_SNAPKV, {"type": "chunkkv", "length": 20}],
    "critical_adakv_expected_attention": [_EXPECTED_BARE, _ADAKV, _CRITICALKV],
    "critical_adakv_snapkv": [_SNAPKV, _ADAKV, _CRITICALKV],
    "critical_expected_attention": [_EXPECTED_BARE, _CRITICALKV],
    "critical_snapkv": [_SNAPKV, _CRITICALKV],
    # kvpress calls so what is adakv_expected_attention here.
    "expected_attention": [{**_EXPECTED, "epsilon": 0.01}, _ADAKV],
    "keydiff": [{"type": "keydiff"}],
    "knorm": [{"type": "knorm"}],
    "kvzip": [_KVZIP, {"type": "shared_budget", "over": "model"}],
    "lagkv": [{"type": "lagkv", "sinks": 4, "lag": 128, "cross_scoring": False}],
    "observed_attention": [{"type": "observed_attention", "average": True, "recent": 0}],
    "pyramidkv": [_SNAPKV, {"type": "pyramid", "beta": 20}],
    "random": [{"type": "random"}],
    "snapkv": [_SNAPKV],
    "streaming_llm": [{"type": "streaming_llm", "sinks": 4}],
    "tova": [{"type": "tova"}],
}
#: Classes of presses from the outside in, a text that their description must have, and kvpress's name for them.
_PRESSES = (
    ("AdaKVPress CompactorPress LeverageScorePress NonCausalAttnPress", "", "adakv_compactor"),
    ("AdaKVPress ExpectedAttentionPress", "epsilon=0.01", "expected_attention"),
    ("AdaKVPress KVzapPress", "model_type='mlp'", "kvzap_mlp_layer"),
    ("AdaKVPress SnapKVPress", "", "adakv_snapkv"),
    ("BlockPress KeyDiffPress", "", "block_keydiff"),
    ("ChunkKVPress SnapKVPress", "", "chunkkv"),
    ("CompactorPress LeverageScorePress NonCausalAttnPress", "", "compactor"),
    ("ComposedPress SnapKVPress ThinKPress", "", "snap_think"),
    ("CriticalAdaKVPress ExpectedAttentionPress", "use_vnorm=False", "critical_adakv_expected_attention"),
    ("CriticalAdaKVPress SnapKVPress", "", "critical_adakv_snapkv"),
    ("CURPress", "", "cur"),
    ("DuoAttentionPress", "on_the_fly_scoring=True", "duo_attention_on_the_fly"),
    ("DuoAttentionPress", "", "duo_attention"),
    ("EntropyGatedChunkKVPress SnapKVPress", "", "entropy_gated_chunkkv"),
    ("FastKVzipPress", "", "fastkvzip"),
    ("KeyDiffPress", "", "keydiff"),
    ("KnormPress", "", "knorm"),
    ("KVComposePress", "structured=True", "kvcompose"),
    ("KVComposePress", "structured=False", "kvcompose_unstructured"),
    ("KVgradPress", "", "kvgrad"),
    ("KVzapPress", "model_type='mlp'", "kvzap_mlp_head"),
    ("KVzipPress", "kvzip_plus_normalization=True", "kvzip_plus"),
    ("KVzipPress", "", "kvzip"),
    ("LagKVPress", "", "lagkv"),
    ("LUKVPress ExpectedAttentionPress", "epsilon=0.02", "lukv"),
    ("MergingPress ExpectedAttentionPress", "epsilon=0.01", "merging_expected_attention"),
    ("MergingPress KnormPress", "", "merging_knorm"),
    ("MergingPress KVzapPress", "model_type='mlp'", "merging_kvzap_mlp"),
    ("MergingPress SnapKVPress", "", "merging_snapkv"),
    ("ObservedAttentionPress", "", "observed_attention"),
    ("PyramidKVPress", "", "pyramidkv"),
    ("QFilterPress", "", "qfilter"),
    ("RandomPress", "", "random"),
    ("SnapKVPress", "", "snapkv"),
    ("StreamingLLMPress", "", "streaming_llm"),
    ("ThinKPress", "", "think"),
    ("TOVAPress", "", "tova"),
)
_NAMES_OF_KVPRESS = {"no_press", *_RETENTIONS, *(name for _, _, name in _PRESSES)}


@dataclasses.dataclass(frozen=True)
class Press:
    """What became of the keys, as kvpress says it."""

    name: str
    #: The ratios that config.yaml has.
    ratios: dict[str, float]
    #: The share of a context's keys that were dropped.
    dropped: float
    init_command: str
    notes: list[str]


def press_of(config: dict[str, Any], folder: pathlib.Path) -> Press:
    if (described := _described_press(config)) is not None:
        return _of_kvpress(config, described, folder)
    retention = config.get("retention")
    if retention is None:
        name = "no_press" if config["attention"] is None else _own_name(config["attention_name"])
        return Press(name, {"compression_ratio": 0.0}, 0.0, _command(config), [])
    ratio, notes = _ratio(retention.get("ratio"), folder)
    if _is_duo(retention):
        ratios, dropped = {"head_compression_ratio": ratio}, _measured(folder)
    else:
        ratios, dropped = {"compression_ratio": ratio}, ratio
    return Press(_retention_name(config, retention), ratios, dropped, _command(config), notes)


def _retention_name(config: dict[str, Any], retention: dict[str, Any]) -> str:
    if config["attention"] is not None:
        return _own_name(config["attention_name"])
    if "every" not in retention:
        if _is_duo(retention):
            return "duo_attention"
        for name, rules in _RETENTIONS.items():
            if retention["rules"] == rules:
                return name
    return _own_name(config["attention_name"].removeprefix("dense+"))


def _own_name(name: str) -> str:
    """The name of what kvpress has not."""
    return f"sah_{name}" if name in _NAMES_OF_KVPRESS else name


def _is_duo(retention: dict[str, Any]) -> bool:
    """Whether the ratio is a share of heads, as in kvpress's DuoAttentionPress."""
    return [rule["type"] for rule in retention["rules"]] == ["duo_attention"]


def _command(config: dict[str, Any]) -> str:
    """What was run, as JSON; kvpress says `None` where nothing was."""
    names = ("attention", "prefill", "question_attention", "evict", "retention", "retention_sees")
    if config["attention"] is None and config.get("retention") is None:
        return "None"
    return json.dumps({name: config[name] for name in names if name in config})


def _ratio(given: float | None, folder: pathlib.Path) -> tuple[float, list[str]]:
    """The share of keys that was to be dropped; the one that was, with a note, where that is not known beforehand."""
    if given is not None:
        return float(given), []
    return _measured(folder), ["compression_ratio is the mean share of the contexts' keys that were dropped: no ratio was set"]


def _measured(folder: pathlib.Path) -> float:
    kept = json.loads((folder / "detailed_results.json").read_text(encoding="utf-8"))["total"].get("kept")
    if kept is None:
        raise ValueError(f"{folder / 'detailed_results.json'} does not say how many keys were kept")
    return round(1.0 - float(kept), 4)


def _described_press(config: dict[str, Any]) -> str | None:
    """The press of kvpress that read the contexts, as it describes itself."""
    for warning in config.get("warnings", []):
        if found := re.match(r"keys of contexts are dropped by kvpress [^:]*: (.*)", warning["message"], re.DOTALL):
            return found[1]
    return None


def model_of(config: dict[str, Any]) -> str:
    """The name of the model, without that of a press."""
    name: str = config["model"]["name"]
    return name if _described_press(config) is None else _split_model(name)[0]


def _split_model(name: str) -> tuple[str, str, float | None]:
    """Model, class of the press and its ratio of a name such as `smollm2+SnapKVPress(0.5)`."""
    model, _, press = name.rpartition("+")
    kind, _, ratio = press.partition("(")
    return model, kind, float(ratio.rstrip(")")) if ratio else None


def _of_kvpress(config: dict[str, Any], described: str, folder: pathlib.Path) -> Press:
    _, kind, given = _split_model(config["model"]["name"])
    ratio, notes = _ratio(given, folder)
    name, command = _press_name(kind, described), described
    if config["attention"] is not None:
        name = f"{config['attention_name']}+{name}"
        command = json.dumps({"attention": config["attention"], "press": described})
    ratios = {"compression_ratio": ratio}
    if (heads := re.search(r"\bhead_compression_ratio=([\d.]+)", described)) is not None:
        ratios, notes = {"head_compression_ratio": float(heads[1])}, []
    if (channels := re.search(r"\bkey_channel_compression_ratio=([\d.]+)", described)) is not None:
        ratios["key_channel_compression_ratio"] = float(channels[1])
    return Press(name, ratios, ratio, command, notes)


def _press_name(kind: str, described: str) -> str:
    """kvpress's name for a press, or its class and those in it in small letters."""
    classes = re.findall(r"(\w+Press)\(", described) or [kind]
    for known, text, name in _PRESSES:
        if known.split() == classes and text in described:
            return name
    return _own_name("_".join(map(_snake_case, classes)))


def _snake_case(kind: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind.removesuffix("Press")).lower()
