//! Text that reads as special tokens, as text.

use tokenizers::tokenizer::{
    Model as _, NormalizedString, Normalizer as _, OffsetReferential, PreTokenizer as _,
};
use tokenizers::{OffsetType, PreTokenizedString};

use super::Tokenizer;
use super::guard::guarded;
use crate::Error;
use crate::hf::control::MarkedText;

/// Put in front of a piece and cut off again, so that nothing of what belongs to the beginning of a text is done to it.
const BEFORE: &str = "\n";

impl Tokenizer {
    /// Tokens of a text of which some places are read as text. They are those that transformers 5.24 gives with
    /// `sanitize_control_tokens`: the pieces between and at these places are tokenised apart, those at them without any added
    /// token.
    ///
    /// # Errors
    ///
    /// Where a place gives the special token even so, because the vocabulary has it as a text.
    pub(crate) fn encode_marked(&self, marked: &MarkedText) -> Result<Vec<u32>, Error> {
        let MarkedText { text, literal } = marked;
        let mut ids = vec![];
        let mut end = 0;
        for place in literal {
            self.piece(&text[end..place.start], end == 0, &mut ids)?;
            let written = &text[place.clone()];
            let piece = self.after_newline(written, |text| self.without_added_tokens(text))?;
            if self.inner.token_to_id(written).is_some_and(|id| piece.contains(&id)) {
                let problem = format!("the text `{written}` gives the special token however it is read");
                return Err(Error::Tokenizer { path: self.path.clone(), problem });
            }
            ids.extend(piece);
            end = place.end;
        }
        self.piece(&text[end..], end == 0, &mut ids)?;
        Ok(ids)
    }

    fn piece(&self, text: &str, first: bool, ids: &mut Vec<u32>) -> Result<(), Error> {
        if first {
            ids.extend(self.encode(text)?);
        } else if !text.is_empty() {
            ids.extend(self.after_newline(text, |text| self.encode(text))?);
        }
        Ok(())
    }

    fn after_newline(
        &self,
        text: &str,
        encode: impl Fn(&str) -> Result<Vec<u32>, Error>,
    ) -> Result<Vec<u32>, Error> {
        let before = self.encode(BEFORE)?;
        let ids = encode(&format!("{BEFORE}{text}"))?;
        match ids.strip_prefix(&before[..]) {
            Some(rest) => Ok(rest.to_vec()),
            None => encode(text),
        }
    }

    fn without_added_tokens(&self, text: &str) -> Result<Vec<u32>, Error> {
        guarded(|| {
            let mut normalized = NormalizedString::from(text);
            if let Some(normalizer) = self.inner.get_normalizer() {
                normalizer.normalize(&mut normalized)?;
            }
            let mut pieces = PreTokenizedString::from(normalized.get());
            if let Some(pre_tokenizer) = self.inner.get_pre_tokenizer() {
                pre_tokenizer.pre_tokenize(&mut pieces)?;
            }
            let mut ids = vec![];
            for (piece, ..) in pieces.get_splits(OffsetReferential::Normalized, OffsetType::None) {
                ids.extend(self.inner.get_model().tokenize(piece)?.into_iter().map(|token| token.id));
            }
            Ok(ids)
        })
        .map_err(|error| self.failed(&error))
    }
}
