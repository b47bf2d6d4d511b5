//! Checkpoints with another `config.json`.

use std::fs;

use sah_tests::tiny;
use serde_json::Value;

/// A copy of the checkpoint `name` with another `config.json`.
pub(crate) fn changed(name: &str, change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(tiny::folder(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let path = folder.path().join("config.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut config);
    fs::write(&path, config.to_string()).unwrap();
    folder
}

/// Takes `field` out of `config`.
pub(crate) fn remove(config: &mut Value, field: &str) -> Value {
    config.as_object_mut().unwrap().shift_remove(field).unwrap_or_else(|| panic!("no {field}"))
}
