//! Addresses of places and of what can be done there; names are safe in them.

use std::fmt::Write;

use super::TABLES;
use crate::engine::tables::Place;

/// The address of a place.
pub(super) fn of(place: &Place) -> String {
    with_place(TABLES.to_owned(), place)
}

/// Where a table is made at that place.
pub(super) fn of_new(place: &Place) -> String {
    with_place(super::create::NEW.to_owned(), place)
}

fn with_place(mut address: String, place: &Place) -> String {
    for (name, value) in [("catalog", &place.catalog), ("schema", &place.schema), ("table", &place.table)] {
        if !value.is_empty() {
            add(&mut address, name, value);
        }
    }
    address
}

/// Adds a value to an address.
fn add(address: &mut String, name: &str, value: &str) {
    address.push(if address.contains('?') { '&' } else { '?' });
    address.push_str(name);
    address.push('=');
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => address.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(address, "%{byte:02X}")),
        }
    }
}
