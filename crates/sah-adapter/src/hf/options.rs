//! What a user says about a model beside its files.

use super::ChatTemplateOptions;
use crate::model::ConfigOverrides;

/// What a user says about a model beside its files; by default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelOptions {
    /// Another chat template, and values for its variables.
    pub chat_template: ChatTemplateOptions,
    /// What is used instead of fields of its config.
    pub config: ConfigOverrides,
}
