//! Where this laptop keeps Nonevent's state and caches, by the rule that the command line follows.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use directories::{BaseDirs, ProjectDirs};
use nonevent_engine::{EngineError, Home};

/// Returns the folders of this process.
///
/// # Errors
/// As [`resolve`].
pub fn here() -> Result<Home, EngineError> {
    resolve(|name| std::env::var_os(name))
}

/// Returns the person's own folder; an empty path where the account has none.
pub fn of_person() -> PathBuf {
    BaseDirs::new().map(|folders| folders.home_dir().to_owned()).unwrap_or_default()
}

/// Returns the folders that `NONEVENT_HOME` and `NONEVENT_CACHE` name, else the platform's own.
///
/// # Errors
/// When neither the variables nor the platform name a folder.
pub fn resolve(variable: impl Fn(&str) -> Option<OsString>) -> Result<Home, EngineError> {
    let named = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let platform = ProjectDirs::from("dev", "nonevent", "nonevent");
    let data = named("NONEVENT_HOME").or_else(|| platform.as_ref().map(|folders| folders.data_dir().to_owned()));
    let cache = named("NONEVENT_CACHE").or_else(|| platform.as_ref().map(|folders| folders.cache_dir().to_owned()));
    match (data, cache) {
        (Some(data), Some(cache)) => Ok(Home { data: absolute(data), cache: absolute(cache) }),
        (None, _) => Err(unnamed("NONEVENT_HOME")),
        (_, None) => Err(unnamed("NONEVENT_CACHE")),
    }
}

/// Returns a word that no other home has; none for the platform's own.
pub fn mark(home: &Home) -> Option<String> {
    let is_usual = resolve(|_| None).is_ok_and(|usual| usual.data == home.data);
    (!is_usual).then(|| {
        let mut hasher = DefaultHasher::new();
        home.data.hash(&mut hasher);
        format!("home_{:016x}", hasher.finish())
    })
}

fn unnamed(variable: &str) -> EngineError {
    EngineError::user("no_home", "there is no folder for Nonevent's state: this account has no home folder")
        .with_hint(format!("name one in the variable `{variable}`"))
}

/// Without touching the disk: the folder need not exist yet.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn variables_name_the_folders() {
        let home = resolve(|name| Some(format!("/somewhere/{name}").into())).unwrap();
        assert_eq!(
            home,
            Home { data: PathBuf::from("/somewhere/NONEVENT_HOME"), cache: PathBuf::from("/somewhere/NONEVENT_CACHE") }
        );
    }

    #[test]
    fn every_home_but_the_usual_one_has_a_mark_of_its_own() {
        let named = |folder: &'static str| resolve(|name| (name == "NONEVENT_HOME").then(|| folder.into())).unwrap();
        assert_eq!(mark(&resolve(|_| None).unwrap()), None);
        assert_eq!(mark(&named("/one")), mark(&named("/one/")));
        assert_ne!(mark(&named("/one")), mark(&named("/other")));
    }

    #[test]
    fn a_relative_folder_starts_at_the_current_one() {
        let home = resolve(|name| (name == "NONEVENT_HOME").then(|| "state".into())).unwrap();
        assert_eq!(home.data, std::env::current_dir().unwrap().join("state"));
    }

    #[test]
    fn an_empty_variable_is_none() {
        let empty = resolve(|_| Some(OsString::new())).unwrap();
        assert_eq!(empty, resolve(|_| None).unwrap());
    }
}
