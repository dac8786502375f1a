//! Pages of a listing: `max_results`, `page_token`, `next_page_token`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::lakehouse::error::ApiError;

/// The page's length where the client leaves it to the server, and the longest there is.
const PAGE: usize = 50;

/// One page of sorted names, and where the next one begins.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next_page_token: Option<String>,
}

/// Cuts a page out of `items`, which are sorted by `name`. Without `max_results` all that follow are on it, as on the
/// real API. A token names the last item of the page before, so what is made or dropped between two pages moves nothing
/// else.
///
/// # Errors
/// 400 for a negative `max_results`, or a token that was not given out here.
pub(super) fn page<T>(
    items: impl IntoIterator<Item = T>,
    name: impl Fn(&T) -> String,
    max_results: Option<i64>,
    page_token: Option<&str>,
) -> Result<Page<T>, ApiError> {
    let length = match max_results {
        None => usize::MAX,
        Some(0) => PAGE,
        Some(length) => usize::try_from(length)
            .map_err(|_| ApiError::invalid(format!("max_results {length}: write 0 or more")))?
            .min(PAGE),
    };
    let after = page_token.filter(|token| !token.is_empty()).map(read_token).transpose()?;
    let mut rest = items.into_iter().filter(|item| after.as_ref().is_none_or(|after| name(item) > *after));
    let items: Vec<T> = rest.by_ref().take(length).collect();
    let more = rest.next().is_some();
    let next_page_token = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(name(last)));
    Ok(Page { items, next_page_token })
}

fn read_token(token: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| ApiError::invalid("page_token is not one that was given out here"))
}
