//! Tools of gates that a project does not lock: found with what they need, beside what is locked, and found again the same.

use std::collections::BTreeMap;

use nonevent_engine::project::lock::{our_version, unlocked};

use super::world::python;

#[tokio::test]
async fn tools_come_with_what_they_need_and_leave_what_is_locked_alone() {
    let cache = tempfile::tempdir().unwrap();
    let beside =
        BTreeMap::from([("typing-extensions".to_owned(), "4.12.2".to_owned()), ("click".to_owned(), "8.1.8".to_owned())]);
    let target = python("3.13.5");
    let found = unlocked(&["mypy", "ruff"], &BTreeMap::new(), &beside, &target, cache.path()).await.unwrap();
    assert_eq!(found.pins["ruff"], our_version("ruff").unwrap());
    assert_eq!(found.pins["mypy"], our_version("mypy").unwrap());
    assert!(found.pins.contains_key("mypy-extensions") && !found.pins.contains_key("typing-extensions"), "{:?}", found.pins);
    assert_eq!(found.wheels.len(), found.pins.len());
    assert!(found.wheels.iter().all(|wheel| wheel.sha256.len() == 64 && wheel.filename.ends_with(".whl")));
    // What was pinned is found again, also where this version would take another one.
    let older = BTreeMap::from([("ruff".to_owned(), "0.8.0".to_owned()), ("mypy-extensions".to_owned(), "1.0.0".to_owned())]);
    let again = unlocked(&["mypy", "ruff"], &older, &beside, &target, cache.path()).await.unwrap();
    assert_eq!((again.pins["ruff"].as_str(), again.pins["mypy-extensions"].as_str()), ("0.8.0", "1.0.0"));
    // The second time nobody is asked.
    let files = || std::fs::read_dir(cache.path()).unwrap().count();
    let before = files();
    assert_eq!(unlocked(&["mypy", "ruff"], &older, &beside, &target, cache.path()).await.unwrap(), again);
    assert_eq!(files(), before);
    // A pin that does not go together with the rest any more gives way.
    let stale = BTreeMap::from([("mypy-extensions".to_owned(), "0.1.0".to_owned())]);
    let renewed = unlocked(&["mypy"], &stale, &beside, &target, cache.path()).await.unwrap();
    assert_ne!(renewed.pins["mypy-extensions"], "0.1.0");
    assert_eq!(our_version("pyright"), None, "it fetches itself when it runs: it must be locked");
}
