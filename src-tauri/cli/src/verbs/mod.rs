//! The verbs: what each takes, asks the engine and shows.

pub mod cancel;
pub mod check;
pub mod completions;
pub mod credential;
pub mod desktop;
pub mod diff;
pub mod down;
pub mod engine;
pub mod exec;
pub mod explain;
pub mod exports;
pub mod gc;
pub mod health;
pub mod history;
pub mod init;
pub mod jobs;
pub mod lock;
pub mod logs;
pub mod man;
pub mod notify;
pub mod open;
pub mod plan;
pub mod projects;
pub mod recover;
pub mod releases;
pub mod restart;
pub mod results;
pub mod rollback;
mod rounds;
pub mod secret;
pub mod ship;
pub mod status;
pub mod trust;
pub mod unit;
pub mod unlock;
pub mod watch;

use clap::Subcommand;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;

/// What is to be done.
#[derive(Debug, Subcommand)]
// A variant's documentation would become its help, in place of that of its arguments.
#[allow(missing_docs)]
pub enum Verb {
    Ship(ship::Args),
    Check(check::Args),
    Plan(plan::Args),
    Lock(lock::Args),
    Status(status::Args),
    Results(results::Args),
    Logs(Box<logs::Args>),
    Health(health::Args),
    Open(open::Args),
    Releases(releases::Args),
    History(history::Args),
    Diff(diff::Args),
    Explain(explain::Args),
    Rollback(rollback::Args),
    Restart(restart::Args),
    Exec(exec::Args),
    Down(down::Args),
    Jobs(jobs::Args),
    Watch(watch::Args),
    Cancel(cancel::Args),
    Recover(recover::Args),
    Unlock(unlock::Args),
    Secret(secret::Args),
    Credential(credential::Args),
    Init(init::Args),
    Engine(engine::Args),
    Trust(trust::Args),
    Notify(notify::Args),
    Projects(projects::Args),
    Gc(gc::Args),
    Desktop(desktop::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Verb {
    /// Returns the verb as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ship(_) => "ship",
            Self::Check(_) => "check",
            Self::Plan(_) => "plan",
            Self::Lock(_) => "lock",
            Self::Status(_) => "status",
            Self::Results(_) => "results",
            Self::Logs(_) => "logs",
            Self::Health(_) => "health",
            Self::Open(_) => "open",
            Self::Releases(_) => "releases",
            Self::History(_) => "history",
            Self::Diff(_) => "diff",
            Self::Explain(_) => "explain",
            Self::Rollback(_) => "rollback",
            Self::Restart(_) => "restart",
            Self::Exec(_) => "exec",
            Self::Down(_) => "down",
            Self::Jobs(_) => "jobs",
            Self::Watch(_) => "watch",
            Self::Cancel(_) => "cancel",
            Self::Recover(_) => "recover",
            Self::Unlock(_) => "unlock",
            Self::Secret(_) => "secret",
            Self::Credential(_) => "credential",
            Self::Init(_) => "init",
            Self::Engine(_) => "engine",
            Self::Trust(_) => "trust",
            Self::Notify(_) => "notify",
            Self::Projects(_) => "projects",
            Self::Gc(_) => "gc",
            Self::Desktop(_) => "desktop",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

/// Does what was asked.
///
/// # Errors
/// The verb's own.
pub async fn run(verb: Verb, session: &mut Session) -> Result<Exit, CliError> {
    match verb {
        Verb::Ship(args) => ship::run(args, session).await,
        Verb::Check(args) => check::run(args, session).await,
        Verb::Plan(args) => plan::run(args, session).await,
        Verb::Lock(args) => lock::run(args, session).await,
        Verb::Status(args) => status::run(args, session).await,
        Verb::Results(args) => results::run(args, session),
        Verb::Logs(args) => logs::run(*args, session).await,
        Verb::Health(args) => health::run(&args, session),
        Verb::Open(args) => open::run(args, session).await,
        Verb::Releases(args) => releases::run(args, session).await,
        Verb::History(args) => history::run(args, session).await,
        Verb::Diff(args) => diff::run(args, session).await,
        Verb::Explain(args) => explain::run(args, session),
        Verb::Rollback(args) => rollback::run(args, session).await,
        Verb::Restart(args) => restart::run(args, session).await,
        Verb::Exec(args) => exec::run(args, session).await,
        Verb::Down(args) => down::run(args, session).await,
        Verb::Jobs(args) => jobs::run(args, session).await,
        Verb::Watch(args) => watch::run(args, session).await,
        Verb::Cancel(args) => cancel::run(args, session),
        Verb::Recover(args) => recover::run(args, session).await,
        Verb::Unlock(args) => unlock::run(args, session).await,
        Verb::Secret(args) => secret::run(args, session).await,
        Verb::Credential(args) => credential::run(args, session).await,
        Verb::Init(args) => init::run(args, session),
        Verb::Engine(args) => engine::run(args, session).await,
        Verb::Trust(args) => trust::run(args, session),
        Verb::Notify(args) => notify::run(args, session).await,
        Verb::Projects(args) => projects::run(args, session).await,
        Verb::Gc(args) => gc::run(args, session).await,
        Verb::Desktop(args) => desktop::run(&args, session),
        Verb::Completions(args) => completions::run(args, session),
        Verb::Man(args) => man::run(args, session),
    }
}
