//! The Jinja environment that chat templates are written for: that of transformers.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value, escape_formatter};

use super::generation::as_with_blocks;
use super::strftime::strftime_now;
use super::{checks, filters, python};

/// An environment that holds `source` as `name`.
pub(super) fn with_template(name: &'static str, source: &str) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(python::call_method);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", strftime_now);
    filters::add_to(&mut environment);
    checks::add_to(&mut environment);
    environment.set_formatter(|output, state, value| match f64::try_from(value.clone()) {
        Ok(number) if value.kind() == ValueKind::Number && !value.is_integer() => {
            Ok(output.write_str(&python::float_repr(number))?)
        }
        _ => escape_formatter(output, state, value),
    });
    // Jinja2 reads every end of a line as a line feed, whatever file a template comes from.
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    environment.add_template_owned(name, as_with_blocks(&source).into_owned())?;
    Ok(environment)
}
