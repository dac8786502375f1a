//! Prices as people type them into a form or an address: by name, as text.

use super::{Prices, WarehouseSize};
use crate::model::FieldError;

/// Highest price or consumption that is taken for meant.
const MOST: f64 = 1e9;
/// Longest currency, in characters.
const LONGEST_CURRENCY: usize = 8;

/// Prices from names and texts, as they stand in an address, and every text that is no price. What is not named has its default,
/// a number that is left empty is not known, and other names are passed over. A broken text leaves the default.
pub fn read(pairs: &[(String, String)]) -> (Prices, Vec<FieldError>) {
    let mut reading = Reading { prices: Prices::default(), errors: Vec::new() };
    for (name, text) in pairs {
        reading.field(name, text.trim());
    }
    (reading.prices, reading.errors)
}

struct Reading {
    prices: Prices,
    errors: Vec<FieldError>,
}

impl Reading {
    fn field(&mut self, name: &str, text: &str) {
        match name {
            "warehouse_size" => match WarehouseSize::ALL.into_iter().find(|size| size.name() == text) {
                Some(size) => self.prices.warehouse_size = size,
                None => self.fail(name, "choice", "Choose one of the sizes.", text),
            },
            "warehouse_runs_anyway" => self.prices.warehouse_runs_anyway = matches!(text, "true" | "on"),
            "currency" if (1..=LONGEST_CURRENCY).contains(&text.chars().count()) => {
                self.prices.currency = text.to_owned();
            }
            "currency" => self.fail(name, "length", "Name the currency in 1 to 8 characters, for example USD.", text),
            _ => self.number(name, text),
        }
    }

    fn number(&mut self, name: &str, text: &str) {
        let prices = &mut self.prices;
        let place = match name {
            "zerobus_dbu_per_gb" => &mut prices.zerobus_dbu_per_gb,
            "zerobus_price_per_dbu" => &mut prices.zerobus_price_per_dbu,
            "warehouse_dbu_per_hour" => &mut prices.warehouse_dbu_per_hour,
            "warehouse_price_per_dbu" => &mut prices.warehouse_price_per_dbu,
            _ => return,
        };
        if text.is_empty() {
            *place = None;
            return;
        }
        match text.parse::<f64>() {
            Ok(number) if (0.0..=MOST).contains(&number) => *place = Some(number),
            _ => self.fail(name, "number", "Type a number of 0 or more with a point, for example 0.35.", text),
        }
    }

    fn fail(&mut self, name: &str, rule: &str, message: &str, text: &str) {
        self.errors.push(FieldError::new(name, rule, message, Some(&text.into())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> (Prices, Vec<FieldError>) {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        read(&pairs)
    }

    #[test]
    fn nothing_typed_is_the_default() {
        assert_eq!(typed(&[("id", "7"), ("told", "x")]), (Prices::default(), Vec::new()));
    }

    #[test]
    fn every_price_can_be_typed() {
        let (prices, errors) = typed(&[
            ("zerobus_dbu_per_gb", ""),
            ("zerobus_price_per_dbu", " 0.35 "),
            ("warehouse_size", "Small"),
            ("warehouse_dbu_per_hour", "11"),
            ("warehouse_price_per_dbu", "0"),
            ("warehouse_runs_anyway", "true"),
            ("currency", "EUR"),
        ]);
        assert!(errors.is_empty(), "{errors:?}");
        let expected = Prices {
            zerobus_dbu_per_gb: None,
            zerobus_price_per_dbu: Some(0.35),
            warehouse_size: WarehouseSize::Small,
            warehouse_dbu_per_hour: Some(11.0),
            warehouse_price_per_dbu: Some(0.0),
            warehouse_runs_anyway: true,
            currency: "EUR".to_owned(),
        };
        assert_eq!(prices, expected);
    }

    #[test]
    fn what_is_no_price_is_told_and_changes_nothing() {
        for text in ["-1", "NaN", "inf", "1e300", "0,35", "x"] {
            let (prices, errors) = typed(&[("zerobus_price_per_dbu", text)]);
            assert_eq!(prices, Prices::default(), "{text}");
            assert_eq!(errors[0].path, "zerobus_price_per_dbu", "{text}");
        }
        let (_, errors) = typed(&[("warehouse_size", "Huge"), ("currency", "doubloons")]);
        assert_eq!(errors.len(), 2);
    }
}
