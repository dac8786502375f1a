//! What the page draws, and where it leads.

use super::*;
use crate::workspace::{Container, Listed};

fn place(catalog: &str, schema: &str, table: &str) -> Place {
    let [catalog, schema, table] = [catalog, schema, table].map(str::to_owned);
    Place { catalog, schema, table }
}

fn workspace() -> WorkspaceBadge {
    WorkspaceBadge { name: "Local".into(), local: true, url: "http://a".into(), principal: "me".into() }
}

#[test]
fn addresses_lead_to_the_place_whatever_it_is_called() {
    assert_eq!(address::of(&place("", "", "")), "/tables");
    assert_eq!(address::of(&place("main", "s", "t")), "/tables?catalog=main&schema=s&table=t");
    assert_eq!(address::of(&place("a b&c", "\"", "")), "/tables?catalog=a%20b%26c&schema=%22");
    assert_eq!(address::of_new(&place("main", "s", "")), "/tables/new?catalog=main&schema=s");
}

#[test]
fn a_full_name_that_is_typed_counts_more_than_the_place() {
    let there = place("main", "s", "");
    let (found, problem) = place_of("Other.Sales.Orders", there.clone());
    assert_eq!((found, problem), (place("other", "sales", "orders"), None));
    let (found, problem) = place_of("orders", there.clone());
    assert_eq!((found, problem.unwrap().error_code.as_str()), (there.clone(), "INVALID_PARAMETER_VALUE"));
    assert_eq!(place_of("", there.clone()), (there, None));
}

#[test]
fn names_are_text_and_every_trouble_stands_in_its_place() {
    let denied = || EdgeError::new("PERMISSION_DENIED", "The tables of <main> could not be listed.");
    let container = Container { name: "<b>".to_owned(), comment: "a \"comment\"".to_owned() };
    let seen = Surroundings {
        catalogs: Ok(Listed { items: vec![container], more: true }),
        schemas: Some(Ok(Listed { items: Vec::new(), more: false })),
        tables: Some(Err(denied())),
        table: None,
    };
    let place = place("<b>", "s", "");
    assert_eq!(trouble(&seen, None).map(|error| error.error_code.as_str()), Some("PERMISSION_DENIED"));
    let page = parts(&place, "", None, &seen, &workspace());
    assert!(!page.contains("<b>") && page.contains("&lt;b&gt;"), "{page}");
    for words in ["There are more", "None that this app&#39;s principal can see", "of &lt;main&gt; could not"] {
        let plain = words.replace("&#39;", "'");
        assert!(page.contains(words) || page.contains(&plain), "{words}: {page}");
    }
    assert!(
        page.contains("href=\"/tables?catalog=%3Cb%3E\" aria-current=\"true\" title=\"a &quot;comment&quot;\""),
        "{page}"
    );
}
