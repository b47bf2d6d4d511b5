//! How thoughts are told from an answer.

use crate::ThoughtTags;

/// Tokens that a tag has at most.
const MOST: usize = 4;

/// The tokens of a tag whose special tokens are not in a decoded text; none where the tag is found in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TagTokens {
    ids: [u32; MOST],
    count: usize,
}

impl TagTokens {
    /// `None` where there are too many.
    pub(crate) fn new(ids: &[u32]) -> Option<Self> {
        let mut all = [0; MOST];
        all.get_mut(..ids.len())?.copy_from_slice(ids);
        Some(Self { ids: all, count: ids.len() })
    }

    fn ids(&self) -> &[u32] {
        &self.ids[..self.count]
    }

    /// Whether `ids` end in the tag.
    pub(super) fn end(&self, ids: &[u32]) -> bool {
        self.count > 0 && ids.ends_with(self.ids())
    }

    /// Whether `ids` are the beginning of the tag, but not all of it.
    pub(super) fn begin_with(&self, ids: &[u32]) -> bool {
        ids.len() < self.count && self.ids().starts_with(ids)
    }
}

/// Tags of thoughts, and the tokens that they are where these are not in a decoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThoughtMarks {
    pub(crate) tags: ThoughtTags,
    pub(crate) open: TagTokens,
    pub(crate) close: TagTokens,
}

impl ThoughtMarks {
    /// Tags that are found in the text alone.
    #[cfg(test)]
    pub(crate) fn of(tags: ThoughtTags) -> Self {
        Self { tags, open: TagTokens::default(), close: TagTokens::default() }
    }

    /// `text` of thoughts without its tags and the white space at its ends.
    pub(super) fn without_tags(self, text: &str) -> &str {
        let ThoughtTags { open, close } = self.tags;
        let text = text.trim();
        let text = text.strip_prefix(open).unwrap_or(text);
        let text = text.split(close).next().unwrap_or_default().trim();
        // What is left of tags whose special tokens were not decoded: of gpt-oss, the names of the two channels, and of who speaks.
        let (open, close) = (plain(open), plain(close));
        let text = text.strip_prefix(open).unwrap_or(text).trim_start();
        match text.strip_suffix(close).filter(|_| !close.is_empty()) {
            Some(text) => text.strip_suffix("assistant").unwrap_or(text).trim_end(),
            None => text,
        }
    }
}

/// What stands between the special tokens of a tag like `<|channel|>final<|message|>`; nothing of other tags.
fn plain(tag: &'static str) -> &'static str {
    let between = tag.strip_prefix("<|channel|>").and_then(|rest| rest.strip_suffix("<|message|>"));
    between.unwrap_or_default()
}
