//! Which addresses are the page's files: the same for everybody, and free.

/// Whether a path is a file of the page. Files have an extension, or are in the folder of the compiled ones.
pub(super) fn is_static(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.starts_with("/pkg/") || (!path.starts_with("/api/") && name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_no_files_of_the_page() {
        assert!(is_static("/pkg/direct-write.wasm") && is_static("/theme.js") && is_static("/favicon.svg"));
        assert!(!is_static("/api/v1/comparisons/1/report.json") && !is_static("/") && !is_static("/runs/0190-ab"));
    }
}
