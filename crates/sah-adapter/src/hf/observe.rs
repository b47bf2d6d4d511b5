//! Reading a text for what attention sees in it.

use sah_attention::{AttentionObserver, AttentionPolicy};

use super::LoadedModel;
use crate::Error;
use crate::cache::KvCache;
use crate::engine::head_scores;
use crate::model::NewTokens;

impl LoadedModel {
    /// How much each KV head of each layer retrieves, `[L][Hkv]`, by the mean queries and keys of `texts`, each cut to `tokens` tokens:
    /// what [`DuoAttention`](sah_attention::retention::DuoAttention) chooses heads by. Texts are taken as they are, without a chat
    /// template; where the model begins texts with a special token, each begins with it.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyQuestion`] where a text has no token.
    pub fn head_scores(&self, texts: &[String], tokens: usize) -> Result<Vec<Vec<f64>>, Error> {
        let tokenizer = &self.checkpoint.tokenizer;
        let tokens = tokens.min(self.positions());
        let of_text = |text: &String| {
            let ids = tokenizer.bos_to_prepend().into_iter().chain(tokenizer.encode(text)?);
            let ids: Vec<u32> = ids.take(tokens).collect();
            if ids.is_empty() { Err(Error::EmptyQuestion) } else { Ok(ids) }
        };
        let texts = texts.iter().map(of_text).collect::<Result<Vec<_>, _>>()?;
        tch::no_grad(|| head_scores(&*self.engine.network, &texts, self.engine.cache_format))
    }

    /// Reads `text` densely, with `observer` looking on, and gives the number of tokens.
    ///
    /// The text is taken as it is, without a chat template, and cut into blocks of at most `block` tokens. Each block is
    /// read from an empty cache, so that positions begin anew; where the model begins texts with a special token, each
    /// begins with it.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] where a block has more tokens than the model has positions; what the observer says.
    pub fn observe(
        &self,
        text: &str,
        block: usize,
        observer: &mut dyn AttentionObserver,
    ) -> Result<usize, Error> {
        let tokenizer = &self.checkpoint.tokenizer;
        let ids = tokenizer.encode(text)?;
        let bos = tokenizer.bos_to_prepend();
        let positions = self.positions();
        let mut tokens = 0;
        for piece in ids.chunks(block.saturating_sub(bos.iter().len()).max(1)) {
            let ids: Vec<u32> = bos.into_iter().chain(piece.iter().copied()).collect();
            if ids.len() > positions {
                return Err(Error::TooLong { context: ids.len(), question: 0, answer: 0, positions });
            }
            tch::no_grad(|| {
                let mut cache =
                    KvCache::new(&self.engine.network.cache_shape(), ids.len(), self.engine.cache_format)?;
                self.engine.network.forward(
                    NewTokens { ids: &ids, prompt: ids.len() },
                    &mut cache,
                    &mut AttentionPolicy::dense().observed(observer),
                )
            })?;
            tokens += ids.len();
        }
        Ok(tokens)
    }
}
