//! Which addresses the window may hand to the browser.

use nonevent_engine::EngineError;
use url::{Host, Url};

/// Checks that an address is an app on this laptop: `http` or `https`, to `localhost` or a name below it (RFC 6761, section 6.3).
///
/// # Errors
/// When it is anything else.
pub fn local(address: &str) -> Result<Url, EngineError> {
    let refused = |reason: &str| {
        EngineError::user("address_refused", format!("`{address}` was not opened: {reason}"))
            .with_hint("open it by hand if you trust it")
    };
    let url = Url::parse(address).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("the window opens web pages only"));
    }
    match url.host() {
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => Ok(url),
        _ => Err(refused("it is not on this laptop")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn apps_on_this_laptop_are_opened() {
        for address in ["http://shop.localhost", "http://staging.shop.localhost:8080/admin?a=b", "https://shop.localhost:8443"] {
            local(address).unwrap();
        }
    }

    #[test]
    fn nothing_else_is() {
        for address in [
            "https://shop.example.com",
            "http://shop.localhost.example.com",
            "http://notlocalhost",
            "http://user@example.com#.localhost",
            "http://127.0.0.1:5000",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "shop.localhost",
            "",
        ] {
            let error = local(address).unwrap_err();
            assert_eq!(error.problem.code, "address_refused", "{address}");
        }
    }
}
