//! Which addresses are handed to the browser, and handing one over.

use std::path::Path;

use nonevent_engine::{Engine, EngineError};
use url::Host;
pub use url::Url;

use crate::outside;

/// Checks that an address is an app of the project in a folder, as [`declared`] does.
///
/// # Errors
/// When it is anything else, or the project cannot be read.
pub fn of_project(engine: &Engine, folder: &Path, address: &str) -> Result<Url, EngineError> {
    declared(address, engine.domains(folder)?.iter().map(String::as_str))
}

/// Shows an address in the person's browser. Takes a moment.
///
/// # Errors
/// When there is none that takes it.
pub fn open(url: &Url) -> Result<(), EngineError> {
    outside::open(url.as_str()).map_err(|error| {
        EngineError::user("no_browser", format!("no browser could be started for {url}: {error}"))
            .with_hint("copy the address into a browser")
    })
}

/// Checks that an address is an app on this laptop: `http` or `https`, to `localhost` or a name below it (RFC 6761, section 6.3).
///
/// # Errors
/// When it is anything else.
pub fn local(address: &str) -> Result<Url, EngineError> {
    checked(address, "it is not on this laptop", is_local)
}

/// Checks that an address is an app of a project: `http` or `https`, to a name that the project's environments declare, or on this laptop.
///
/// # Errors
/// When it is anything else.
pub fn declared<'a>(address: &str, domains: impl IntoIterator<Item = &'a str>) -> Result<Url, EngineError> {
    let mut domains = domains.into_iter();
    let declared = |name: &str| is_local(name) || domains.any(|domain| domain.eq_ignore_ascii_case(name));
    checked(address, "no environment of the project declares its name", declared)
}

fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn checked(address: &str, otherwise: &str, fits: impl FnOnce(&str) -> bool) -> Result<Url, EngineError> {
    let refused = |reason: &str| {
        EngineError::user("address_refused", format!("`{address}` was not opened: {reason}"))
            .with_hint("open it by hand if you trust it")
    };
    let url = Url::parse(address).map_err(|error| refused(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("only web pages are opened"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it holds a login"));
    }
    match url.host() {
        Some(Host::Domain(name)) if fits(name) => Ok(url),
        _ => Err(refused(otherwise)),
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
            declared(address, []).unwrap();
        }
    }

    #[test]
    fn names_that_the_project_declares_are_opened() {
        for address in ["https://shop.example.com", "http://shop.example.com:8080", "https://shop.test:8443/items"] {
            declared(address, ["shop.test", "Shop.example.com"]).unwrap();
            assert_eq!(local(address).unwrap_err().problem.code, "address_refused", "{address}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for address in [
            "https://other.example.com",
            "https://shop.example.com.evil.example",
            "https://evil.shop.example.com",
            "http://shop.localhost.example.com",
            "http://notlocalhost",
            "http://user@example.com#.localhost",
            "http://shop.example.com@evil.example",
            "http://user:word@shop.example.com",
            "http://127.0.0.1:5000",
            "ftp://shop.example.com",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "shop.localhost",
            "",
        ] {
            for refused in [local(address), declared(address, ["shop.example.com"])] {
                assert_eq!(refused.unwrap_err().problem.code, "address_refused", "{address}");
            }
        }
    }
}
