//! Where state and caches are kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nonevent_cli::home::resolve;
use nonevent_engine::Home;

fn with(variables: &'static [(&str, &str)]) -> Home {
    let read = |asked: &str| variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| OsString::from(value));
    resolve(read).unwrap()
}

#[test]
fn each_variable_moves_its_own_folder() {
    let platform = with(&[]);
    assert_ne!(platform.data, platform.cache);
    let moved = with(&[("NONEVENT_HOME", "/tmp/state")]);
    assert_eq!(moved, Home { data: "/tmp/state".into(), cache: platform.cache.clone() });
    let moved = with(&[("NONEVENT_CACHE", "/tmp/cache")]);
    assert_eq!(moved, Home { data: platform.data.clone(), cache: "/tmp/cache".into() });
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    assert_eq!(with(&[("NONEVENT_HOME", ""), ("NONEVENT_CACHE", "")]), with(&[]));
}

#[test]
fn a_relative_folder_starts_at_the_current_one() {
    let current: PathBuf = std::env::current_dir().unwrap();
    assert_eq!(with(&[("NONEVENT_HOME", "state")]).data, current.join("state"));
    assert!(with(&[]).data.is_absolute());
    assert!(with(&[]).cache.ends_with(Path::new("nonevent")) || cfg!(not(target_os = "linux")));
}
