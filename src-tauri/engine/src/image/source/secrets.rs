//! A guard against secrets in images: by name, since a name is what a person can check.

/// What a file that looks like a secret looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    /// Values or logins for a machine: never in any image.
    Values,
    /// A key or certificate: tests have such files on purpose, and their own image may hold them.
    Key,
}

/// Names that hold values or logins, wherever they are.
const VALUES: [&str; 13] = [
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".htpasswd",
    ".dockercfg",
    ".git-credentials",
    "credentials",
    "credentials.json",
    "service-account.json",
    "vault.age",
    "terraform.tfstate",
];

/// Folders whose whole content is somebody's logins.
const FOLDERS: [&str; 4] = [".aws", ".ssh", ".gnupg", ".kube"];

/// Names of private keys.
const KEYS: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

/// Endings of private keys and stores of them.
const KEY_ENDINGS: [&str; 7] = [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx"];

/// Endings of files that show which variables there are, without their values.
const SAMPLES: [&str; 5] = ["example", "sample", "template", "dist", "defaults"];

/// Names files that are left out at most; the rest is counted.
const MOST_NAMED: usize = 5;

/// Tells whether a path looks like a secret.
pub(super) fn judge(path: &str) -> Option<Secret> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folders = path.strip_suffix(name).unwrap_or_default();
    let login = [".streamlit/secrets.toml", ".docker/config.json"].iter().any(|ending| path.ends_with(ending));
    if login || folders.split('/').any(|folder| FOLDERS.contains(&folder)) {
        return Some(Secret::Values);
    }
    if let Some(rest) = name.strip_prefix(".env") {
        let sample = rest.rsplit('.').next().is_some_and(|ending| SAMPLES.contains(&ending));
        let environment_file = rest.is_empty() || rest.starts_with('.') || rest.starts_with('-') || rest.starts_with('_');
        return (environment_file && !sample && rest != ".py").then_some(Secret::Values);
    }
    if VALUES.contains(&name) {
        return Some(Secret::Values);
    }
    let key = KEYS.contains(&name) || KEY_ENDINGS.iter().any(|ending| name.ends_with(ending));
    key.then_some(Secret::Key)
}

/// Says what was left out, and how to keep it.
pub(super) fn warning(paths: &[String]) -> Option<String> {
    let mut sorted: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    sorted.sort();
    let verb = match sorted.len() {
        0 => return None,
        1 => "was",
        _ => "were",
    };
    let list = match sorted.as_slice() {
        many if many.len() > MOST_NAMED => {
            let named = many.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
            format!("{named} and {} more", many.len() - MOST_NAMED)
        }
        [head @ .., last] if !head.is_empty() => format!("{} and {last}", head.join(", ")),
        other => other.join(", "),
    };
    let them = if sorted.len() == 1 { "it" } else { "them" };
    Some(format!(
        "{list} would be in the image and {verb} left out, for fear of secrets; name {them} in `[build] include` to keep {them}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_secrets() {
        for path in [".env", "config/.env.production", ".env.local", "deploy/credentials.json", ".aws/config", ".netrc"] {
            assert_eq!(judge(path), Some(Secret::Values), "{path}");
        }
        for path in ["deploy.pem", "certs/server.key", "id_rsa", "keys/id_ed25519", "store.p12"] {
            assert_eq!(judge(path), Some(Secret::Key), "{path}");
        }
        for path in [".env.example", ".envrc.md", "environment.py", "keys.py", "shop/credentials.py", "monkey", ".environment/x"]
        {
            assert_eq!(judge(path), None, "{path}");
        }
    }

    #[test]
    fn the_warning_names_a_few() {
        let say = |paths: &[&str]| warning(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
        assert_eq!(say(&[]), None);
        insta::assert_snapshot!(say(&[".env"]).unwrap_or_default(), @"`.env` would be in the image and was left out, for fear of secrets; name it in `[build] include` to keep it");
        insta::assert_snapshot!(say(&["deploy.pem", ".env"]).unwrap_or_default(), @"`.env` and `deploy.pem` would be in the image and were left out, for fear of secrets; name them in `[build] include` to keep them");
        insta::assert_snapshot!(say(&["1.pem", "2.pem", "3.pem", "4.pem", "5.pem", "6.pem", "7.pem"]).unwrap_or_default(), @"`1.pem`, `2.pem`, `3.pem`, `4.pem`, `5.pem` and 2 more would be in the image and were left out, for fear of secrets; name them in `[build] include` to keep them");
    }
}
