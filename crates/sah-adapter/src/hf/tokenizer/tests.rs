//! Tokenizers from folders, and what is wrong with them.

use std::path::Path;

use serde_json::{Value, json};

use super::testing::byte_vocabulary;
use super::*;
use crate::Error;

/// A tokenizer of single bytes `a`, `b`, with `<s>` (4) in front if `post_processor` is the usual template.
fn tokenizer_json(with_template: bool) -> Value {
    let added = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    };
    let template = json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}});
    json!({"version": "1.0",
        "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": null, "normalizer": null,
        "added_tokens": [added(4, "<s>"), added(5, "</s>")],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "post_processor": if with_template { template } else { Value::Null },
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": {"a": 0, "b": 1, "Ġ": 2, ".": 3}, "merges": []}})
}

fn write(folder: &Path, file: &str, json: &Value) {
    std::fs::write(folder.join(file), json.to_string()).unwrap();
}

fn open(folder: &Path) -> Result<(Tokenizer, SpecialTokens), Error> {
    Tokenizer::from_folder(folder, &TokenizerFiles::read(folder)?)
}

/// From `tokenizer.json` and the files of these names.
fn read(with_template: bool, files: &[(&str, Value)]) -> Result<(Tokenizer, SpecialTokens), Error> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), TOKENIZER, &tokenizer_json(with_template));
    for (file, json) in files {
        write(folder.path(), file, json);
    }
    open(folder.path())
}

fn build(with_template: bool, config: &Value) -> Result<Tokenizer, Error> {
    Ok(read(with_template, &[(TokenizerFiles::CONFIG, config.clone())])?.0)
}

#[test]
fn nothing_is_added_or_cut_and_written_special_tokens_are_recognised() {
    let tokenizer = build(true, &json!({})).unwrap();
    assert_eq!(tokenizer.encode("abab").unwrap(), [0, 1, 0, 1]);
    assert_eq!(tokenizer.encode("<s>a</s>").unwrap(), [4, 0, 5]);
    assert_eq!(tokenizer.decode(&[4, 0, 1, 5]).unwrap(), "ab");
}

#[test]
fn bos_is_what_the_post_processor_or_the_class_says() {
    let bos = |with_template: bool, config: Value| build(with_template, &config).unwrap().bos_to_prepend();
    assert_eq!(bos(true, json!({})), Some(4));
    assert_eq!(bos(false, json!({})), None);
    assert_eq!(bos(false, json!({"tokenizer_class": "LlamaTokenizerFast", "bos_token": "<s>"})), Some(4));
    // The class has a token for it.
    assert_eq!(bos(false, json!({"tokenizer_class": "LlamaTokenizerFast"})), Some(4));
    let llama = json!({"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "add_bos_token": false});
    assert_eq!(bos(true, llama), None);
    let neox =
        |add: Value| json!({"tokenizer_class": "GPTNeoXTokenizer", "bos_token": "<s>", "add_bos_token": add});
    assert_eq!(bos(true, neox(json!(false))), None);
    assert_eq!(bos(false, neox(json!(true))), Some(4));
    // Plain classes do as `tokenizer.json` says.
    let plain =
        json!({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "add_bos_token": true});
    assert_eq!(bos(false, plain), None);
}

#[test]
fn the_class_of_a_model_counts_where_its_tokens_are_in_the_vocabulary() {
    let bos = |model: &str| {
        let files = [("config.json", json!({"model_type": model}))];
        read(false, &files).unwrap().0.bos_to_prepend()
    };
    assert_eq!(bos("llama"), Some(4));
    assert_eq!(bos("gemma2"), None);
}

#[test]
fn tokens_that_only_the_files_beside_it_have_are_added_in_order() {
    let token = |content: &str| json!({"content": content, "special": true});
    let config = json!({
        "added_tokens_decoder": {"9": token("<nine>"), "7": token("<seven>")},
        "additional_special_tokens": ["<new>"], "pad_token": "<pad>",
        "extra_special_tokens": {"image_token": "<image>"}});
    let (tokenizer, special) = read(false, &[(TokenizerFiles::CONFIG, config)]).unwrap();
    let text = "<seven><nine><pad><new><image>";
    assert_eq!(tokenizer.encode(text).unwrap(), [6, 7, 8, 9, 10]);
    assert_eq!(special.by_name["image_token"], "<image>");
    assert_eq!(special.additional, ["<new>"]);
    let remarks: Vec<String> = tokenizer.remarks().iter().map(ToString::to_string).collect();
    assert!(remarks[0].contains("`<seven>` has the number 7, but is 6"), "{remarks:?}");
    assert!(remarks[1].contains("`<nine>` has the number 9, but is 7"), "{remarks:?}");
    assert_eq!(remarks.len(), 2);
}

#[test]
fn files_without_a_list_of_all_tokens_say_them_in_others() {
    let map = json!({"bos_token": {"content": "<m>", "rstrip": true}, "additional_special_tokens": ["<x>"]});
    let files = [
        (TokenizerFiles::CONFIG, json!({"bos_token": "<c>", "additional_special_tokens": ["<y>"]})),
        (TokenizerFiles::MAP, map.clone()),
        (TokenizerFiles::ADDED, json!({"word": 6})),
    ];
    let (tokenizer, special) = read(false, &files).unwrap();
    assert_eq!(special.bos.as_deref(), Some("<m>"));
    assert_eq!(special.additional, ["<y>", "<x>"]);
    assert_eq!(tokenizer.encode("aword<m> a<y><x>").unwrap(), [0, 6, 7, 0, 8, 9]);
    // With such a list they are not read.
    let files = [
        (TokenizerFiles::CONFIG, json!({"bos_token": "<s>", "added_tokens_decoder": {}})),
        (TokenizerFiles::MAP, map),
    ];
    let (_, special) = read(false, &files).unwrap();
    assert_eq!((special.bos.as_deref(), special.additional.len()), (Some("<s>"), 0));
}

#[test]
fn flags_of_a_token_are_those_of_the_files_beside_it() {
    let strip = json!({"content": "</s>", "lstrip": true, "rstrip": true, "special": true});
    let tokenizer = build(false, &json!({"added_tokens_decoder": {"5": strip}})).unwrap();
    assert_eq!(tokenizer.encode("a </s> b").unwrap(), [0, 5, 1]);
    let plain = json!({"content": "</s>", "special": true, "normalized": false});
    let tokenizer = build(false, &json!({"added_tokens_decoder": {"5": plain}})).unwrap();
    assert_eq!(tokenizer.encode("a </s> b").unwrap(), [0, 2, 5, 2, 1]);
}

#[test]
fn a_text_may_begin_as_if_after_a_space() {
    let ids = |config: Value| build(false, &config).unwrap().encode("a").unwrap();
    assert_eq!(ids(json!({"add_prefix_space": true})), [2, 0]);
    assert_eq!(ids(json!({"add_prefix_space": false})), [0]);
    let folder = tempfile::tempdir().unwrap();
    let mut json = tokenizer_json(false);
    json["pre_tokenizer"]["add_prefix_space"] = json!(true);
    write(folder.path(), TOKENIZER, &json);
    let ids = |config: Value| {
        write(folder.path(), TokenizerFiles::CONFIG, &config);
        open(folder.path()).unwrap().0.encode("a").unwrap()
    };
    // As in transformers, nothing said is false, and null leaves it as it is.
    assert_eq!(ids(json!({})), [0]);
    assert_eq!(ids(json!({"add_prefix_space": null})), [2, 0]);
}

#[test]
fn special_tokens_in_a_text_may_be_text() {
    let tokenizer = build(false, &json!({"split_special_tokens": true})).unwrap();
    // The vocabulary has nothing of `<s>` but these.
    assert_eq!(tokenizer.encode("a<s>b").unwrap(), [0, 1]);
}

#[test]
fn spaces_before_punctuation_go_only_where_the_model_says_so() {
    let decode = |config: Value| build(false, &config).unwrap().decode(&[0, 2, 3]).unwrap();
    assert_eq!(decode(json!({})), "a .");
    assert_eq!(decode(json!({"clean_up_tokenization_spaces": true})), "a.");
}

#[test]
fn what_is_not_applied_is_said() {
    let said = |config: Value| -> Vec<String> {
        build(false, &config).unwrap().remarks().iter().map(ToString::to_string).collect()
    };
    assert_eq!(said(json!({"model_max_length": 3, "padding_side": "left"})), Vec::<String>::new());
    let eos = said(json!({"tokenizer_class": "LlamaTokenizer", "add_eos_token": true}));
    assert!(eos[0].contains("`add_eos_token` is true"), "{eos:?}");
    let class = said(json!({"tokenizer_class": "FancyTokenizer"}));
    assert!(class[0].contains("`tokenizer_class` is \"FancyTokenizer\""), "{class:?}");
    let code =
        said(json!({"auto_map": {"AutoTokenizer": ["a", null]}, "from_slow": true, "tokenizer_file": "/x"}));
    assert_eq!(code.len(), 3, "{code:?}");
    let rows = [("config.json", json!({"vocab_size": 5})), (TokenizerFiles::CONFIG, json!({}))];
    let (tokenizer, _) = read(false, &rows).unwrap();
    assert!(tokenizer.remarks()[0].to_string().contains("`</s>` has the number 5"));
}

#[test]
fn a_wrong_value_is_an_error_that_names_file_and_field() {
    let problem = |config: Value| build(false, &config).unwrap_err().to_string();
    for (config, expected) in [
        (json!({"add_prefix_space": "yes"}), "`add_prefix_space`: expected true or false, found \"yes\""),
        (json!({"added_tokens_decoder": []}), "`added_tokens_decoder`: expected tokens by number"),
        (json!({"added_tokens_decoder": {"x": {"content": "a"}}}), "`added_tokens_decoder.x`"),
        (json!({"added_tokens_decoder": {"9": {"lstrip": true}}}), "`added_tokens_decoder.9.content`"),
        (
            json!({"added_tokens_decoder": {"9": {"content": "a", "lstrip": 1}}}),
            "`added_tokens_decoder.9.lstrip`",
        ),
        (json!({"bos_token": 3}), "`bos_token`: expected a token"),
        (
            json!({"additional_special_tokens": "<a>"}),
            "`additional_special_tokens`: expected a list of tokens",
        ),
    ] {
        let found = problem(config);
        assert!(found.contains("tokenizer_config.json") && found.contains(expected), "{found}");
    }
    let added = [(TokenizerFiles::ADDED, json!({"<x>": -1}))];
    let found = read(false, &added).unwrap_err().to_string();
    assert!(found.contains("added_tokens.json: field `<x>`: expected the number of a token"), "{found}");
}

#[test]
fn a_damaged_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(TOKENIZER), "{\"model\": 1}").unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("tokenizer.json: "), "{error}");
}

/// GPT-2's two files, with `merges` and the tokens that they make from number 256 on, and the files of these names.
fn two_files(merges: &str, files: &[(&str, Value)]) -> Result<Tokenizer, Error> {
    let folder = tempfile::tempdir().unwrap();
    let mut vocabulary = byte_vocabulary();
    for (number, token) in ["ab", "abc", "\u{120}a", "<|endoftext|>"].into_iter().enumerate() {
        vocabulary.insert(token.to_owned(), json!(256 + number));
    }
    write(folder.path(), VOCABULARY, &Value::Object(vocabulary));
    std::fs::write(folder.path().join(MERGES), merges).unwrap();
    for (file, json) in files {
        write(folder.path(), file, json);
    }
    Ok(open(folder.path())?.0)
}

const MERGED: &str = "#version: 0.2\na b\nab c\n\u{120} a\n";

/// The numbers are those of transformers 4.57.6, `GPT2Tokenizer` and `GPT2TokenizerFast`, for the same two files.
#[test]
fn two_files_give_the_tokens_that_transformers_gives() {
    let tokenizer = two_files(MERGED, &[]).unwrap();
    assert_eq!(tokenizer.encode("abcab a  ab").unwrap(), [257, 256, 258, 32, 32, 256]);
    let text = "it's 12\u{e9}\u{4e2d}<|endoftext|>ab\n";
    let ids = [105, 116, 39, 115, 32, 49, 50, 195, 169, 228, 184, 173, 259, 256, 10];
    assert_eq!(tokenizer.encode(text).unwrap(), ids);
    assert_eq!(tokenizer.decode(&ids).unwrap(), "it's 12\u{e9}\u{4e2d}ab\n");
    assert_eq!(tokenizer.bos_to_prepend(), None);
}

#[test]
fn two_files_may_begin_texts_with_a_token_or_a_space_and_have_more_tokens() {
    let files = [
        (TokenizerFiles::CONFIG, json!({"tokenizer_class": "GPT2Tokenizer", "add_bos_token": true})),
        (TokenizerFiles::ADDED, json!({"<|added|>": 260})),
    ];
    let tokenizer = two_files(MERGED, &files).unwrap();
    assert_eq!(tokenizer.bos_to_prepend(), Some(259));
    assert_eq!(tokenizer.encode("ab<|added|> a").unwrap(), [256, 260, 258]);
    let space =
        [(TokenizerFiles::CONFIG, json!({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true}))];
    assert_eq!(two_files(MERGED, &space).unwrap().encode("a").unwrap(), [258]);
}

#[test]
fn two_files_of_another_class_are_read_as_that_class_or_refused() {
    let class = |name: &str| [(TokenizerFiles::CONFIG, json!({"tokenizer_class": name}))];
    // Qwen composes characters, and a digit is a piece of its own.
    let qwen = two_files("#version: 0.2\n1 2\n", &class("Qwen2Tokenizer"));
    assert!(qwen.is_err(), "12 is no token of the vocabulary");
    let qwen = two_files(MERGED, &class("Qwen2Tokenizer")).unwrap();
    assert_eq!(qwen.encode("e\u{301}").unwrap(), [195, 169]);
    let other = two_files(MERGED, &class("RobertaTokenizer")).unwrap_err().to_string();
    assert!(
        other.contains("`tokenizer_class` is `RobertaTokenizer`") && other.contains("tokenizer.json"),
        "{other}"
    );
}

#[test]
fn a_merge_of_unknown_tokens_is_an_error_that_names_the_folder() {
    let error = two_files("#version: 0.2\nq z\n", &[]).unwrap_err().to_string();
    assert!(error.contains("vocab.json"), "{error}");
}
