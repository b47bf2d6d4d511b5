//! Finds the NaN or infinity that `serde_json` would silently write as `null`.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::fmt::{self, Display};

/// Why a value is not written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A number without a JSON form, and where it is.
    NotFinite { key: String, value: f64 },
    /// The value could not be serialized; `serde_json` will say so better.
    Other(String),
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { key, value } => write!(f, "{key} is {value}"),
            Self::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Refusal {}

impl serde::ser::Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }
}

/// Fails at the first number in `value` that is not finite, naming its place as `key.key[index]`.
pub(super) fn check_finite(value: &impl Serialize) -> Result<(), Refusal> {
    value.serialize(Walk { place: String::new() })
}

/// A serializer that writes nothing and looks at every number.
struct Walk {
    place: String,
}

/// The inside of a list, a map or a struct.
struct Inside {
    place: String,
    index: usize,
    key: String,
}

impl Walk {
    fn inside(self) -> Inside {
        Inside { place: self.place, index: 0, key: String::new() }
    }
}

impl Inside {
    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Refusal> {
        let place = format!("{}[{}]", self.place, self.index);
        self.index += 1;
        value.serialize(Walk { place })
    }

    fn member(&self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Refusal> {
        let place = if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) };
        value.serialize(Walk { place })
    }
}

macro_rules! nothing_to_check {
    ($($method:ident($kind:ty))*) => {
        $(fn $method(self, _: $kind) -> Result<(), Refusal> {
            Ok(())
        })*
    };
}

impl Serializer for Walk {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Inside;
    type SerializeTuple = Inside;
    type SerializeTupleStruct = Inside;
    type SerializeTupleVariant = Inside;
    type SerializeMap = Inside;
    type SerializeStruct = Inside;
    type SerializeStructVariant = Inside;

    nothing_to_check! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_unit_struct(&'static str)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refusal> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refusal> {
        if value.is_finite() { Ok(()) } else { Err(Refusal::NotFinite { key: self.place, value }) }
    }

    fn serialize_none(self) -> Result<(), Refusal> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Refusal> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Refusal> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refusal> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        self.inside().member(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside, Refusal> {
        Ok(self.inside())
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside, Refusal> {
        Ok(self.inside())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside, Refusal> {
        Ok(self.inside())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside, Refusal> {
        Ok(self.inside())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside, Refusal> {
        Ok(self.inside())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside, Refusal> {
        Ok(self.inside())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside, Refusal> {
        Ok(self.inside())
    }
}

macro_rules! list_like {
    ($($trait:ident::$method:ident)*) => {
        $(impl $trait for Inside {
            type Ok = ();
            type Error = Refusal;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
                self.item(value)
            }

            fn end(self) -> Result<(), Refusal> {
                Ok(())
            }
        })*
    };
}

list_like! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! struct_like {
    ($($trait:ident)*) => {
        $(impl $trait for Inside {
            type Ok = ();
            type Error = Refusal;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Refusal> {
                self.member(key, value)
            }

            fn end(self) -> Result<(), Refusal> {
                Ok(())
            }
        })*
    };
}

struct_like! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Inside {
    type Ok = ();
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        self.key = match serde_json::to_value(key).map_err(serde::ser::Error::custom)? {
            serde_json::Value::String(key) => key,
            other => other.to_string(),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.member(&self.key, value)
    }

    fn end(self) -> Result<(), Refusal> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    struct Outer {
        name: &'static str,
        inner: BTreeMap<&'static str, Vec<Option<f32>>>,
    }

    fn check(values: Vec<Option<f32>>) -> Result<(), String> {
        let outer = Outer { name: "x", inner: BTreeMap::from([("scores", values)]) };
        check_finite(&outer).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn finite_numbers_and_null_pass() {
        assert_eq!(check(vec![Some(0.0), None, Some(-1.5e30)]), Ok(()));
        check_finite(&serde_json::json!({"a": [1, 2.5, null, {"b": "NaN"}]})).unwrap();
    }

    #[test]
    fn the_place_is_named() {
        assert_eq!(check(vec![Some(1.0), Some(f32::NAN)]).unwrap_err(), "inner.scores[1] is NaN");
        assert_eq!(check(vec![Some(f32::NEG_INFINITY)]).unwrap_err(), "inner.scores[0] is -inf");
    }
}
