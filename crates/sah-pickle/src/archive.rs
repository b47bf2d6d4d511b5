//! The zip archive of `torch.save`: `NAME/data.pkl`, and `NAME/data/KEY` for each storage, all stored as they are.

use std::collections::HashMap;
use std::io::{self, Cursor};

use zip::{CompressionMethod, ZipArchive};

use crate::machine::{Budget, Storages, run};
use crate::value::Saved;
use crate::{Problem, Result};

/// Whether `bytes` begin as a zip archive.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Reads all of it; every entry's checksum is checked.
pub(crate) fn read<'a>(bytes: &'a [u8], budget: &mut Budget) -> Result<Saved<'a>> {
    let broken = |problem: &dyn std::fmt::Display| Problem::Container(format!("zip archive: {problem}"));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    // An entry points to its bytes, so that many could point to the same ones.
    let mut left = bytes.len() as u64;
    let mut entries: Vec<(String, &'a [u8])> = Vec::new();
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number).map_err(|error| broken(&error))?;
        let name = entry.name().map_err(|error| broken(&error))?.into_owned();
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            return Err(broken(&format!("`{name}` is compressed, which torch.save does not do")));
        }
        let size = entry.compressed_size();
        left = left.checked_sub(size).ok_or_else(|| broken(&"its entries overlap"))?;
        let start = entry.data_start().ok_or_else(|| broken(&format!("`{name}` has no place")))?;
        io::copy(&mut entry, &mut io::sink()).map_err(|error| broken(&format!("`{name}`: {error}")))?;
        let end = start.checked_add(size).and_then(|end| usize::try_from(end).ok());
        let data = end.and_then(|end| bytes.get(start as usize..end));
        let data = data.ok_or_else(|| broken(&format!("`{name}` is cut short")))?;
        entries.push((name, data));
    }
    let pickle = entries.iter().find_map(|(name, data)| Some((name.strip_suffix("data.pkl")?, *data)));
    let (folder, pickle) = pickle.ok_or_else(|| broken(&"has no data.pkl"))?;
    if entries.iter().any(|(name, data)| name.strip_prefix(folder) == Some("byteorder") && *data == b"big") {
        return Err(Problem::Container("was saved on a big-endian machine".to_owned()));
    }
    let (root, objects, _) = run(pickle, 0, Storages::Beside, budget)?;
    // Names of storages as the pickle has them, which outlives the names of the entries.
    let data: HashMap<&str, &'a [u8]> = entries
        .iter()
        .filter_map(|(name, data)| Some((name.strip_prefix(folder)?.strip_prefix("data/")?, *data)))
        .collect();
    let beside = objects.named_storages().filter_map(|(name, _)| Some((name, *data.get(name)?))).collect();
    Ok(Saved { root, objects, beside })
}
