//! The way through catalogs and schemas to tables, and what stands in the place of a table when none is chosen.

use super::address;
use super::banner;
use crate::engine::tables::{Place, Surroundings};
use crate::model::EdgeError;
use crate::ui::markup::Markup;
use crate::workspace::{Container, Listed, TableEntry};

/// `Catalogs / main / direct_write / products`, all but the last as links; nothing where nothing is chosen.
pub(super) fn crumbs(markup: &mut Markup, place: &Place) {
    if place.catalog.is_empty() {
        return;
    }
    let mut steps: Vec<(&str, Place)> = vec![("Catalogs", Place::default())];
    let mut at = Place::default();
    at.catalog.clone_from(&place.catalog);
    steps.push((&place.catalog, at.clone()));
    if !place.schema.is_empty() {
        at.schema.clone_from(&place.schema);
        steps.push((&place.schema, at.clone()));
        if !place.table.is_empty() {
            at.table.clone_from(&place.table);
            steps.push((&place.table, at));
        }
    }
    let last = steps.len() - 1;
    markup.raw("<nav class=\"crumbs\" aria-label=\"Place\"><ol>");
    for (index, (name, place)) in steps.iter().enumerate() {
        markup.raw("<li>");
        if index == last {
            markup.element("span", &[("aria-current", "page")], name);
        } else {
            markup.element("a", &[("href", &address::of(place))], name);
        }
        markup.raw("</li>");
    }
    markup.raw("</ol></nav>");
}

/// Catalogs, the schemas of the chosen one, the tables of the chosen schema.
pub(super) fn lists(markup: &mut Markup, place: &Place, seen: &Surroundings) {
    markup.raw("<nav class=\"places\" aria-label=\"Catalogs, schemas and tables\">");
    let catalogs = Some(&seen.catalogs);
    list(markup, "catalogs", "Catalogs", catalogs, |markup, Container { name, comment }| {
        let there = Place { catalog: name.clone(), ..Place::default() };
        link(markup, name, &there, *name == place.catalog, comment);
    });
    list(markup, "schemas", "Schemas", seen.schemas.as_ref(), |markup, Container { name, comment }| {
        let there = Place { catalog: place.catalog.clone(), schema: name.clone(), table: String::new() };
        link(markup, name, &there, *name == place.schema, comment);
    });
    list(markup, "tables", "Tables", seen.tables.as_ref(), |markup, TableEntry { name, table_type, .. }| {
        let there = Place { catalog: place.catalog.clone(), schema: place.schema.clone(), table: name.clone() };
        let kind = if table_type == "MANAGED" { String::new() } else { table_type.to_lowercase().replace('_', " ") };
        link(markup, name, &there, *name == place.table, &kind);
    });
    markup.raw("</nav>");
}

fn list<T>(
    markup: &mut Markup,
    list: &'static str,
    title: &'static str,
    listed: Option<&Result<Listed<T>, EdgeError>>,
    entry: impl Fn(&mut Markup, &T),
) {
    let Some(listed) = listed else { return };
    markup.open("section", &[("data-list", list)]).element("h2", &[], title);
    match listed {
        Ok(Listed { items, more }) => {
            if items.is_empty() {
                markup.raw("<p class=\"help\">None that this app's principal can see.</p>");
            }
            markup.raw("<ul>");
            items.iter().for_each(|item| entry(markup, item));
            markup.raw("</ul>");
            if *more {
                markup.raw("<p class=\"help\">There are more; open a table by its full name.</p>");
            }
        }
        Err(error) => {
            markup.raw(
                "<p class=\"error\" data-testid=\"list-error\"><span class=\"sign\" aria-hidden=\"true\">×</span>",
            );
            markup.text(&error.message).raw("</p>");
        }
    }
    markup.raw("</section>");
}

fn link(markup: &mut Markup, name: &str, to: &Place, is_current: bool, about: &str) {
    let address = address::of(to);
    let mut attributes = vec![("href", address.as_str())];
    attributes.extend(is_current.then_some(("aria-current", "true")));
    attributes.extend((!about.is_empty()).then_some(("title", about)));
    markup.raw("<li>").open("a", &attributes).text(name);
    markup.raw("</a></li>");
}

/// What to do when no table is chosen.
pub(super) fn teach(markup: &mut Markup, place: &Place, seen: &Surroundings) {
    if let Err(error) = &seen.catalogs
        && place.catalog.is_empty()
    {
        banner(markup, "The workspace could not be looked at", error);
        return;
    }
    let nothing_here = matches!(&seen.tables, Some(Ok(Listed { items, .. })) if items.is_empty());
    markup.raw("<section class=\"first-run\" data-testid=\"no-table\">");
    if nothing_here {
        markup.raw(
            "<h2>No table here</h2><p>The schema holds no table that this app's principal can see. Create one, or let \
            somebody grant SELECT on the table that is missing.</p>",
        );
    } else {
        markup.raw("<h2>Choose a table</h2><p>Its columns and how each is written are shown here, whether Zerobus takes it, what \
            the app's principal may do with it, and its latest rows. From there it goes into the workbench.</p>");
    }
    markup.raw("</section>");
}
