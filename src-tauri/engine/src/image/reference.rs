//! Names of images: `python:3.13-slim` is short for `docker.io/library/python:3.13-slim`.
//!
//! Parsing and normalising is oci-spec's (which follows github.com/distribution/reference); this adds how people and engines see a name.

use std::fmt;

use crate::model::Digest;

/// The name of an image in a registry, with a tag, a digest, or both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference(oci_spec::distribution::Reference);

/// Text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the name of an image: {reason}")]
pub struct ReferenceError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ReferenceError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some("write it like `python:3.13-slim` or `registry.example.com/team/app:1.2`".into())
    }
}

impl Reference {
    /// Reads a name as people write it; without tag and digest it means the tag `latest`.
    ///
    /// # Errors
    /// When it breaks the grammar of references.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        text.trim().parse().map(Self).map_err(|error: oci_spec::distribution::ParseError| ReferenceError {
            text: text.to_owned(),
            reason: match text.chars().any(char::is_uppercase) {
                true => "it must be in lower case".to_owned(),
                false => error.to_string(),
            },
        })
    }

    /// Returns the registry, `docker.io` for Docker Hub.
    pub fn registry(&self) -> &str {
        self.0.registry()
    }

    /// Returns the repository inside the registry, such as `library/python`.
    pub fn repository(&self) -> &str {
        self.0.repository()
    }

    /// Returns the tag, if there is one.
    pub fn tag(&self) -> Option<&str> {
        self.0.tag()
    }

    /// Returns the digest, if it is pinned by one.
    pub fn digest(&self) -> Option<Digest> {
        self.0.digest().map(Digest::new)
    }

    /// Returns registry and repository without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry(), self.repository())
    }

    /// Returns the same repository at one digest, as engines pull it.
    pub fn at(&self, digest: &Digest) -> String {
        format!("{}@{digest}", self.name())
    }

    /// Returns the short form that people know, such as `python:3.13-slim`.
    pub fn familiar(&self) -> String {
        let name = self.name();
        let short = name.strip_prefix("docker.io/").unwrap_or(&name);
        let short = short.strip_prefix("library/").unwrap_or(short);
        let tag = self.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.0.digest().map(|digest| format!("@{digest}")).unwrap_or_default();
        format!("{short}{tag}{digest}")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, full: &str, familiar: &str) {
        let reference = Reference::parse(text).unwrap();
        assert_eq!(reference.to_string(), full);
        assert_eq!(reference.familiar(), familiar);
    }

    #[test]
    fn short_names_mean_docker_hub() {
        check("python:3.13-slim", "docker.io/library/python:3.13-slim", "python:3.13-slim");
        check("python", "docker.io/library/python:latest", "python:latest");
        check("team/app:1", "docker.io/team/app:1", "team/app:1");
        check("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest", "127.0.0.1:5000/app:latest");
        check("localhost/app:1", "localhost/app:1", "localhost/app:1");
        let digest = format!("sha256:{}", "ab".repeat(32));
        check(
            &format!("python:3.13-slim@{digest}"),
            &format!("docker.io/library/python:3.13-slim@{digest}"),
            &format!("python:3.13-slim@{digest}"),
        );
        assert_eq!(Reference::parse(&format!("python@{digest}")).unwrap().tag(), None);
    }

    #[test]
    fn text_that_names_nothing_says_why() {
        let refused = |text| Reference::parse(text).unwrap_err().to_string();
        assert_eq!(refused("Python:3.13"), "`Python:3.13` is not the name of an image: it must be in lower case");
        assert_eq!(refused(""), "`` is not the name of an image: repository name must have at least one component");
        assert_eq!(refused("a b"), "`a b` is not the name of an image: invalid reference format");
        assert_eq!(refused("python@sha256:12"), "`python@sha256:12` is not the name of an image: invalid reference format");
    }
}
