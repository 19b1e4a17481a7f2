//! Which process this is, and whether another one of this machine still runs.
//!
//! A process id alone says little: ids are given again, and containers that share a host name have ids of their own. So a process is known
//! by the machine since it booted, the space its ids are counted in, its id and the moment it started.

use std::io;
use std::process::{Child, Command, Stdio};

use sha2::{Digest as _, Sha256};

/// Returns a name of this machine since it booted, and of the space in which its process ids are counted; empty where it has none.
pub fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    if boot.trim().is_empty() {
        return String::new();
    }
    let digest = hex::encode(Sha256::digest(format!("{} {}", boot.trim(), space.display())));
    digest.get(..16).unwrap_or(&digest).to_owned()
}

/// Returns the moment at which a process of this machine started, in the kernel's ticks since boot (proc(5), field 22); 0 where that is
/// not known.
pub fn started(pid: u32) -> u64 {
    field(pid, 22).and_then(|ticks| ticks.parse().ok()).unwrap_or_default()
}

/// Returns a field after the second of what the kernel says of a process (proc(5), counted from 1).
fn field(pid: u32, number: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, and may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(number.checked_sub(3)?).map(str::to_owned)
}

/// Tells whether a process of this machine runs. Another user's counts, too; one that is stopped runs; one that ended and was not asked
/// by its parent how does not.
#[cfg(unix)]
fn runs(pid: u32) -> bool {
    let Ok(id) = i32::try_from(pid) else { return false };
    let is_known =
        id <= 0 || !matches!(nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), None), Err(nix::errno::Errno::ESRCH));
    is_known && !matches!(field(pid, 3).as_deref(), Some("Z" | "X"))
}

/// Tells whether a process of this machine runs; where that cannot be told, it does.
#[cfg(not(unix))]
fn runs(_pid: u32) -> bool {
    true
}

/// Tells whether the very process that started then runs, not another one that was given its id.
pub fn still_runs(pid: u32, started_then: u64) -> bool {
    runs(pid) && (started_then == 0 || matches!(started(pid), 0) || started(pid) == started_then)
}

/// The prefix of the variables that give secrets to a run without a vault, as in CI.
pub const SECRET_VARIABLE: &str = "NONEVENT_SECRET_";

/// Keeps a process that is about to be started from the variables that only this one needs: values of secrets, and what opens a vault.
pub fn without_secrets(command: &mut Command) {
    let ours = |name: &std::ffi::OsStr| {
        let name = name.to_string_lossy();
        name.starts_with(SECRET_VARIABLE) || name.starts_with("NONEVENT_VAULT_")
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
}

/// Starts a program that is left to itself: it is told no secrets, hears nothing and prints nowhere.
///
/// # Errors
/// When it does not start.
pub fn start_apart(mut command: Command) -> io::Result<Child> {
    without_secrets(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// Waits for the end of a program aside, so that nothing of it stays behind when it ends.
pub fn see_off(mut child: Child) {
    std::thread::spawn(move || drop(child.wait()));
}

/// Keeps this process and those that it starts from writing their memory into a file when they crash: it may hold secrets.
#[cfg(unix)]
pub fn write_no_core() {
    use nix::sys::resource::{Resource, setrlimit};
    // No file is so short, and by 1 alone Linux gives none to a program that cores are piped into either (fs/coredump.c). Only a privileged
    // process may raise a limit of 0.
    let limited = setrlimit(Resource::RLIMIT_CORE, 1, 1).or_else(|_| setrlimit(Resource::RLIMIT_CORE, 0, 0));
    if let Err(error) = limited {
        tracing::debug!(%error, "a core file may be written");
    }
}

/// Windows writes none unless asked to.
#[cfg(not(unix))]
pub fn write_no_core() {}

/// Returns `user@host` of this process.
pub fn who() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.name);
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    format!("{}@{}", user.as_deref().unwrap_or("unknown"), host.as_deref().unwrap_or("localhost"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_that_was_given_again_is_another_process() {
        let own = std::process::id();
        assert!(still_runs(own, started(own)));
        #[cfg(target_os = "linux")]
        {
            assert!(started(own) > 0 && machine().len() == 16);
            assert!(!still_runs(own, started(own) + 1), "another process bears the id");
        }
    }

    #[test]
    fn a_process_that_ended_does_not_run() {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(!runs(child.id()));
    }
    /// Seen from a process of its own: the variables of this one belong to every test.
    #[cfg(unix)]
    #[test]
    fn what_is_started_is_told_no_secrets() {
        const PLACE: &str = "NONEVENT_TEST_PLACE";
        let Some(place) = std::env::var_os(PLACE) else {
            let folder = tempfile::tempdir().unwrap();
            let mut again = Command::new(std::env::current_exe().unwrap());
            again.args(["--exact", "process::tests::what_is_started_is_told_no_secrets"]);
            again
                .env(PLACE, folder.path().join("told"))
                .env("NONEVENT_SECRET_KEY", "hush")
                .env("NONEVENT_VAULT_PASSPHRASE", "hush");
            assert!(again.stdout(Stdio::null()).status().unwrap().success());
            let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
            assert!(told.contains(PLACE) && !told.contains("hush"), "{told}");
            return;
        };
        let mut print = Command::new("sh");
        print.args(["-c", "env > \"$0\""]).arg(place);
        assert!(start_apart(print).unwrap().wait().unwrap().success());
    }
}
