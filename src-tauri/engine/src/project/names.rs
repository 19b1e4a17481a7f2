//! Names that become part of host names, containers and variables.

/// Tells whether a text is a DNS label (RFC 1123, section 2.1) in small letters.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 63 && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Makes a DNS label of a name: small letters, and one hyphen for each run of anything else.
pub(super) fn dns_label(text: &str) -> Option<String> {
    let spaced: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    let label = spaced.split_whitespace().collect::<Vec<_>>().join("-");
    is_label(&label).then_some(label)
}

/// Tells whether a text is a host name (RFC 1123) in small letters.
pub(super) fn is_host(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Tells whether a text can name an environment variable (POSIX.1-2017, chapter 8).
pub fn is_variable(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
}

/// Finds the name that was probably meant.
pub(super) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let lower = name.to_lowercase().replace('-', "_");
    let distance = |candidate: &str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase().replace('-', "_"));
    let (close, distance) = known.map(|candidate| (candidate, distance(candidate))).min_by_key(|(_, distance)| *distance)?;
    let length = close.chars().count().max(name.chars().count());
    // A short name is meant when one letter is wrong, or two have changed places.
    (distance <= (length / 3).max(1) && distance < length).then(|| close.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_made_of_names() {
        for (name, label) in
            [("shop", Some("shop")), ("My_Shop.api", Some("my-shop-api")), ("--a--", Some("a")), ("日本", None), ("", None)]
        {
            assert_eq!(dns_label(name).as_deref(), label, "{name}");
        }
        assert_eq!(dns_label(&"a".repeat(64)), None);
    }

    #[test]
    fn the_name_that_was_meant_is_found() {
        let known = ["command", "port", "volumes", "stop_grace"];
        for (typed, meant) in [
            ("comand", Some("command")),
            ("prot", Some("port")),
            ("stop-grace", Some("stop_grace")),
            ("zzz", None),
            ("volume", Some("volumes")),
        ] {
            assert_eq!(closest(typed, known.into_iter()).as_deref(), meant, "{typed}");
        }
    }

    #[test]
    fn hosts_and_variables_are_recognised() {
        assert!(is_host("shop.example.com") && is_host("localhost"));
        assert!(!is_host("Shop.example.com") && !is_host("a..b") && !is_host("http://a") && !is_host("a:80"));
        assert!(is_variable("LOG_LEVEL") && is_variable("_x1"));
        assert!(!is_variable("1X") && !is_variable("A-B") && !is_variable(""));
    }
}
