//! The names under which machines say something instead of asking: where a POST may go, and how
//! much it may bring.

/// The end of an installer's log, with the last words of what failed.
const REPORT_BYTES_MAX: usize = 1024 * 1024;
/// A machine's parts: the largest servers known have some hundred disks of a line each.
const INVENTORY_BYTES_MAX: usize = 64 * 1024;

/// How many bytes a POST to this name may bring, with or without a leading slash; none: this name
/// takes nothing. Whether a token in the name is worth anything is decided when the body is there.
#[must_use]
pub fn body_max(name: &str) -> Option<usize> {
    let name = name.trim_start_matches('/');
    match name.strip_prefix("report/") {
        Some(rest) => (!rest.is_empty()).then_some(REPORT_BYTES_MAX),
        None => (name == "inventory").then_some(INVENTORY_BYTES_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_callbacks_take_a_body() {
        for name in ["report/0123/done", "/report/0123/failed", "//report/x"] {
            assert_eq!(body_max(name), Some(1024 * 1024), "{name}");
        }
        assert_eq!(body_max("inventory"), Some(64 * 1024));
        assert_eq!(body_max("/inventory"), Some(64 * 1024));
        for name in [
            "",
            "/",
            "report",
            "report/",
            "reports/x",
            "a/report/x",
            "Report/x",
            "inventory/",
            "inventory/x",
            "boot.ipxe",
            "healthz",
            "image/debian/13/report/x",
        ] {
            assert_eq!(body_max(name), None, "{name}");
        }
    }
}
