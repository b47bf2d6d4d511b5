//! A metadata value.

/// A metadata value, integers of all widths as the widest of their kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Unsigned(u64),
    Signed(i64),
    F32(f32),
    F64(f64),
    Bool(bool),
    String(String),
    Array(Vec<Value>),
}

impl Value {
    /// An integer of either kind that is not negative.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(value) => Some(*value),
            Self::Signed(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A finite number. An f32 becomes the number that its shortest decimal form means (`1e-5`, not
    /// `9.999999747378752e-06`), which rounds back to the same f32.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        let number = match self {
            Self::F32(value) => value.to_string().parse().ok()?,
            Self::F64(value) => *value,
            other => other.as_u64()? as f64,
        };
        number.is_finite().then_some(number)
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::String(value) = self { Some(value) } else { None }
    }

    pub(crate) fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(value) = self { Some(value) } else { None }
    }

    /// What an error says was found.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Unsigned(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::F32(value) => value.to_string(),
            Self::F64(value) => value.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::String(value) => format!("text `{}`", value.chars().take(60).collect::<String>()),
            Self::Array(values) => format!("an array of {}", values.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn numbers_keep_their_meaning() {
        assert_eq!(Value::F32(1e-5).as_f64(), Some(1e-5));
        assert_eq!(Value::F32(100_000.0).as_f64(), Some(100_000.0));
        assert_eq!(Value::F32(f32::NAN).as_f64(), None);
        assert_eq!(Value::Signed(-1).as_u64(), None);
        assert_eq!(Value::Signed(7).as_u64(), Some(7));
        assert_eq!(Value::Bool(true).as_u64(), None);
    }
}
