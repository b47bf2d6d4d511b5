//! What `torch.save` wrote before 1.6, and what a plain pickle holds of every tensor.
//!
//! Pickles one after another: a magic number, the format's version, facts about the machine, the object, the keys of its
//! storages. Then for each key the number of elements, 8 bytes, and the elements.

use std::collections::HashMap;

use crate::machine::{Budget, Storages, run};
use crate::tensor::size;
use crate::value::{Place, Saved, Storage, Value};
use crate::{Problem, Result};

/// The magic number and version 1001, as `torch.save` writes them.
const BEGINNING: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.";

/// Whether `bytes` begin so.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(BEGINNING)
}

/// Reads all of it.
pub(crate) fn read<'a>(bytes: &'a [u8], budget: &mut Budget) -> Result<Saved<'a>> {
    let (facts, machine, at) = run(bytes, BEGINNING.len(), Storages::Beside, budget)?;
    if let Value::Dict(facts) = facts
        && machine.dicts[facts]
            .iter()
            .any(|pair| matches!(pair, (Value::Text("little_endian"), Value::Bool(false))))
    {
        return Err(Problem::Container("was saved on a big-endian machine".to_owned()));
    }
    let (root, objects, at) = run(bytes, at, Storages::Beside, budget)?;
    let (keys, lists, mut at) = run(bytes, at, Storages::Beside, budget)?;
    let Value::Sequence(keys) = keys else {
        return Err(Problem::Unexpected { expected: "a list of storages", found: keys.kind() });
    };
    let elements: HashMap<&str, _> = objects.named_storages().collect();
    let mut beside = HashMap::new();
    for key in &lists.sequences[keys] {
        let Value::Text(key) = *key else {
            return Err(Problem::Unexpected { expected: "the name of a storage", found: key.kind() });
        };
        let missing = || Problem::Storage(key.to_owned());
        let element = *elements.get(key).ok_or_else(missing)?;
        let (count, rest) = bytes[at..].split_first_chunk::<8>().ok_or_else(missing)?;
        let length = usize::try_from(u64::from_le_bytes(*count)).ok();
        let length = length.and_then(|count| count.checked_mul(size(element))).ok_or_else(missing)?;
        beside.insert(key, rest.get(..length).ok_or_else(missing)?);
        at += 8 + length;
    }
    Ok(Saved { root, objects, beside })
}

/// The single storage that `bytes` hold.
pub(crate) fn storage<'a>(bytes: &'a [u8], budget: &mut Budget) -> Result<Storage<'a>> {
    if !is_one(bytes) {
        return Err(Problem::Container(
            "the bytes of a storage do not begin as torch.save begins".to_owned(),
        ));
    }
    let saved = read(bytes, budget)?;
    let Value::Storage(at) = saved.root else {
        return Err(Problem::Unexpected { expected: "a storage", found: saved.root.kind() });
    };
    let Storage { element, place } = saved.objects.storages[at];
    match place {
        Place::Bytes(_) => Ok(Storage { element, place }),
        Place::Named(name) => {
            let bytes = *saved.beside.get(name).ok_or_else(|| Problem::Storage(name.to_owned()))?;
            Ok(Storage { element, place: Place::Bytes(bytes) })
        }
    }
}
