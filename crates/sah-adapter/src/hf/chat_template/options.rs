//! What a user says about a model's chat template.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{ChatTemplate, Thinking, variables};
use crate::Error;
use crate::hf::tokenizer::SpecialTokens;

/// Variables of a template that a request fills.
const OF_THE_REQUEST: [&str; 2] = ["messages", "add_generation_prompt"];

/// What a user says about a model's chat template; by default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatTemplateOptions {
    /// A file with the template that is used instead of the model's own.
    pub file: Option<PathBuf>,
    /// Whether the model is to think before it answers, where the template leaves the choice.
    pub thinking: Thinking,
    /// Values for variables of the template by name, such as `reasoning_effort`. Each must be one that the template
    /// reads.
    pub arguments: Map<String, Value>,
}

impl ChatTemplateOptions {
    /// The template that they choose, with their arguments; `own` gives the model's.
    pub(crate) fn choose(
        &self,
        special: &SpecialTokens,
        own: impl FnOnce() -> Result<Option<ChatTemplate>, Error>,
    ) -> Result<Option<ChatTemplate>, Error> {
        let template = match &self.file {
            Some(path) => {
                let mut template = ChatTemplate::read(path, special)?;
                template.identity.file = path.display().to_string();
                Some(template)
            }
            None => own()?,
        };
        match template {
            Some(template) => template.with_arguments(self.arguments.clone()).map(Some),
            None => match self.arguments.keys().next() {
                Some(name) => Err(Error::ArgumentWithoutTemplate { name: name.clone() }),
                None => Ok(None),
            },
        }
    }
}

impl ChatTemplate {
    /// The template in a file of its own.
    pub(super) fn read(path: &Path, special: &SpecialTokens) -> Result<Self, Error> {
        let source =
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::new(path, &source, special.clone())
    }

    /// Whether the template reads the variable `name`, in any of its branches.
    pub(crate) fn reads(&self, name: &str) -> bool {
        self.program.template().is_ok_and(|template| variables::reads(&template, name))
    }

    /// The variables that a user can give values for, in alphabetical order.
    pub(crate) fn parameters(&self) -> Vec<String> {
        let Ok(template) = self.program.template() else { return Vec::new() };
        let is_given = |name: &str| {
            OF_THE_REQUEST.contains(&name)
                || name.ends_with("_token")
                || name == "additional_special_tokens"
                || self.program.has_global(name)
        };
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.retain(|name| !is_given(name));
        names.sort();
        names
    }

    /// The template with values for its variables.
    fn with_arguments(mut self, arguments: Map<String, Value>) -> Result<Self, Error> {
        for name in arguments.keys() {
            let problem = if OF_THE_REQUEST.contains(&name.as_str()) {
                "is given by each request".to_owned()
            } else if !self.reads(name) {
                match self.parameters().as_slice() {
                    [] => "is not read by it, and nothing else can be given to it".to_owned(),
                    names => format!("is not read by it; what it reads: {}", names.join(", ")),
                }
            } else {
                continue;
            };
            return Err(Error::TemplateArgument { path: self.path, name: name.clone(), problem });
        }
        self.identity.arguments = arguments;
        Ok(self)
    }
}
