//! `nonevent credential`

use clap::Subcommand;
use nonevent_engine::docker::Login;
use nonevent_engine::model::SecretEntry;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::{Session, View};
use crate::table::{Edge, Table};
use crate::words::age;

/// Keep logins of registries; those of the docker CLI and its credential helpers are used first
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent credential login ghcr.io -u ada", "ask for the password, or token"),
    ("nonevent credential list", "registries; no passwords"),
]))]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Keep a login
    Login {
        /// The registry, such as `ghcr.io`
        registry: String,
        /// The user
        #[arg(short, long, value_name = "USER")]
        username: String,
        /// Read the password from standard input; a pipe is read without being told
        #[arg(long)]
        stdin: bool,
    },
    /// List the registries whose login is kept
    List,
    /// Forget a login
    Remove {
        /// The registry
        registry: String,
    },
}

/// Keeps, lists or forgets logins.
///
/// # Errors
/// When the vault does not open, or nobody can be asked.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let engine = session.engine()?;
    match args.what {
        What::Login { registry, username, stdin } => {
            let password = super::secret::value(session, &format!("password of {username} at {registry}"), stdin)?;
            let login = Login { username, password: password.reveal().to_owned() };
            engine.keep_login(&registry, &login).await?;
            let told = format!("the login of {registry} is kept; one of the docker CLI comes first");
            session.answer("credential", json!({ "registry": registry }), |_| told);
        }
        What::List => {
            let kept = engine.kept_logins()?;
            session.answer("credential", json!({ "logins": kept }), |view| text(&kept, view));
        }
        What::Remove { registry } => {
            engine.forget_login(&registry).await?;
            session.answer("credential", json!({ "registry": registry }), |_| format!("the login of {registry} is forgotten"));
        }
    }
    Ok(Exit::Done)
}

/// Returns the logins as a table.
pub fn text(kept: &[SecretEntry], view: View) -> String {
    if kept.is_empty() {
        return "no login is kept here; those of the docker CLI are used".into();
    }
    let mut table = Table::new(&[("registry", Edge::Left), ("changed", Edge::Right), ("by", Edge::Left)]);
    for entry in kept {
        table.row([entry.name.as_str().into(), age(&entry.changed_at, view.now).into(), entry.by.as_str().into()]);
    }
    table.render(view.paint)
}
