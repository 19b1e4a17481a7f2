//! The page's types are those of the engine.

use std::path::Path;

use specta_typescript::Typescript;

const FILE: &str = "ui/src/lib/backend/bindings.ts";
const COMMAND: &str = "NONEVENT_WRITE_BINDINGS=1 cargo test --package nonevent-desktop --test desktop bindings";

#[test]
fn bindings_are_fresh() {
    let scratch = tempfile::tempdir().unwrap();
    let fresh = scratch.path().join("bindings.ts");
    nonevent_desktop::ipc::bridge().export(Typescript::default(), &fresh).unwrap();
    let fresh = std::fs::read_to_string(fresh).unwrap();

    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("NONEVENT_WRITE_BINDINGS").is_some() {
        std::fs::write(&kept, &fresh).unwrap();
    }
    let found = std::fs::read_to_string(&kept).unwrap_or_default();
    if found != fresh {
        let first = fresh.lines().zip(found.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
        let (new, old) = first.unwrap_or_default();
        panic!("{FILE} is stale: it says `{old}` where the engine says `{new}`; write it anew with\n  {COMMAND}");
    }
}
