//! Hashes of files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::Digest;

/// What is in the file at `path`, added to what `hasher` has, in lower-case hexadecimal.
pub fn of_file<D: Digest>(mut hasher: D, path: &Path) -> io::Result<String> {
    add_file(&mut hasher, path)?;
    Ok(hex(&hasher.finalize()))
}

/// Adds what is in the file at `path`.
pub fn add_file<D: Digest>(hasher: &mut D, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
