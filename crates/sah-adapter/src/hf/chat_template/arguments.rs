//! Arguments of filters, tests, functions and methods, by the rules of Python's calls.

use minijinja::value::{Kwargs, Rest, ValueOrKwargs};
use minijinja::{Error, ErrorKind, Value};

/// The arguments of a call. Of a filter or test, the first is what it is applied to.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Value>,
    pub(super) named: Vec<(String, Value)>,
}

impl Arguments {
    pub(super) fn new(values: Rest<ValueOrKwargs>) -> Result<Self, Error> {
        let mut positional = values.into_values();
        let mut named = Vec::new();
        if positional.last().is_some_and(Value::is_kwargs)
            && let Some(last) = positional.pop()
        {
            let all = Kwargs::try_from(last)?;
            for name in all.args() {
                named.push((name.to_owned(), all.peek::<Value>(name)?));
            }
        }
        Ok(Self { positional, named })
    }

    /// The values for parameters of these names, in their order; `None` for what is not given.
    pub(super) fn bind<const N: usize>(self, names: [&str; N]) -> Result<[Option<Value>; N], Error> {
        let mut bound = [const { None }; N];
        if self.positional.len() > N {
            let message = format!("takes {N} arguments, {} given", self.positional.len());
            return Err(Error::new(ErrorKind::TooManyArguments, message));
        }
        for (slot, value) in bound.iter_mut().zip(self.positional) {
            *slot = Some(value);
        }
        for (name, value) in self.named {
            let at = names.iter().position(|known| *known == name);
            match at.map(|at| &mut bound[at]) {
                Some(slot @ None) => *slot = Some(value),
                Some(Some(_)) => {
                    return Err(Error::new(ErrorKind::TooManyArguments, format!("`{name}` is given twice")));
                }
                None => {
                    return Err(Error::new(ErrorKind::TooManyArguments, format!("has no argument `{name}`")));
                }
            }
        }
        Ok(bound)
    }

    /// As the engine passes them on.
    pub(super) fn into_values(self) -> Vec<Value> {
        let mut values = self.positional;
        if !self.named.is_empty() {
            values.push(self.named.into_iter().collect::<Kwargs>().into());
        }
        values
    }

    /// Arguments without names, as functions take them that are written in C.
    pub(super) fn unnamed<const N: usize>(self) -> Result<[Option<Value>; N], Error> {
        self.bind([""; N])
    }
}

/// The value of a parameter that has no default.
pub(super) fn required(value: Option<Value>) -> Result<Value, Error> {
    value.ok_or_else(|| Error::from(ErrorKind::MissingArgument))
}
