//! Which index uv asks where a lock holds no URLs: the user's, never one of ours.
//!
//! What the user's environment says of indexes and of the way to them is kept; everything else that could change an answer
//! (`UV_*`, `PIP_*`) is taken away.

use std::path::Path;

use tokio::process::Command;

use super::tool::CommandLine;

/// Variables of uv that say which index to ask and how to reach it.
const KEPT: [&str; 17] = [
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
    "UV_KEYRING_PROVIDER",
    "UV_CREDENTIALS_DIR",
    "UV_INSECURE_HOST",
    "UV_NATIVE_TLS",
    "UV_SYSTEM_CERTS",
    "UV_CONFIG_FILE",
    "UV_CACHE_DIR",
    "UV_HTTP_",
    "UV_CONCURRENT_",
    "UV_OFFLINE",
    "UV_PYTHON_DOWNLOADS",
    "UV_PYTHON_INSTALL_",
];

/// The indexes that pip would ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PipIndexes {
    default: Option<String>,
    extra: Vec<String>,
}

/// Cleans the environment of a command, and names pip's index from it where uv has none there.
pub(super) fn apply(command: &mut Command, environment: impl IntoIterator<Item = (String, String)>) {
    let variables: Vec<(String, String)> = environment.into_iter().collect();
    let value = |name: &str| variables.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value);
    for (name, _) in &variables {
        if (name.starts_with("UV_") && !is_kept(name)) || name.starts_with("PIP_") {
            command.env_remove(name);
        }
    }
    if value("UV_DEFAULT_INDEX").or(value("UV_INDEX_URL")).is_none()
        && let Some(url) = value("PIP_INDEX_URL")
    {
        command.env("UV_DEFAULT_INDEX", url);
        if let Some(extra) = value("PIP_EXTRA_INDEX_URL") {
            command.env("UV_INDEX", extra);
        }
    }
    if value("SSL_CERT_FILE").is_none()
        && let Some(bundle) = value("PIP_CERT")
    {
        command.env("SSL_CERT_FILE", bundle);
    }
}

fn is_kept(name: &str) -> bool {
    // `UV_INDEX_URL`, and names and passwords of single indexes: `UV_INDEX_<NAME>_USERNAME`.
    name.starts_with("UV_INDEX_") || KEPT.iter().any(|kept| name == *kept || kept.ends_with('_') && name.starts_with(kept))
}

impl PipIndexes {
    /// Asks pip for its configuration; nothing when there is no pip, or when it names no index.
    pub(super) async fn configured(folder: &Path) -> Option<Self> {
        let command = CommandLine::new(["python3", "-m", "pip", "config", "list"], "reading pip's configuration");
        let listed = command.run(folder, |_| {}).await.ok()?;
        Some(Self::parse(&listed)).filter(|indexes| indexes.default.is_some())
    }

    /// Reads lines such as `global.index-url='https://…'`.
    fn parse(listed: &str) -> Self {
        let mut indexes = Self::default();
        for (key, value) in listed.lines().filter_map(|line| line.split_once('=')) {
            let value = value.trim().trim_matches(['\'', '"']);
            match key.trim().rsplit('.').next() {
                Some("index-url") => indexes.default = Some(value.to_owned()),
                // Several of them are printed with an escaped line end between.
                Some("extra-index-url") => {
                    indexes.extra = value.split("\\n").flat_map(str::split_whitespace).map(str::to_owned).collect();
                }
                _ => {}
            }
        }
        indexes
    }

    /// Hands them to a command of uv.
    pub(super) fn apply(&self, command: &mut Command) {
        if let Some(url) = &self.default {
            command.env("UV_DEFAULT_INDEX", url);
            if !self.extra.is_empty() {
                command.env("UV_INDEX", self.extra.join(" "));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsStr;

    use super::*;

    fn applied(variables: &[(&str, &str)]) -> BTreeMap<String, Option<String>> {
        let mut command = Command::new("true");
        apply(&mut command, variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let text = |text: &OsStr| text.to_string_lossy().into_owned();
        command.as_std().get_envs().map(|(name, value)| (text(name), value.map(text))).collect()
    }

    #[test]
    fn only_what_concerns_the_index_is_kept() {
        let changed = applied(&[
            ("UV_EXCLUDE_NEWER", "2020-01-01"),
            ("UV_INDEX_PRIVATE_PASSWORD", "not-a-real-one"),
            ("UV_HTTP_TIMEOUT", "3"),
            ("PIP_NO_BINARY", ":all:"),
            ("HOME", "/somewhere"),
        ]);
        let expected = [("PIP_NO_BINARY".to_owned(), None), ("UV_EXCLUDE_NEWER".to_owned(), None)];
        assert_eq!(changed, BTreeMap::from(expected));
    }

    #[test]
    fn the_index_of_pip_is_handed_on_unless_uv_has_one() {
        let pip = [("PIP_INDEX_URL", "https://index.example/simple"), ("PIP_CERT", "/etc/ca.pem")];
        let changed = applied(&pip);
        assert_eq!(changed.get("UV_DEFAULT_INDEX"), Some(&Some("https://index.example/simple".to_owned())));
        assert_eq!(changed.get("SSL_CERT_FILE"), Some(&Some("/etc/ca.pem".to_owned())));
        let both: Vec<_> = pip.into_iter().chain([("UV_INDEX_URL", "https://other.example/simple")]).collect();
        assert_eq!(applied(&both).get("UV_DEFAULT_INDEX"), None);
    }

    #[test]
    fn the_configuration_of_pip_is_read() {
        let listed =
            "global.extra-index-url='\\nhttps://a.example/\\nhttps://b.example/'\nglobal.index-url='https://c.example/'\n";
        let expected = PipIndexes {
            default: Some("https://c.example/".into()),
            extra: vec!["https://a.example/".into(), "https://b.example/".into()],
        };
        assert_eq!(PipIndexes::parse(listed), expected);
    }
}
