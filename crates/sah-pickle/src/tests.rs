//! Pickles put together by hand. Those of torch itself are in `tests/it/hash_attention.rs`.

use super::*;

fn problem(bytes: &[u8]) -> Problem {
    match read(bytes) {
        Ok(saved) => panic!("{saved:?}"),
        Err(problem) => problem,
    }
}

/// A dict of one item as it stands in `{"a": (1, -2, True, None, 3.5)}`.
#[test]
fn plain_data_is_read() {
    let bytes =
        b"\x80\x04\x95\0\0\0\0\0\0\0\0}\x94\x8c\x01a(K\x01J\xfe\xff\xff\xff\x88NG\x40\x0c\0\0\0\0\0\0t\x94s.";
    let saved = read(bytes).unwrap();
    let [(Value::Text("a"), items)] = saved.dict(saved.root()).unwrap() else { panic!("{saved:?}") };
    let items = saved.sequence(*items).unwrap();
    assert!(
        matches!(items, [Value::Int(1), Value::Int(-2), Value::Bool(true), Value::None, Value::Float]),
        "{items:?}"
    );
}

#[test]
fn numbers_of_any_length_up_to_8_bytes() {
    let number = |bytes: &[u8]| {
        let pickle = [b"\x8a", &[bytes.len() as u8][..], bytes, b"."].concat();
        let saved = read(&pickle).unwrap();
        match saved.root() {
            Value::Int(number) => number,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(number(b""), 0);
    assert_eq!(number(b"\xff"), -1);
    assert_eq!(number(b"\0\x80\0"), 0x8000);
    assert_eq!(number(&i64::MIN.to_le_bytes()), i64::MIN);
    assert!(matches!(problem(b"\x8a\x09\0\0\0\0\0\0\0\0\0."), Problem::Instruction { at: 0, .. }));
}

/// Every way to name a function, and every place where one may be named.
#[test]
fn other_names_are_refused_where_they_are_named() {
    let refused = |bytes: &[u8], at: usize, (module, name): (&str, &str)| {
        let expected = Problem::Forbidden { module: module.to_owned(), name: name.to_owned(), at };
        assert_eq!(problem(bytes), expected);
    };
    refused(b"cos\nsystem\n\x8c\x02ls\x85R.", 0, ("os", "system"));
    refused(b"\x8c\x08builtins\x8c\x04eval\x93.", 16, ("builtins", "eval"));
    refused(b"\x8c\x08builtins\x8c\x07getattr\x93.", 19, ("builtins", "getattr"));
    // The right name in the wrong place, and the other way round.
    refused(b"ctorch\n_rebuild_tensor_v2\n.", 0, ("torch", "_rebuild_tensor_v2"));
    refused(b"ctorch.storage\nFloatStorage\n.", 0, ("torch.storage", "FloatStorage"));
    refused(b"ccollections\nOrderedDict.__init__\n.", 0, ("collections", "OrderedDict.__init__"));
    refused(b"ctorch\nload\n.", 0, ("torch", "load"));
}

#[test]
fn what_is_allowed_is_called_as_weights_call_it_alone() {
    let fails = |bytes: &[u8], part: &str| {
        let problem = problem(bytes).to_string();
        assert!(problem.contains(part), "{problem}");
    };
    fails(b"ccollections\nOrderedDict\nK\x01\x85R.", "cannot call OrderedDict with (an int)");
    fails(b"K\x01)R.", "cannot call an int with ()");
    fails(b"ctorch._utils\n_rebuild_parameter\nN\x85R.", "cannot call RebuildParameter with (None)");
    fails(b"]}b.", "cannot set attributes of a list or tuple");
    fails(b"K\x01Q.", "only storages lie beside a pickle");
    let view = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.}.\
                 (\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x02(\x8c\x011K\x01K\x01ttQ.";
    fails(view, "a storage within another one");
    // Instructions that make objects, call them, or look up extensions.
    for code in [0x81, 0x92, 0x82, b'i', b'o', b'P', 0x97] {
        fails(&[b'N', code, b'.'], "is not one that weights need");
    }
}

#[test]
fn the_stack_is_guarded() {
    for bytes in [&b"."[..], b"N(.", b"N(\x85.", b"N(s.", b"t.", b"N\x86.", b"a.", b"]a.", b"(u.", b"\x94."] {
        assert!(matches!(problem(bytes), Problem::Instruction { .. }), "{bytes:?}");
    }
    assert!(problem(b"h\x07.").to_string().contains("nothing was remembered as 7"));
    assert!(problem(b"}(K\x01u.").to_string().contains("cannot set 1 items"));
}

/// Lists within lists, as deep as the file is long; a list in itself; a list of two of the list before, and so on.
#[test]
fn nesting_takes_no_stack_and_sharing_no_memory() {
    let deep = [vec![b'N'], vec![0x85; 1_000_000], vec![b'.']].concat();
    assert!(matches!(read(&deep).unwrap().root(), Value::Sequence(_)));
    assert!(matches!(read(b"]\x94h\0a.").unwrap().root(), Value::Sequence(_)));
    let doubled: Vec<u8> = (0..200).flat_map(|at| [b']', 0x94, b'h', at, b'a', b'h', at, b'a']).collect();
    let saved = [&b"]\x94"[..], &doubled, b"."].concat();
    assert_eq!(read(&saved).unwrap().objects.sequences.len(), 201);
}

#[test]
fn work_has_a_limit() {
    let long = vec![b'N'; 5_000_000];
    assert_eq!(problem(&long), Problem::TooMuch);
    // A length of 2^63 is not room that is made, but an end that is not there.
    assert!(matches!(problem(b"\x8e\0\0\0\0\0\0\0\x80."), Problem::Instruction { .. }));
}

/// Bytes of storages are read once each, and hold no further ones.
#[test]
fn storages_inside_do_not_nest_or_repeat() {
    const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.}.";
    let load = |bytes: &[u8]| {
        let length = (bytes.len() as u32).to_le_bytes();
        [b"ctorch.storage\n_load_from_bytes\nB", &length[..], bytes, b"\x85R."].concat()
    };
    let storage: &[u8] = b"(\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x02tQ.]\x8c\x010a.\
                           \x02\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40";
    let inside = [MAGIC, storage].concat();
    let whole = load(&inside);
    assert!(matches!(read(&whole).unwrap().root(), Value::Storage(_)));
    let cut = &inside[..inside.len() - 1];
    assert_eq!(problem(&load(cut)), Problem::Storage("0".to_owned()));

    let nested = [MAGIC, &load(&inside), b"]."].concat();
    assert!(problem(&load(&nested)).to_string().contains("cannot call LoadFromBytes with (bytes)"));

    let length = (inside.len() as u32).to_le_bytes();
    let again = b"h\0h\x01\x85R0".map(|byte| if byte == b'0' { b'a' } else { byte });
    let repeated = [
        b"ctorch.storage\n_load_from_bytes\n\x94B",
        &length[..],
        &inside,
        b"\x94]",
        &again.repeat(1000),
        b".",
    ]
    .concat();
    assert_eq!(problem(&repeated), Problem::TooMuch);
}
