//! Which errors belong to which field, and whether it is time to show them. Pure.

use crate::model::FieldError;

/// Where a path points: `items[2].product_price` is item 2, field `product_price`.
pub fn parse_path(path: &str) -> Option<(usize, &str)> {
    let (index, rest) = path.strip_prefix("items[")?.split_once(']')?;
    Some((index.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

/// The path of a field, as validation writes it; also the input's `name`.
pub fn path_of(index: usize, field: &str) -> String {
    format!("items[{index}].{field}")
}

/// The id of the input for a path; brackets and points are awkward in selectors.
pub fn input_id(path: &str) -> String {
    match parse_path(path) {
        Some((index, "")) => format!("item-{index}"),
        Some((index, field)) => format!("item-{index}-{field}"),
        None => "rows-json".to_owned(),
    }
}

/// Errors found here, then those the server found that were not found here.
pub fn merge(here: &[FieldError], server: &[FieldError]) -> Vec<FieldError> {
    let new =
        server.iter().filter(|error| !here.iter().any(|known| known.path == error.path && known.rule == error.rule));
    here.iter().chain(new).cloned().collect()
}

/// `1 error in 1 item`, `3 errors in 2 items`.
pub fn summary(errors: &[FieldError]) -> String {
    let mut items: Vec<usize> = Vec::new();
    for (item, _) in errors.iter().filter_map(|error| parse_path(&error.path)) {
        if !items.contains(&item) {
            items.push(item);
        }
    }
    let plural = |count: usize, noun: &str| if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") };
    match items.len() {
        0 => plural(errors.len(), "error"),
        count => format!("{} in {}", plural(errors.len(), "error"), plural(count, "item")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(path: &str, rule: &str) -> FieldError {
        FieldError::new(path, rule, "", None)
    }

    #[test]
    fn paths_name_an_item_and_a_field() {
        assert_eq!(parse_path("items[12].product_price"), Some((12, "product_price")));
        assert_eq!(parse_path("items[3]"), Some((3, "")));
        assert_eq!(parse_path("items"), None);
        assert_eq!(parse_path(&path_of(4, "category")), Some((4, "category")));
        assert_eq!(input_id("items[0].product_id"), "item-0-product_id");
    }

    #[test]
    fn the_servers_errors_are_added_once() {
        let here = [error("items[0].a", "required")];
        let server = [error("items[0].a", "required"), error("items[1].b", "length")];
        let merged = merge(&here, &server);
        assert_eq!(merged.len(), 2);
        assert_eq!(summary(&merged), "2 errors in 2 items");
        assert_eq!(summary(&here), "1 error in 1 item");
        assert_eq!(summary(&[error("items", "count")]), "1 error");
    }
}
