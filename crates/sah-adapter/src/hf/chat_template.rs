//! Chat templates.
use crate::Error;

#[derive(Debug)]
pub(crate) struct ChatTemplate;

impl ChatTemplate {
    /// Renders one user message of `context` followed by `question` and cuts the text where the context ends.
    pub(crate) fn split(&self, context: &str, question: &str) -> Result<(String, String), Error> {
        let _ = (context, question);
        Err(Error::Other("ChatTemplate::split is being written".into()))
    }
}
