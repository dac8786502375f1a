//! serde's visitors over one record.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::scalar::{misfit, set_bool, set_integer, set_key, set_null, set_number, set_text};
use super::{Kind, ObjectPlan};
use crate::lakehouse::decode::column::{Column, Data, Maps};
use crate::lakehouse::decode::problem::{Allowance, Fault, defect, fault};

/// What goes through the whole record.
pub(super) struct Context {
    pub(super) allowance: Allowance,
    /// Why reading was stopped, unless the text is no JSON.
    pub(super) fault: Option<Fault>,
}

impl Context {
    /// Stops reading.
    #[cold]
    fn stop<E: Error>(&mut self, fault: Fault) -> E {
        self.fault = Some(fault);
        E::custom("the record does not fit the table")
    }

    /// An error of a value inside, seen from here.
    #[cold]
    fn outwards<E>(&mut self, error: E, name: impl FnOnce(Fault) -> Fault) -> E {
        self.fault = self.fault.take().map(name);
        error
    }

    fn check<T, E: Error>(&mut self, outcome: Result<T, Fault>) -> Result<T, E> {
        outcome.map_err(|fault| self.stop(fault))
    }
}

/// Reads a record into the open row.
pub(super) fn record(
    plan: &ObjectPlan,
    text: &str,
    columns: &mut [Column],
    row: usize,
    context: &mut Context,
) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(ObjectVisitor { plan, columns, row, context })?;
    deserializer.end()
}

/// Reads an object's fields into the open row of their columns.
struct ObjectVisitor<'c> {
    plan: &'c ObjectPlan,
    columns: &'c mut [Column],
    row: usize,
    context: &'c mut Context,
}

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { plan, columns, row, context } = self;
        let mut expected = 0;
        while let Some(place) = object.next_key_seed(FieldName { plan, expected, context: &mut *context })? {
            let (Some((name, kind)), Some(column)) = (plan.fields.get(place), columns.get_mut(place)) else {
                return Err(context.stop(defect()));
            };
            if column.len() > row {
                return Err(context.stop(fault("the field is there twice").in_field(name)));
            }
            object
                .next_value_seed(Value { kind, column, context: &mut *context })
                .map_err(|error| context.outwards(error, |fault| fault.in_field(name)))?;
            expected = place + 1;
        }
        for column in columns.iter_mut().filter(|column| column.len() == row) {
            let taken = context.allowance.take(column.weight()).and_then(|()| set_null(column));
            taken.map_err(|fault| context.stop(fault.in_field(column.field().name())))?;
        }
        Ok(())
    }
}

/// Reads the name of a field and gives its place.
struct FieldName<'c> {
    plan: &'c ObjectPlan,
    expected: usize,
    context: &'c mut Context,
}

impl<'de> DeserializeSeed<'de> for FieldName<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        self.plan
            .place(name, self.expected)
            .ok_or_else(|| self.context.stop(fault("the table has no such column").in_field(name)))
    }
}

/// Reads one value and appends it to its column.
struct Value<'c> {
    kind: &'c Kind,
    column: &'c mut Column,
    context: &'c mut Context,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.kind {
            Kind::Float32 | Kind::Float64 | Kind::Decimal(..) => {
                let raw = <&RawValue>::deserialize(deserializer)?;
                let outcome = set_number(self.kind, self.column, raw.get());
                self.context.check(outcome)
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        let taken = self.context.allowance.take(self.column.weight());
        let outcome = taken.and_then(|()| set_null(self.column));
        self.context.check(outcome)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        let outcome = set_bool(self.kind, self.column, value);
        self.context.check(outcome)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        let outcome = set_integer(self.kind, self.column, value);
        self.context.check(outcome)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(self.context.stop(misfit(self.column, &value.to_string()))),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        Err(self.context.stop(misfit(self.column, &value.to_string())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let outcome = set_text(self.kind, self.column, text);
        self.context.check(outcome)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let Self { kind, column, context } = self;
        let (Kind::List(kind), Data::List(lists)) = (kind, &mut column.data) else {
            return Err(context.stop(misfit(column, "an array")));
        };
        loop {
            let index = lists.open_items();
            let item = Value { kind, column: &mut lists.items, context: &mut *context };
            match array.next_element_seed(item) {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(error) => return Err(context.outwards(error, |fault| fault.in_item(index))),
            }
        }
        let outcome = column.close_list();
        context.check(outcome)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        let Self { kind, column, context } = self;
        let row = column.len();
        match (kind, &mut column.data) {
            (Kind::Struct(plan), Data::Struct(columns)) => {
                ObjectVisitor { plan, columns, row, context: &mut *context }.visit_map(object)?;
                let outcome = column.set_struct(row).map(|_| ());
                context.check(outcome)
            }
            (Kind::Map(kinds), Data::Map(maps)) => {
                entries(kinds, maps, object, context)?;
                let outcome = column.close_map().and_then(|replaced| match replaced {
                    0 => Ok(()),
                    _ => Err(fault("a key is there twice")),
                });
                context.check(outcome)
            }
            _ => Err(context.stop(misfit(column, "an object"))),
        }
    }
}

/// Reads the entries of a map.
fn entries<'de, A: MapAccess<'de>>(
    (key, value): &(Kind, Kind),
    maps: &mut Maps,
    mut object: A,
    context: &mut Context,
) -> Result<(), A::Error> {
    loop {
        let index = maps.open_entries();
        let Maps { keys, values, .. } = &mut *maps;
        let entry = object.next_key_seed(Key { kind: key, column: keys, context: &mut *context });
        match entry {
            Ok(Some(())) => {}
            Ok(None) => return Ok(()),
            Err(error) => return Err(context.outwards(error, |fault| fault.in_field("key").in_item(index))),
        }
        object
            .next_value_seed(Value { kind: value, column: values, context: &mut *context })
            .map_err(|error| context.outwards(error, |fault| fault.in_field("value").in_item(index)))?;
    }
}

/// Reads the key of a map entry and appends it to the keys.
struct Key<'c> {
    kind: &'c Kind,
    column: &'c mut Column,
    context: &'c mut Context,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key of a map entry")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let outcome = set_key(self.kind, self.column, text);
        self.context.check(outcome)
    }
}
