//! Every cause has its section on the page that explains them, and its JSON bears its code.

use std::collections::BTreeSet;

use nonevent_engine::model::{Cause, Denial, MigrationTool, Moment, VariableReader};

/// One of each; the match below makes a new one be added here.
fn all() -> Vec<Cause> {
    let none = || None;
    vec![
        Cause::WrongPort { expected: 1, listening: Vec::new() },
        Cause::BoundToLoopback { address: String::new(), port: 1 },
        Cause::AddressInUse { port: None },
        Cause::SlowStart { seconds: 1 },
        Cause::OutOfMemory { limit: None },
        Cause::WrongArchitecture { image: none(), engine: none() },
        Cause::CommandNotFound { command: String::new() },
        Cause::EndedByItself,
        Cause::UncaughtException {
            exception: String::new(),
            message: String::new(),
            file: none(),
            line: None,
            during: Moment::Start,
        },
        Cause::MissingVariable { names: Vec::new(), reader: VariableReader::Other, place: None },
        Cause::MissingModule { module: String::new(), absence: nonevent_engine::model::Absence::Unknown, place: None },
        Cause::MissingName { name: String::new(), module: String::new(), place: None },
        Cause::MissingLibrary { library: String::new(), package: none() },
        Cause::PermissionDenied { path: none(), user: none(), reason: Denial::User },
        Cause::DatabaseUnreachable { address: none(), trouble: nonevent_engine::model::DatabaseTrouble::Refused },
        Cause::NotMigrated { table: none(), tool: MigrationTool::Unknown },
        Cause::DisallowedHost { host: String::new() },
        Cause::HealthPathMissing { path: String::new() },
        Cause::HealthRedirects { path: String::new(), status: 301, to: none() },
        Cause::HealthUnauthorized { path: String::new(), status: 401 },
        Cause::WorkerTimeout { during: Moment::Start },
        Cause::MissingStaticFiles { file: String::new() },
    ]
}

#[test]
fn every_cause_has_a_section_of_its_own() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnosis.md");
    let page = std::fs::read_to_string(page).unwrap();
    let sections: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let codes: BTreeSet<&str> = all().iter().map(Cause::code).collect();
    assert_eq!(sections, codes);
}

#[test]
fn json_bears_the_code() {
    for cause in all() {
        let value = serde_json::to_value(&cause).unwrap();
        assert_eq!(value["code"], cause.code());
        assert_eq!(serde_json::from_value::<Cause>(value).unwrap(), cause);
    }
}
