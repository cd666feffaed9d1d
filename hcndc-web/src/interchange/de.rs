//! Marked tree → types, one pass to the first fault, told with the steps that lead to it.
//!
//! [`source`](super::source) repeats the pass with the faulty node put aside until nothing is left
//! to tell.

use std::fmt::Display;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::fault::{Expected, Found, Problem};
use super::mesh_file::short::TextForm as _;
use super::mesh_file::{
    JobDependency, MeshDate, MeshDayFilter, MeshDayRule, MeshDeadline, MeshParamValue, MeshTrigger,
    Moment, TimeOfDay,
};
use super::node::{Node, Step, Value};
use super::span::Span;
use super::text_map::WRITTEN;

/// Name under which readers know a type that takes an id or a name.
pub(crate) const REFERENCE: &str = "Reference";

/// Why a pass ended, and where: steps from the node that was deserialized, innermost first.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) steps: Vec<Step>,
    pub(super) problem: Problem,
    /// The key is at fault, not its value.
    pub(super) at_key: bool,
}

impl Stop {
    fn new(problem: Problem) -> Self {
        Self {
            steps: Vec::new(),
            problem,
            at_key: false,
        }
    }

    fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.problem.code())
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Problem::Syntax {
            detail: message.to_string(),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Problem::MissingField {
            field: field.to_owned(),
        })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownField {
            field: field.to_owned(),
            known: known.iter().map(|&name| name.to_owned()).collect(),
            near: super::near::nearest(field, known.iter().copied()).map(str::to_owned),
        })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownWord {
            word: shorten(word),
            known: known.iter().map(|&name| name.to_owned()).collect(),
        })
    }
}

/// Fields of the outermost struct that are read elsewhere or stand in for faulty ones.
#[derive(Debug, Default)]
pub(super) struct Outer<'a> {
    /// Lists that are read one element at a time: here they are empty.
    pub(super) apart: &'a [&'static str],
    /// Required fields that are missing or faulty, told already.
    pub(super) stand_ins: &'a [(&'static str, &'a Node)],
}

/// Reads one value off a node.
#[derive(Clone, Copy)]
pub(super) struct NodeReader<'a> {
    node: &'a Node,
    outer: Option<&'a Outer<'a>>,
    expected: Option<Expected>,
}

impl<'a> NodeReader<'a> {
    pub(super) fn new(node: &'a Node, outer: &'a Outer<'a>) -> Self {
        Self {
            node,
            outer: Some(outer),
            expected: None,
        }
    }

    fn inner(node: &'a Node) -> Self {
        Self {
            node,
            outer: None,
            expected: None,
        }
    }

    fn wrong(&self, expected: Expected) -> Stop {
        wrong_type(self.node, self.expected.unwrap_or(expected))
    }

    fn integer<T: TryFrom<i128>>(&self, min: i128, max: i128) -> Result<T, Stop> {
        let Value::Number(written) = &self.node.value else {
            return Err(self.wrong(Expected::Integer));
        };
        let value = parse_integer(written).ok_or_else(|| self.wrong(Expected::Integer))?;
        let range = || Problem::OutOfRange {
            min: i64::try_from(min).unwrap_or(i64::MIN),
            max: i64::try_from(max).unwrap_or(i64::MAX),
            found: written.to_string(),
        };
        T::try_from(value).map_err(|_| Stop::new(range()))
    }
}

pub(super) fn wrong_type(node: &Node, expected: Expected) -> Stop {
    let found = match &node.value {
        Value::Null => Found::Null,
        Value::Bool(_, written) => Found::Boolean(written.to_string()),
        Value::Number(written) => Found::Number(shorten(written)),
        Value::Text(text) => Found::Text(shorten(text)),
        Value::List(items) => Found::List(items.len()),
        Value::Map(entries) => Found::Map(entries.len()),
    };
    Stop::new(Problem::WrongType { expected, found })
}

/// At most 60 characters of `text`, with a mark where more was.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An integer of the core schema; too long a one is as large as can be.
fn parse_integer(written: &str) -> Option<i128> {
    let parse = |digits: &str, radix| {
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            return None;
        }
        Some(i128::from_str_radix(digits, radix).unwrap_or(i128::MAX))
    };
    if let Some(digits) = written.strip_prefix("0x") {
        return parse(digits, 16);
    }
    if let Some(digits) = written.strip_prefix("0o") {
        return parse(digits, 8);
    }
    match written.strip_prefix('-') {
        Some(digits) => parse(digits, 10).map(|value| -value),
        None => parse(written.strip_prefix('+').unwrap_or(written), 10),
    }
}

fn parse_float(written: &str) -> Option<f64> {
    parse_integer(written)
        .map(|value| value as f64)
        .or_else(|| written.parse().ok())
        .filter(|value: &f64| value.is_finite())
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
            visitor.$visit(self.integer::<$type>(<$type>::MIN as i128, <$type>::MAX as i128)?)
        }
    )*};
}

impl<'a> de::Deserializer<'a> for NodeReader<'a> {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value, _) => visitor.visit_bool(*value),
            Value::Number(written) => match parse_integer(written).map(i64::try_from) {
                Some(Ok(value)) => visitor.visit_i64(value),
                _ => visitor
                    .visit_f64(parse_float(written).ok_or_else(|| self.wrong(Expected::Number))?),
            },
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Map(_) => visitor.visit_map(Entries::new(self, &[])),
        };
        // What a visitor itself refuses (no steps yet) is told in terms of what was expected here.
        result.map_err(|stop| match stop {
            Stop {
                steps,
                problem: Problem::Syntax { .. },
                ..
            } if steps.is_empty() => self.wrong(Expected::Value),
            other => other,
        })
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.value {
            Value::Bool(value, _) => visitor.visit_bool(*value),
            _ => Err(self.wrong(Expected::Boolean)),
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.value {
            Value::Number(written) => {
                visitor.visit_f64(parse_float(written).ok_or_else(|| self.wrong(Expected::Number))?)
            }
            _ => Err(self.wrong(Expected::Number)),
        }
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.value {
            Value::Text(text) => visitor.visit_borrowed_str(text),
            _ => Err(self.wrong(Expected::Text)),
        }
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let expected = match name {
            WRITTEN => {
                return match &self.node.value {
                    Value::Bool(_, written) | Value::Number(written) | Value::Text(written) => {
                        visitor.visit_newtype_struct(BorrowedStrDeserializer::new(written))
                    }
                    Value::Null | Value::List(_) | Value::Map(_) => {
                        Err(self.wrong(Expected::Scalar))
                    }
                };
            }
            MeshParamValue::NAME => match &self.node.value {
                Value::Bool(_, written) | Value::Number(written) | Value::Text(written) => {
                    return visitor.visit_newtype_struct(BorrowedStrDeserializer::new(written));
                }
                Value::Null | Value::List(_) | Value::Map(_) => Some(Expected::ParamValue),
            },
            Span::NAME => Some(Expected::Duration),
            JobDependency::NAME => Some(Expected::Dependency),
            MeshDate::NAME => Some(Expected::Date),
            TimeOfDay::NAME => Some(Expected::TimeOfDay),
            Moment::NAME => Some(Expected::Moment),
            MeshTrigger::NAME => Some(Expected::Trigger),
            MeshDayRule::NAME => Some(Expected::DayRule),
            MeshDayFilter::NAME => Some(Expected::DayFilter),
            MeshDeadline::NAME => Some(Expected::Deadline),
            REFERENCE => Some(Expected::Reference),
            _ => None,
        };
        visitor.visit_newtype_struct(Self { expected, ..self })
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.value {
            Value::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            _ => Err(self.wrong(Expected::List)),
        }
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        match &self.node.value {
            Value::Map(_) => visitor.visit_map(Entries::new(self, &[])),
            _ => Err(self.wrong(Expected::Map)),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match &self.node.value {
            Value::Map(_) => visitor.visit_map(Entries::new(self, fields)),
            _ => Err(self.wrong(Expected::Map)),
        }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match &self.node.value {
            Value::Text(text) => {
                let word: StrDeserializer<'_, Stop> = (**text).into_deserializer();
                visitor.visit_enum(word)
            }
            _ => Err(self.wrong(Expected::Text)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

struct Items<'a> {
    items: &'a [Node],
    next: usize,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        while let Some(node) = self.items.get(self.next) {
            let index = self.next;
            self.next += 1;
            if !node.faulty {
                return seed
                    .deserialize(NodeReader::inner(node))
                    .map(Some)
                    .map_err(|stop| stop.under(Step::Item(index)));
            }
        }
        Ok(None)
    }
}

struct Entries<'a> {
    node: &'a Node,
    next: usize,
    /// Fields of a struct: there, a null is the same as leaving the field out.
    fields: &'static [&'static str],
    outer: Option<&'a Outer<'a>>,
    stand_in: usize,
    value: Option<&'a Node>,
}

impl<'a> Entries<'a> {
    fn new(reader: NodeReader<'a>, fields: &'static [&'static str]) -> Self {
        Self {
            node: reader.node,
            next: 0,
            fields,
            outer: reader.outer,
            stand_in: 0,
            value: None,
        }
    }
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Stop> {
        while let Some(entry) = self.node.entries().get(self.next) {
            let index = self.next;
            self.next += 1;
            let apart = self
                .outer
                .is_some_and(|outer| outer.apart.contains(&&*entry.key));
            // An unknown field is told even when it is null.
            let absent = entry.node.value == Value::Null && self.fields.contains(&&*entry.key);
            if entry.node.faulty || apart || absent {
                continue;
            }
            self.value = Some(&entry.node);
            let key = seed.deserialize(BorrowedStrDeserializer::new(&entry.key));
            return key.map(Some).map_err(|stop: Stop| Stop {
                at_key: true,
                ..stop.under(Step::Entry(index))
            });
        }
        let Some((key, node)) = self
            .outer
            .and_then(|outer| outer.stand_ins.get(self.stand_in))
        else {
            return Ok(None);
        };
        self.stand_in += 1;
        self.value = Some(node);
        seed.deserialize(BorrowedStrDeserializer::new(key))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        let index = self.next.saturating_sub(1);
        match self.value.take() {
            Some(node) => seed
                .deserialize(NodeReader::inner(node))
                .map_err(|stop| stop.under(Step::Entry(index))),
            None => Err(Stop::new(Problem::KeyNotText)),
        }
    }
}
