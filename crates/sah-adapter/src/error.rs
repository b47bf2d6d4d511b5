//! What can go wrong between a request and its answers.

use std::path::PathBuf;

/// Errors of this crate. Each names the place and, where there is one, the remedy, in one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // Networks of other libraries --------------------------------------------------------------------------------
    /// A network did not call attention once for each of its layers.
    #[error("the model attended in {calls} layers, and has {layers} with attention")]
    ExternalCalls {
        /// Calls of one pass.
        calls: usize,
        /// Layers with attention.
        layers: usize,
    },
    /// A retention looks at what only models that are loaded here can say.
    #[error("this retention needs {what} of the model, which one that another library runs cannot give")]
    ExternalLacks {
        /// What it needs.
        what: &'static str,
    },
    /// A network that drops keys itself was to drop them otherwise, too.
    #[error("the model drops keys of contexts itself, which does not go with {with}")]
    DropsKeysItself {
        /// What else was asked for.
        with: &'static str,
    },
    // Requests ---------------------------------------------------------------------------------------------------
    /// The context, a question and its answer need more positions than the model has.
    #[error(
        "context ({context} tokens), question ({question}) and answer (up to {answer}) need more than the model's \
         {positions} positions"
    )]
    TooLong {
        /// Tokens of the context.
        context: usize,
        /// Tokens of the question.
        question: usize,
        /// Limit on new tokens.
        answer: usize,
        /// Positions that the model was made for.
        positions: usize,
    },
    /// The text of a request has every character that Unicode leaves to private use, so that no place in it can be marked.
    #[error(
        "context and questions have all characters for private use; special tokens in them cannot be read as text"
    )]
    NoMarks,
    // Where a model comes from -----------------------------------------------------------------------------------
    /// A model was asked for in a form that is none of the known ones, or that leads nowhere.
    #[error(
        "model `{given}`: {problem}; a model is a folder (with config.json, *.safetensors and tokenizer.json), \
         a file ending in .gguf, or a hub id like org/name"
    )]
    Source {
        /// What was asked for.
        given: String,
        /// Why it is no model.
        problem: String,
    },
    /// The hub did not give a file.
    #[error(transparent)]
    Hub(#[from] sah_hub::Error),
    // Files of a checkpoint --------------------------------------------------------------------------------------
    /// The operating system did not let a file be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A checkpoint lacks a file that it cannot do without.
    #[error("{}: has no {file}; {remedy}", folder.display())]
    MissingFile {
        /// The folder that was searched.
        folder: PathBuf,
        /// What is not in it.
        file: String,
        /// What to do about it.
        remedy: String,
    },
    /// A file is not what its name says: cut short, damaged, or in another format.
    #[error("{}: {problem}; {remedy}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it, and where.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// A pickle asks for a class or function of Python that no file of weights needs.
    #[error(
        "{}: asks for Python's `{name}` at byte {byte} of its pickle, which weights do not need; nothing of it was run",
        path.display()
    )]
    ForbiddenGlobal {
        /// The file.
        path: PathBuf,
        /// Module and name.
        name: String,
        /// Where in the pickle.
        byte: usize,
    },
    /// A field of a configuration or of a file's metadata is missing or has an impossible value.
    #[error("{}: field `{field}`: expected {expected}, found {found}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field, with its parents (`rope_scaling.factor`).
        field: String,
        /// What would be right.
        expected: String,
        /// What is there (`nothing` for a missing field).
        found: String,
    },
    /// A field asks for something that exists but that this crate does not do.
    #[error("{}: `{field}` is `{found}`, which is not supported; supported: {supported}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The field, with its parents.
        field: String,
        /// What it asks for.
        found: String,
        /// What could be asked for instead.
        supported: String,
    },
    /// Several things are wrong with one file.
    #[error("{}", joined(.0))]
    Several(Vec<Error>),
    /// Something was given that changes nothing.
    #[error("{given} has no effect: {reason}")]
    NoEffect {
        /// What was given.
        given: String,
        /// Why it changes nothing.
        reason: String,
    },
    /// Something was given that the model cannot do.
    #[error("{given} asks for {wanted}: {reason}")]
    Impossible {
        /// What was given.
        given: String,
        /// The value that was given.
        wanted: String,
        /// Why it cannot be done.
        reason: String,
    },
    // Tensors ----------------------------------------------------------------------------------------------------
    /// The model needs a tensor that the checkpoint does not have.
    #[error(
        "{}: has no tensor `{name}`{}; is this a complete checkpoint of the architecture its config names?",
        path.display(),
        similar.as_ref().map_or_else(String::new, |similar| format!(" (but `{similar}`)"))
    )]
    MissingTensor {
        /// The weight file, index or folder that was searched.
        path: PathBuf,
        /// The tensor's full name: in Hugging Face form, or as a GGUF file has it.
        name: String,
        /// A tensor that is there and whose name ends in the same way.
        similar: Option<String>,
    },
    /// Head and embedding are two matrices by the config, but the checkpoint has no head.
    #[error(
        "{}: has no tensor `{name}`, and tie_word_embeddings is false; if the embedding is the head too, set \
         tie_word_embeddings to true in config.json; else the checkpoint is that of a model without a head, or not complete",
        path.display()
    )]
    MissingHead {
        /// The weight file, index or folder that was searched.
        path: PathBuf,
        /// The tensor's full name.
        name: String,
    },
    /// The embedding is the head too by the config, but the checkpoint has both, and they are not the same.
    #[error(
        "{}: `{head}` is not the same as `{embedding}`, although tie_word_embeddings is true: transformers 4 uses the \
         embedding as head, transformers 5 `{head}`; set tie_word_embeddings to false in config.json to use `{head}`, or \
         take that tensor out of the checkpoint",
        path.display()
    )]
    TiesDisagree {
        /// The weight file, index or folder.
        path: PathBuf,
        /// The head's full name.
        head: String,
        /// The embedding's full name.
        embedding: String,
    },
    /// A tensor does not have the shape that the config implies.
    #[error("{}: tensor `{name}` has shape {found:?}, but the config implies {expected:?}", path.display())]
    TensorShape {
        /// The weight file.
        path: PathBuf,
        /// The tensor's full name.
        name: String,
        /// Shape that the config implies.
        expected: Vec<i64>,
        /// Shape in the file.
        found: Vec<i64>,
    },
    /// A tensor is stored in a type that cannot be read.
    #[error("{}: tensor `{name}` is stored as {found}; supported: {supported}", path.display())]
    TensorType {
        /// The weight file.
        path: PathBuf,
        /// The tensor's name in the file.
        name: String,
        /// Its type in the file.
        found: String,
        /// Types that can be read.
        supported: String,
    },
    /// Weights are to be kept as they are stored, but a matrix is stored in a type that has no product of its own.
    #[error(
        "{}: tensor `{name}` is stored as {found}, which cannot be kept as it is; those that can: {supported}",
        path.display()
    )]
    StoredType {
        /// The weight file.
        path: PathBuf,
        /// The tensor's full name.
        name: String,
        /// Its type in the file.
        found: String,
        /// Types that can be kept.
        supported: String,
    },
    /// Weights are to be kept as they are stored, but not on the CPU.
    #[error("weights can be kept as they are stored on the CPU only")]
    StoredOffCpu,
    // Text -------------------------------------------------------------------------------------------------------
    /// The tokenizer could not be built, or failed on a text.
    #[error("tokenizer of {}: {problem}", path.display())]
    Tokenizer {
        /// Where the tokenizer came from.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// The chat template could not be parsed or rendered, or changes the text in a way that cannot be handled.
    #[error("chat template of {}: {problem}; {remedy}", path.display())]
    ChatTemplate {
        /// Where the template came from.
        path: PathBuf,
        /// What went wrong.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// A value was given to a variable of the chat template that it does not read, or that is not the user's to give.
    #[error("chat template of {}: argument `{name}` {problem}", path.display())]
    TemplateArgument {
        /// Where the template came from.
        path: PathBuf,
        /// The variable.
        name: String,
        /// Why it cannot be given.
        problem: String,
    },
    /// A value was given to a variable of the chat template, and there is no template.
    #[error("argument `{name}` is for a chat template, and the model has none")]
    ArgumentWithoutTemplate {
        /// The variable.
        name: String,
    },
    /// A model is to think before it answers whose chat template has no switch for that.
    #[error("the model cannot be told to think: its chat template knows nothing of thinking, or it has none")]
    CannotThink,
    // Running ----------------------------------------------------------------------------------------------------
    /// A retention is to choose among keys of which some are never read, or are gone while the context is read.
    #[error(
        "a retention chooses among all keys of a context: read contexts densely, and evict none beside it"
    )]
    RetentionNeedsContext,
    /// A retention has the model repeat its context, for which it has too few positions.
    #[error(
        "a context of {context} tokens and {pass} to repeat a part of it need more than the model's {positions} positions; \
         repeat shorter parts (`chunk`), or cut the context"
    )]
    RepetitionTooLong {
        /// Tokens of the context.
        context: usize,
        /// Tokens that are read after it.
        pass: usize,
        /// How many positions there are.
        positions: usize,
    },
    /// Keys are to be evicted from a cache that packs them in groups.
    #[error(
        "a cache in {format} keeps whole groups of keys of a context, and evicts none; store keys and values in another form, or evict \
         nothing"
    )]
    EvictionOfGroups {
        /// How the cache stores keys and values.
        format: sah_attention::KvFormat,
    },
    /// A question, the chat template and the answer prefix together have no token.
    #[error("a question without any token; give it a text or an answer prefix")]
    EmptyQuestion,
    /// The chat template puts something else around the context for another question.
    #[error(
        "the chat template changes the context with the question, so questions cannot share it; ask them one by one"
    )]
    ContextDependsOnQuestion,
    /// A token that the model does not have.
    #[error("token {id} is not among the model's {vocabulary}; do tokenizer and weights belong together?")]
    TokenId {
        /// The token.
        id: u32,
        /// How many the model has.
        vocabulary: usize,
    },
    /// The logits are not numbers.
    #[error("the model's logits are not numbers (NaN)")]
    NotANumber,
    /// More tokens than the cache was made for.
    #[error("the KV cache has room for {capacity} tokens, but {needed} are needed")]
    CacheFull {
        /// What it has room for.
        capacity: usize,
        /// What was asked of it.
        needed: usize,
    },
    // Below us ---------------------------------------------------------------------------------------------------
    /// Attention was asked for something that it does not do.
    #[error("attention: {0}")]
    Attention(#[from] sah_attention::Error),
    /// A tensor is not what its role asks for.
    #[error(transparent)]
    Tensor(#[from] sah_tensor::Error),
    /// libtorch refused an operation.
    #[error("libtorch: {}", sah_tensor::without_frames(.0))]
    Tch(#[from] tch::TchError),
}

impl Error {
    /// The file or folder that the message begins with.
    fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::BadFile { path, .. }
            | Self::Field { path, .. }
            | Self::Unsupported { path, .. }
            | Self::MissingTensor { path, .. }
            | Self::MissingHead { path, .. }
            | Self::TiesDisagree { path, .. }
            | Self::TensorShape { path, .. }
            | Self::TensorType { path, .. }
            | Self::StoredType { path, .. } => Some(path),
            _ => None,
        }
    }
}

/// How many errors of a file are written out.
const SHOWN: usize = 12;

/// All messages in one line. A file that is that of the message before is not named again.
fn joined(errors: &[Error]) -> String {
    let mut text = String::new();
    let mut before = None;
    for error in errors.iter().take(SHOWN) {
        let (message, path) = (error.to_string(), error.path());
        let named = path.map(|path| format!("{}: ", path.display()));
        let message = match &named {
            Some(named) if path == before => message.strip_prefix(named.as_str()).unwrap_or(&message),
            _ => &message,
        };
        if !text.is_empty() {
            text += "; also ";
        }
        text += message;
        before = path;
    }
    if errors.len() > SHOWN {
        let more = errors.len() - SHOWN;
        text += "; and ";
        text += &more.to_string();
        text += " more";
    }
    text
}

impl From<Error> for sah_request::ModelError {
    fn from(error: Error) -> Self {
        Self::new(error)
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn a_message_names_what_does_not_fit() {
        let error = Error::TooLong { context: 100, question: 20, answer: 10, positions: 128 };
        assert!(error.to_string().ends_with("than the model's 128 positions"), "{error}");
    }

    #[test]
    fn frames_of_libtorch_are_left_out() {
        let row = tch::Tensor::zeros([2, 3], (tch::Kind::Float, tch::Device::Cpu));
        let error = row.f_view([5]).unwrap_err();
        assert!(error.to_string().contains("\nframe #0: "), "{error}");
        let message = Error::from(error).to_string();
        assert!(message.starts_with("libtorch: ") && message.contains("'[5]' is invalid"), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}
