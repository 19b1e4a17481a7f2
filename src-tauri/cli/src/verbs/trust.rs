//! `nonevent trust`

use nonevent_engine::certificates::trust::{Laptop, Plan, Trusting, carry_out};
use serde_json::json;

use crate::confirm::{self, Consent};
use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;
use crate::{help, home};

/// Make this computer trust the HTTPS of local apps; says what it will do, and asks
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent trust", "once, then https://<app>.localhost opens without a warning"),
    ("nonevent trust --remove", "forget it again"),
    ("curl --cacert \"$(nonevent trust --path)\" …", "trust it for one command only"),
]))]
pub struct Args {
    /// Take the trust back
    #[arg(long, conflicts_with = "path")]
    remove: bool,
    /// Print the file of the authority's certificate, change nothing
    #[arg(long)]
    path: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Changes whom this computer trusts.
///
/// # Errors
/// When it is not confirmed, or a command failed.
pub fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let engine = session.engine()?;
    if args.path {
        let path = engine.authority()?;
        session.answer("trust", json!({ "certificate": path }), |_| path.display().to_string());
        return Ok(Exit::Done);
    }
    let trusting = match args.remove {
        true => Trusting::End,
        false => Trusting::Begin,
    };
    let plan = engine.plan_trust(&Laptop::here(home::of_person()), trusting)?;
    session.remark(&text(&plan, trusting));
    if !plan.steps.is_empty() {
        confirm::yes(session.asker.as_deref_mut(), "change whom this computer trusts", Consent::from_flag(args.yes))?;
    }
    let mut failures = Vec::new();
    for step in &plan.steps {
        failures.extend(carry_out(step).err().map(|said| format!("{}: {said}", step.whose)));
    }
    if !failures.is_empty() {
        return Err(CliError::NotTrusted { failures });
    }
    let commands: Vec<String> = plan.steps.iter().map(|step| step.line()).collect();
    let answer = json!({ "trusted": trusting == Trusting::Begin, "commands": commands, "notes": plan.notes });
    session.answer("trust", answer, |_| match (trusting, plan.steps.is_empty()) {
        (_, true) => "nothing was changed".to_owned(),
        (Trusting::Begin, false) => "local apps are trusted; a browser that is open may have to be started again".to_owned(),
        (Trusting::End, false) => "local apps are no longer trusted".to_owned(),
    });
    Ok(Exit::Done)
}

/// Returns what will be done, as it is said before the question.
pub fn text(plan: &Plan, trusting: Trusting) -> String {
    let mut lines = Vec::new();
    if trusting == Trusting::Begin {
        lines.push("The authority of this computer vouches for names below .localhost and .test only; its key stays in the state folder.".to_owned());
    }
    if !plan.steps.is_empty() {
        lines.push("These commands change whom this computer trusts:".to_owned());
    }
    lines.extend(plan.steps.iter().map(|step| format!("  {}", step.line())));
    lines.extend(plan.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}
