//! What makes a laptop trust the authority, or forget it: the commands of the system's own tools, chosen by what there is.
//!
//! A plan is a pure function of the laptop, so that it can be shown before anything happens, and tested for systems that are not here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether the authority shall be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusting {
    /// From now on.
    Begin,
    /// No longer.
    End,
}

/// What a plan depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Laptop {
    /// `linux`, `macos`, `windows`, as `std::env::consts::OS` says it.
    pub system: String,
    /// The person's home folder.
    pub home: PathBuf,
    /// Those of [`PROGRAMS`] that are there.
    pub programs: BTreeSet<&'static str>,
    /// Folders with NSS databases: what Firefox, and on Linux Chromium, trust.
    pub databases: Vec<PathBuf>,
    /// Whether this process may write to the system's folders.
    pub privilege: Privilege,
}

/// Whether a process may write to the system's folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privilege {
    /// It is root.
    Root,
    /// It has to ask.
    #[default]
    Person,
}

/// The programs that a plan may use.
pub const PROGRAMS: [&str; 5] = ["update-ca-certificates", "update-ca-trust", "trust", "certutil", "sudo"];

/// The authority as a plan names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its certificate, PEM.
    pub path: PathBuf,
    /// Its name among those that are trusted.
    pub name: String,
    /// See [`super::Authority::id`].
    pub id: String,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Commands, in order.
    pub steps: Vec<Step>,
    /// What cannot be done here, and how it could.
    pub notes: Vec<String>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whose trust it changes.
    pub whose: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// What a failure says.
    pub failure: Failure,
}

/// What it says when a command fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// That it was not done.
    Undone,
    /// Most likely that there was nothing to take away.
    Nothing,
}

impl Laptop {
    /// Looks at this one.
    pub fn here(home: PathBuf) -> Self {
        let system = std::env::consts::OS.to_owned();
        let databases = databases(&home);
        // Not on every person's PATH.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
        let programs =
            PROGRAMS.into_iter().filter(|program| folders.iter().any(|folder| folder.join(program).is_file())).collect();
        #[cfg(unix)]
        let privilege = if nix::unistd::geteuid().is_root() { Privilege::Root } else { Privilege::Person };
        #[cfg(not(unix))]
        let privilege = Privilege::Person;
        Self { system, home, programs, databases, privilege }
    }

    fn has(&self, program: &str) -> bool {
        self.programs.contains(program)
    }
}

/// Plans what makes a laptop trust the authority, or forget it.
pub fn plan(laptop: &Laptop, subject: &Subject, trusting: Trusting) -> Plan {
    let mut plan = Plan::default();
    match laptop.system.as_str() {
        "macos" => macos(&mut plan, laptop, subject, trusting),
        "windows" => windows(&mut plan, subject, trusting),
        _ => {
            system_of_linux(&mut plan, laptop, subject, trusting);
            browsers(&mut plan, laptop, subject, trusting);
        }
    }
    plan
}

/// Does one step; the program talks to the person itself, who may be asked for a password.
///
/// # Errors
/// What went wrong, in words.
pub fn carry_out(step: &Step) -> Result<(), String> {
    let Some((program, arguments)) = step.command.split_first() else { return Ok(()) };
    // What it prints is chatter: standard output is for answers.
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", with_system_folders()).stdout(std::io::stderr());
    crate::process::without_secrets(&mut command);
    let ended = command.status();
    match (ended, step.failure) {
        (Ok(status), _) if status.success() => Ok(()),
        (Ok(_), Failure::Nothing) => Ok(()),
        (Ok(status), Failure::Undone) => Err(format!("`{}` ended with {status}", step.line())),
        (Err(error), _) => Err(format!("`{program}` could not be started: {error}")),
    }
}

impl Step {
    /// Returns the command as a person would type it.
    pub fn line(&self) -> String {
        shlex::try_join(self.command.iter().map(String::as_str)).unwrap_or_else(|_| self.command.join(" "))
    }
}

fn with_system_folders() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    std::env::join_paths(folders).unwrap_or(path)
}

fn system_of_linux(plan: &mut Plan, laptop: &Laptop, subject: &Subject, trusting: Trusting) {
    let file = format!("nonevent-{}.crt", subject.id);
    let source = subject.path.to_string_lossy().into_owned();
    let in_folder = |folder: &str| format!("{folder}/{file}");
    let (target, update): (String, Vec<&str>) = match () {
        () if laptop.has("update-ca-certificates") => {
            let again = if trusting == Trusting::End { vec!["--fresh"] } else { Vec::new() };
            (in_folder("/usr/local/share/ca-certificates"), [vec!["update-ca-certificates"], again].concat())
        }
        () if laptop.has("update-ca-trust") => {
            (in_folder("/etc/pki/ca-trust/source/anchors"), vec!["update-ca-trust", "extract"])
        }
        () if laptop.has("trust") => (in_folder("/etc/ca-certificates/trust-source/anchors"), vec!["trust", "extract-compat"]),
        () => {
            plan.notes
                .push(format!("this system's way of trusting an authority is not known here: add {source} to its authorities"));
            return;
        }
    };
    let change = match trusting {
        Trusting::Begin => vec!["install", "-D", "-m", "644", &source, &target],
        Trusting::End => vec!["rm", "-f", &target],
    };
    for command in [change, update] {
        let asks = laptop.privilege == Privilege::Person && laptop.has("sudo");
        let command = asks.then_some("sudo").into_iter().chain(command).map(str::to_owned).collect();
        plan.steps.push(Step { whose: "the system: curl, git, Python".to_owned(), command, failure: Failure::Undone });
    }
    if laptop.privilege == Privilege::Person && !laptop.has("sudo") {
        plan.notes.push("the system's folders belong to root: run this as root if it is refused".to_owned());
    }
}

fn browsers(plan: &mut Plan, laptop: &Laptop, subject: &Subject, trusting: Trusting) {
    if laptop.databases.is_empty() {
        plan.notes.push(
            "Firefox and Chromium keep lists of their own, and none was found: start them once, then run this again".to_owned(),
        );
        return;
    }
    if !laptop.has("certutil") {
        let tool = "`certutil` (Debian and Ubuntu: libnss3-tools; Fedora: nss-tools; Arch: nss)";
        plan.notes
            .push(format!("Firefox and Chromium keep lists of their own, which {tool} changes: install it, then run this again"));
        return;
    }
    for folder in &laptop.databases {
        let database = format!("sql:{}", folder.display());
        let whose = format!("{} ({})", browser(folder), folder.display());
        let certificate = subject.path.to_string_lossy().into_owned();
        let (arguments, failure) = match trusting {
            Trusting::Begin => (vec!["-A", "-t", "C,,", "-n", &subject.name, "-i", &certificate], Failure::Undone),
            Trusting::End => (vec!["-D", "-n", &subject.name], Failure::Nothing),
        };
        let command = ["certutil", "-d", &database].into_iter().chain(arguments).map(str::to_owned).collect();
        plan.steps.push(Step { whose, command, failure });
    }
}

fn browser(folder: &Path) -> &'static str {
    if folder.to_string_lossy().contains("irefox") { "Firefox" } else { "Chromium" }
}

/// `security` adds to the person's own keychain, and asks for a password itself. Firefox follows the system's list.
fn macos(plan: &mut Plan, laptop: &Laptop, subject: &Subject, trusting: Trusting) {
    let keychain = laptop.home.join("Library/Keychains/login.keychain-db").to_string_lossy().into_owned();
    let certificate = subject.path.to_string_lossy().into_owned();
    let mut step = |command: Vec<&str>, failure| {
        let command = command.into_iter().map(str::to_owned).collect();
        plan.steps.push(Step { whose: "your keychain: Safari, Chrome, Firefox, curl".to_owned(), command, failure });
    };
    match trusting {
        Trusting::Begin => {
            step(
                vec!["security", "add-trusted-cert", "-r", "trustRoot", "-p", "ssl", "-k", &keychain, &certificate],
                Failure::Undone,
            );
        }
        Trusting::End => {
            step(vec!["security", "remove-trusted-cert", &certificate], Failure::Nothing);
            step(vec!["security", "delete-certificate", "-c", &subject.name, &keychain], Failure::Nothing);
        }
    }
}

/// `certutil` of Windows changes the person's own list, and Windows asks by itself. Firefox follows it.
fn windows(plan: &mut Plan, subject: &Subject, trusting: Trusting) {
    let certificate = subject.path.to_string_lossy().into_owned();
    let (command, failure) = match trusting {
        Trusting::Begin => (vec!["certutil", "-user", "-addstore", "Root", &certificate], Failure::Undone),
        Trusting::End => (vec!["certutil", "-user", "-delstore", "Root", &subject.name], Failure::Nothing),
    };
    let command = command.into_iter().map(str::to_owned).collect();
    plan.steps.push(Step { whose: "your certificates: Edge, Chrome, Firefox, curl".to_owned(), command, failure });
}

/// Finds NSS databases: Chromium's of a person, those of Firefox's profiles, from a package, a snap or a flatpak.
fn databases(home: &Path) -> Vec<PathBuf> {
    let has_one = |folder: &PathBuf| folder.join("cert9.db").is_file();
    let profiles = [".mozilla/firefox", "snap/firefox/common/.mozilla/firefox", ".var/app/org.mozilla.firefox/.mozilla/firefox"]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(home.join(folder)).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()));
    let mut found: Vec<PathBuf> = std::iter::once(home.join(".pki/nssdb")).chain(profiles).filter(has_one).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject { path: "/home/ada/ca.pem".into(), name: "Nonevent on this computer, 0a1b".into(), id: "0a1b".into() }
    }

    fn lines(laptop: &Laptop, trusting: Trusting) -> Vec<String> {
        let plan = plan(laptop, &subject(), trusting);
        plan.steps.iter().map(Step::line).chain(plan.notes).collect()
    }

    fn linux(programs: &[&'static str]) -> Laptop {
        Laptop {
            system: "linux".into(),
            home: "/home/ada".into(),
            programs: programs.iter().copied().collect(),
            databases: vec!["/home/ada/.pki/nssdb".into()],
            privilege: Privilege::Person,
        }
    }

    #[test]
    fn each_system_is_changed_by_its_own_tools_and_changed_back() {
        let debian = linux(&["update-ca-certificates", "certutil", "sudo"]);
        assert_eq!(
            lines(&debian, Trusting::Begin),
            [
                "sudo install -D -m 644 /home/ada/ca.pem /usr/local/share/ca-certificates/nonevent-0a1b.crt",
                "sudo update-ca-certificates",
                "certutil -d sql:/home/ada/.pki/nssdb -A -t 'C,,' -n 'Nonevent on this computer, 0a1b' -i /home/ada/ca.pem",
            ]
        );
        assert_eq!(
            lines(&debian, Trusting::End),
            [
                "sudo rm -f /usr/local/share/ca-certificates/nonevent-0a1b.crt",
                "sudo update-ca-certificates --fresh",
                "certutil -d sql:/home/ada/.pki/nssdb -D -n 'Nonevent on this computer, 0a1b'",
            ]
        );
        let fedora = Laptop { privilege: Privilege::Root, ..linux(&["update-ca-trust", "trust", "certutil", "sudo"]) };
        assert_eq!(
            lines(&fedora, Trusting::Begin)[..2],
            ["install -D -m 644 /home/ada/ca.pem /etc/pki/ca-trust/source/anchors/nonevent-0a1b.crt", "update-ca-trust extract"]
        );
        let mac = Laptop { system: "macos".into(), ..linux(&[]) };
        assert_eq!(
            lines(&mac, Trusting::Begin),
            ["security add-trusted-cert -r trustRoot -p ssl -k /home/ada/Library/Keychains/login.keychain-db /home/ada/ca.pem"]
        );
        assert_eq!(lines(&mac, Trusting::End).len(), 2);
        let windows = Laptop { system: "windows".into(), ..linux(&[]) };
        assert_eq!(lines(&windows, Trusting::Begin), ["certutil -user -addstore Root /home/ada/ca.pem"]);
    }

    #[test]
    fn what_cannot_be_done_is_said_with_what_would_help() {
        let bare = lines(&linux(&[]), Trusting::Begin);
        assert!(bare[0].contains("add /home/ada/ca.pem to its authorities"), "{bare:?}");
        assert!(bare[1].contains("libnss3-tools"), "{bare:?}");
        let without_browsers = Laptop { databases: Vec::new(), ..linux(&["update-ca-certificates"]) };
        let told = lines(&without_browsers, Trusting::Begin);
        assert!(told[2].contains("run this as root") && told[3].contains("start them once"), "{told:?}");
    }

    #[test]
    fn profiles_are_found_by_their_databases() {
        let home = tempfile::tempdir().unwrap();
        for folder in [".pki/nssdb", ".mozilla/firefox/x.default", "snap/firefox/common/.mozilla/firefox/y.default"] {
            std::fs::create_dir_all(home.path().join(folder)).unwrap();
            std::fs::write(home.path().join(folder).join("cert9.db"), "").unwrap();
        }
        std::fs::create_dir_all(home.path().join(".mozilla/firefox/Crash Reports")).unwrap();
        let found = databases(home.path());
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found.iter().map(|folder| browser(folder)).collect::<Vec<_>>(), ["Firefox", "Chromium", "Firefox"]);
    }

    #[test]
    fn a_step_that_fails_is_told_with_its_command() {
        let step = |program: &str, failure| Step { whose: String::new(), command: vec![program.into()], failure };
        assert_eq!(carry_out(&step("true", Failure::Undone)), Ok(()));
        assert_eq!(carry_out(&step("false", Failure::Nothing)), Ok(()));
        assert!(carry_out(&step("false", Failure::Undone)).unwrap_err().starts_with("`false` ended with"));
        assert!(carry_out(&step("no-such-program", Failure::Undone)).unwrap_err().contains("could not be started"));
    }
}
