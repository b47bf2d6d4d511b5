//! Writes small GGUF files for tests.

/// A GGUF file in the making.
#[derive(Default)]
pub(crate) struct Builder {
    pairs: Vec<Vec<u8>>,
    tensors: Vec<(Vec<u8>, Vec<u8>)>,
}

fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn pair(mut self, key: &str, value_type: u32, value: &[u8]) -> Self {
        self.pairs.push([&text(key), &value_type.to_le_bytes()[..], value].concat());
        self
    }

    /// Without what was said of `key`.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.pairs.retain(|pair| !pair.starts_with(&text(key)));
        self
    }

    pub(crate) fn u32(self, key: &str, value: u32) -> Self {
        self.pair(key, 4, &value.to_le_bytes())
    }

    pub(crate) fn f32(self, key: &str, value: f32) -> Self {
        self.pair(key, 6, &value.to_le_bytes())
    }

    pub(crate) fn bool(self, key: &str, value: bool) -> Self {
        self.pair(key, 7, &[value.into()])
    }

    pub(crate) fn string(self, key: &str, value: &str) -> Self {
        self.pair(key, 8, &text(value))
    }

    pub(crate) fn strings(self, key: &str, values: &[&str]) -> Self {
        let items = values.iter().flat_map(|value| text(value)).collect::<Vec<_>>();
        let head = [&8_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        self.pair(key, 9, &[head, items].concat())
    }

    pub(crate) fn i32s(self, key: &str, values: &[i32]) -> Self {
        let items = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let head = [&5_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        self.pair(key, 9, &[head, items].concat())
    }

    pub(crate) fn bools(self, key: &str, values: &[bool]) -> Self {
        let items = values.iter().map(|&value| value.into()).collect::<Vec<u8>>();
        let head = [&7_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        self.pair(key, 9, &[head, items].concat())
    }

    pub(crate) fn f32s(self, key: &str, values: &[f32]) -> Self {
        let items = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let head = [&6_u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        self.pair(key, 9, &[head, items].concat())
    }

    /// `shape` has the outermost dimension first.
    pub(crate) fn tensor(mut self, name: &str, raw_type: u32, shape: &[u64], data: &[u8]) -> Self {
        let dims = shape.iter().rev().flat_map(|dim| dim.to_le_bytes()).collect::<Vec<_>>();
        let entry =
            [&text(name), &(shape.len() as u32).to_le_bytes()[..], &dims, &raw_type.to_le_bytes()].concat();
        self.tensors.push((entry, data.to_vec()));
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.pairs.len() as u64).to_le_bytes());
        file.extend(self.pairs.concat());
        let mut data: Vec<u8> = vec![];
        for (entry, bytes) in self.tensors {
            data.resize(data.len().next_multiple_of(32), 0);
            file.extend(entry);
            file.extend((data.len() as u64).to_le_bytes());
            data.extend(bytes);
        }
        file.resize(file.len().next_multiple_of(32), 0);
        [file, data].concat()
    }
}

/// Writes the file and opens it; the folder goes when the first value is dropped.
pub(crate) fn open(builder: Builder) -> (tempfile::TempDir, super::Gguf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, builder.bytes()).unwrap();
    let gguf = super::Gguf::open(&path).unwrap();
    (folder, gguf)
}
