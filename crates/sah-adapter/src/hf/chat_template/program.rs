//! A template that can be rendered: minijinja's parser and engine with the operations of Python.

use std::borrow::Cow;

use minijinja::machinery::{CodeGenerator, eval, make_string_output, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};

use super::generation::as_with_blocks;
use super::{checks, filters, literals, operations, python, rewrite};

/// The name of the template in errors.
pub(super) const NAME: &str = "chat_template";

/// A template that was parsed once, and what it finds when it runs.
#[derive(Debug)]
pub(super) struct Program {
    source: String,
    environment: Environment<'static>,
}

impl Program {
    /// Parses `source`, and refuses what is not supported.
    pub(super) fn new(source: &str) -> Result<Self, Error> {
        let source = with_unix_lines(source);
        if let Some(separator) = source.chars().find(|c| ('\x1c'..='\x1f').contains(c)) {
            // White space to Python, but not to the parser.
            return Err(Error::new(ErrorKind::SyntaxError, format!("the character {separator:?}")));
        }
        literals::check(&source).map_err(|problem| Error::new(ErrorKind::SyntaxError, problem))?;
        let source = as_with_blocks(&source).into_owned();
        let mut environment = Environment::empty();
        environment.set_syntax(syntax()?);
        environment.set_formatter(|output, _, value| Ok(output.write_str(&python::text(value)?)?));
        filters::add_to(&mut environment);
        checks::add_to(&mut environment);
        operations::add_to(&mut environment);
        operations::add_functions(&mut environment);
        environment.add_template_owned(NAME, source.clone())?;
        rewrite::statement(&parse(&source, NAME, syntax()?)?)?;
        Ok(Self { source, environment })
    }

    /// Its text, with line feeds at the ends of lines.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The template as the engine knows it, for questions about its variables.
    pub(super) fn template(&self) -> Result<minijinja::Template<'_, '_>, Error> {
        self.environment.get_template(NAME)
    }

    /// Whether a variable of this name is there without being given.
    pub(super) fn has_global(&self, name: &str) -> bool {
        self.environment.globals().any(|(global, _)| global == name)
    }

    /// The text with these variables, for at most `fuel` units of work.
    pub(super) fn render(&self, variables: Value, fuel: u64) -> Result<String, Error> {
        let mut environment = self.environment.clone();
        environment.set_fuel(Some(fuel));
        let parsed = rewrite::statement(&parse(&self.source, NAME, syntax()?)?)?;
        let mut generator = CodeGenerator::new(NAME, &self.source);
        generator.compile_stmt(&parsed);
        let (instructions, blocks) = generator.finish();
        let mut text = String::new();
        let mut output = make_string_output(&mut text);
        eval(&environment, &instructions, variables, &blocks, &mut output, AutoEscape::None)?;
        drop(output);
        Ok(text)
    }
}

fn syntax() -> Result<SyntaxConfig, Error> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()
}

/// Every end of a line as a line feed: Jinja2 reads templates so, whatever file they come from.
fn with_unix_lines(source: &str) -> Cow<'_, str> {
    if source.contains('\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}
