//! How thoughts are told from an answer.

use crate::ThoughtTags;

/// Tags of thoughts, and the tokens that they are, where each is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThoughtMarks {
    pub(crate) tags: ThoughtTags,
    /// Special tokens are not in a decoded text.
    pub(crate) open_id: Option<u32>,
    pub(crate) close_id: Option<u32>,
}

impl ThoughtMarks {
    /// Tags that are found in the text alone.
    #[cfg(test)]
    pub(crate) fn of(tags: ThoughtTags) -> Self {
        Self { tags, open_id: None, close_id: None }
    }

    /// `text` of thoughts without its tags and the white space at its ends.
    pub(super) fn without_tags(self, text: &str) -> &str {
        let ThoughtTags { open, close } = self.tags;
        let text = text.trim();
        let text = text.strip_prefix(open).unwrap_or(text);
        text.split(close).next().unwrap_or_default().trim()
    }
}
