//! Where this laptop keeps Nonevent's state and caches: the only place that knows.

use std::ffi::OsString;
use std::path::PathBuf;

use directories::ProjectDirs;
use nonevent_engine::Home;

use crate::error::CliError;

/// Returns the folders that the variables name, else the platform's own.
///
/// `NONEVENT_HOME` moves the state, `NONEVENT_CACHE` the caches; each without the other, because caches can be shared by any number of
/// homes. A relative path starts at the current folder.
///
/// # Errors
/// When neither the variables nor the platform name a folder.
pub fn resolve(variable: impl Fn(&str) -> Option<OsString>) -> Result<Home, CliError> {
    let named = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let platform = ProjectDirs::from("dev", "nonevent", "nonevent");
    let data = named("NONEVENT_HOME").or_else(|| platform.as_ref().map(|folders| folders.data_dir().to_owned()));
    let cache = named("NONEVENT_CACHE").or_else(|| platform.as_ref().map(|folders| folders.cache_dir().to_owned()));
    match (data, cache) {
        (Some(data), Some(cache)) => Ok(Home { data: absolute(data), cache: absolute(cache) }),
        (None, _) => Err(CliError::NoHome { variable: "NONEVENT_HOME" }),
        (_, None) => Err(CliError::NoHome { variable: "NONEVENT_CACHE" }),
    }
}

/// Returns the person's own folder, where browsers keep what they trust; an empty path where there is none.
pub fn of_person() -> PathBuf {
    directories::BaseDirs::new().map(|folders| folders.home_dir().to_owned()).unwrap_or_default()
}

/// Without touching the disk: the folder need not exist yet.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
