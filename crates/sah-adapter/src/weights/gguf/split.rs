//! GGUF models in several files: `NAME-00001-of-00003.gguf` and so on. The first part has the metadata.

use std::path::{Path, PathBuf};

use super::Metadata;
use super::reader::Gguf;
use crate::Error;

impl Gguf {
    /// Reads the header of the file, and of the other parts where it is one of several, whichever of them `path` is;
    /// the tensors' data stays in the files.
    ///
    /// # Errors
    ///
    /// [`Error::MissingFile`] for a part that is not there, [`Error::Field`] and [`Error::BadFile`] for parts that do
    /// not belong together.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let part = Self::open_part(path)?;
        let count = Metadata(&part).integer("split.count")?.unwrap_or(1);
        if count <= 1 {
            return Ok(part);
        }
        let name = PartName::of(path).filter(|name| u64::from(name.count) == count);
        let Some(name) = name else {
            return Err(Error::BadFile {
                path: path.to_owned(),
                problem: format!("is one of {count} parts, but not called NAME-0000N-of-{count:05}.gguf"),
                remedy: "give it back its name, or join the parts with llama-gguf-split --merge".into(),
            });
        };
        join(&name, path)
    }
}

/// All parts as one model.
fn join(name: &PartName, given: &Path) -> Result<Gguf, Error> {
    let mut whole: Option<Gguf> = None;
    for index in 0..name.count {
        let path = name.path(given, index);
        if !path.is_file() {
            return Err(Error::MissingFile {
                folder: path.parent().map(Path::to_owned).unwrap_or_default(),
                file: name.file(index),
                remedy: "fetch the missing part".into(),
            });
        }
        let part = Gguf::open_part(&path)?;
        let metadata = Metadata(&part);
        for (key, expected) in [("split.no", index), ("split.count", name.count)] {
            let found = metadata.integer(key)?;
            if found != Some(u64::from(expected)) {
                let found = found.map_or("nothing".to_owned(), |found| found.to_string());
                return Err(metadata.wrong(key, &format!("{expected}, as the file's name says"), &found));
            }
        }
        let Some(whole) = &mut whole else {
            whole = Some(part);
            continue;
        };
        for (tensor, mut info) in part.tensors {
            info.file = whole.files.len();
            if whole.tensors.insert(tensor.clone(), info).is_some() {
                return Err(bad(path, format!("has tensor `{tensor}`, which an earlier part has too")));
            }
        }
        whole.files.push(path);
    }
    // A name has a count above 0.
    let whole = whole.ok_or_else(|| bad(given.to_owned(), "has no parts".into()))?;
    let tensors = whole.tensors.len() as u64;
    match Metadata(&whole).integer("split.tensors.count")? {
        Some(expected) if expected != tensors => {
            Err(bad(whole.path, format!("and its other parts have {tensors} tensors; it says {expected}")))
        }
        _ => Ok(whole),
    }
}

fn bad(path: PathBuf, problem: String) -> Error {
    Error::BadFile { path, problem, remedy: "fetch all parts again, from the same revision".into() }
}

/// What the name of a part says.
struct PartName {
    stem: String,
    count: u32,
}

impl PartName {
    fn of(path: &Path) -> Option<Self> {
        let (stem, count) = parse(path.file_name()?.to_str()?)?;
        Some(Self { stem: stem.to_owned(), count })
    }

    /// The name of part `index`, counted from 0.
    fn file(&self, index: u32) -> String {
        format!("{}-{:05}-of-{:05}.gguf", self.stem, index + 1, self.count)
    }

    fn path(&self, beside: &Path, index: u32) -> PathBuf {
        beside.with_file_name(self.file(index))
    }
}

/// `STEM-00002-of-00003.gguf`: the stem and the number of parts.
fn parse(file: &str) -> Option<(&str, u32)> {
    let (rest, count) = file.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (stem, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| {
        let whole = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        whole.then(|| text.parse::<u32>().ok()).flatten().filter(|&number| number > 0)
    };
    let count = digits(count)?;
    digits(number).filter(|&number| number <= count).map(|_| (stem, count))
}

/// The name of a model without what only says which part of it a file is.
pub(crate) fn model_stem(file: &str) -> Option<&str> {
    parse(file).map(|(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::gguf::testing::Builder;

    /// Part `index` of two, with one tensor.
    fn part(index: u32, tensor: &str) -> Builder {
        let builder =
            Builder::new().u32("split.no", index).u32("split.count", 2).u32("split.tensors.count", 2);
        builder.tensor(tensor, 0, &[1], &(index as f32 + 1.0).to_le_bytes())
    }

    fn write(folder: &Path, file: &str, builder: Builder) -> PathBuf {
        let path = folder.join(file);
        std::fs::write(&path, builder.bytes()).unwrap();
        path
    }

    #[test]
    fn any_part_gives_the_whole_model() {
        let folder = tempfile::tempdir().unwrap();
        let first = part(0, "a").string("general.architecture", "llama");
        let first = write(folder.path(), "m-00001-of-00002.gguf", first);
        let second = write(folder.path(), "m-00002-of-00002.gguf", part(1, "b"));
        for given in [&first, &second] {
            let whole = Gguf::open(given).unwrap();
            assert_eq!(whole.files, [first.clone(), second.clone()]);
            assert_eq!(whole.path, first);
            assert_eq!(Metadata(&whole).text("general.architecture").unwrap(), Some("llama"));
            assert_eq!(whole.read(&whole.tensors["a"]).unwrap(), 1.0_f32.to_le_bytes());
            assert_eq!(whole.read(&whole.tensors["b"]).unwrap(), 2.0_f32.to_le_bytes());
        }
    }

    #[test]
    fn parts_that_do_not_belong_together_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), "m-00001-of-00002.gguf", part(0, "a"));
        let problem = || Gguf::open(&first).unwrap_err().to_string();
        assert!(problem().contains("has no m-00002-of-00002.gguf; fetch the missing part"), "{}", problem());
        write(folder.path(), "m-00002-of-00002.gguf", part(0, "b"));
        assert!(
            problem().contains("`split.no`: expected 1, as the file's name says, found 0"),
            "{}",
            problem()
        );
        write(folder.path(), "m-00002-of-00002.gguf", part(1, "a"));
        assert!(problem().contains("tensor `a`, which an earlier part has too"), "{}", problem());
        let more = part(1, "b").tensor("c", 0, &[1], &[0; 4]);
        write(folder.path(), "m-00002-of-00002.gguf", more);
        assert!(problem().contains("have 3 tensors; it says 2"), "{}", problem());
        let renamed = write(folder.path(), "renamed.gguf", part(0, "a"));
        let problem = Gguf::open(&renamed).unwrap_err().to_string();
        assert!(problem.contains("not called NAME-0000N-of-00002.gguf"), "{problem}");
    }

    #[test]
    fn only_the_form_of_the_splitter_is_a_part() {
        assert_eq!(parse("a-b-00002-of-00003.gguf"), Some(("a-b", 3)));
        for no_part in ["a.gguf", "a-2-of-3.gguf", "a-00004-of-00003.gguf", "a-00000-of-00003.gguf"] {
            assert_eq!(parse(no_part), None, "{no_part}");
        }
    }
}
