//! The form with the prices that costs are made with: a plain question to the same page, so the answer is in the address.
//! On the server only.

use crate::model::FieldError;
use crate::model::cost::{Prices, WarehouseSize, ZEROBUS_DBU_PER_GB};
use crate::ui::markup::Markup;

/// A field for a number: its name, what it is, what to know about it.
type Number = (&'static str, &'static str, String);

/// What was typed, what it was read as, and what is wrong with it.
pub struct Typed {
    /// Names and texts from the address.
    pub pairs: Vec<(String, String)>,
    /// What they mean.
    pub prices: Prices,
    /// Which texts mean nothing.
    pub errors: Vec<FieldError>,
}

impl Typed {
    /// The text of a field: as it was typed, else the default.
    fn text(&self, name: &str, default: Option<f64>) -> String {
        let typed = self.pairs.iter().rev().find(|(other, _)| other == name);
        typed.map_or_else(|| default.map(|number| number.to_string()).unwrap_or_default(), |(_, text)| text.clone())
    }
}

/// Draws the form.
pub fn form(id: &str, typed: &Typed) -> String {
    let mut markup = Markup::new();
    let action = format!("/runs/{id}#cost");
    markup.open("form", &[("class", "prices"), ("method", "get"), ("action", &action), ("data-testid", "prices")]);
    markup.raw("<h3>Prices</h3><div class=\"prices-fields\">");
    let zerobus = [
        (
            "zerobus_dbu_per_gb",
            "Zerobus Ingest, DBU for a GB",
            format!("{ZEROBUS_DBU_PER_GB} unless your contract says otherwise."),
        ),
        (
            "zerobus_price_per_dbu",
            "Price of a DBU, Jobs Serverless",
            "Your contract says it. Empty: costs are in DBU.".to_owned(),
        ),
    ];
    for field in zerobus {
        number(&mut markup, typed, &field);
    }
    size(&mut markup, typed);
    let warehouse = [
        ("warehouse_dbu_per_hour", "Warehouse, DBU per hour", "Empty: what its size takes.".to_owned()),
        (
            "warehouse_price_per_dbu",
            "Price of a DBU, Serverless SQL",
            "Your contract says it. Empty: costs are in DBU.".to_owned(),
        ),
    ];
    for field in warehouse {
        number(&mut markup, typed, &field);
    }
    text(
        &mut markup,
        typed,
        ("currency", "Currency", "Of both prices.".to_owned()),
        &typed.prices.currency,
        &[("maxlength", "8")],
    );
    markup.raw("</div>");
    let always = [("type", "checkbox"), ("name", "warehouse_runs_anyway"), ("value", "true"), ("checked", "")];
    markup.raw("<label class=\"prices-check\">");
    markup.open("input", if typed.prices.warehouse_runs_anyway { &always } else { &always[..3] });
    markup.raw("<span>The warehouse runs and is paid for with or without these writes</span></label>");
    markup.raw("<button class=\"button\">Work out the costs</button></form>");
    markup.finish()
}

fn number(markup: &mut Markup, typed: &Typed, field: &Number) {
    let default = (field.0 == "zerobus_dbu_per_gb").then_some(ZEROBUS_DBU_PER_GB);
    let shown = typed.text(field.0, default);
    text(markup, typed, field.clone(), &shown, &[("inputmode", "decimal")]);
}

fn text(markup: &mut Markup, typed: &Typed, (name, title, help): Number, shown: &str, more: &[(&'static str, &str)]) {
    let error = typed.errors.iter().find(|error| error.path == name);
    let input = format!("price-{name}");
    let about = format!("{input}-about");
    markup.raw("<div class=\"field\">").element("label", &[("for", &input)], title);
    let attributes = [("id", input.as_str()), ("name", name), ("value", shown), ("aria-describedby", &about)];
    let invalid: &[(&'static str, &str)] = if error.is_some() { &[("aria-invalid", "true")] } else { &[] };
    markup.open("input", &[&attributes[..], more, invalid].concat());
    match error {
        Some(error) => markup.element(
            "p",
            &[("class", "error"), ("id", &about)],
            &format!("{} The default is used below.", error.message),
        ),
        None => markup.element("p", &[("class", "help"), ("id", &about)], &help),
    };
    markup.raw("</div>");
}

fn size(markup: &mut Markup, typed: &Typed) {
    markup.raw("<div class=\"field\"><label for=\"price-size\">Warehouse size</label><select id=\"price-size\" name=\"warehouse_size\">");
    for size in WarehouseSize::ALL {
        let chosen = size == typed.prices.warehouse_size;
        let attributes = [("value", size.name()), ("selected", "")];
        markup.element("option", if chosen { &attributes } else { &attributes[..1] }, size.name());
    }
    markup.raw("</select><p class=\"help\">Serverless; the smallest unless you know better.</p></div>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cost::read_prices;

    #[test]
    fn what_was_typed_stays_and_what_is_wrong_is_said() {
        let pairs = vec![
            ("zerobus_price_per_dbu".to_owned(), "\"cheap\"".to_owned()),
            ("warehouse_size".to_owned(), "Large".to_owned()),
        ];
        let (prices, errors) = read_prices(&pairs);
        let html = form("7", &Typed { pairs, prices, errors });
        assert!(html.contains("value=\"&quot;cheap&quot;\""), "{html}");
        assert!(html.contains("aria-invalid=\"true\""), "{html}");
        assert!(html.contains("The default is used below."), "{html}");
        assert!(html.contains("<option value=\"Large\" selected=\"\">"), "{html}");
        assert!(html.contains("value=\"0.143\""), "a default stands in its field: {html}");
    }
}
