//! The unit by which systemd keeps `nonevent watch` running, for one person.

use std::path::Path;

/// The variables that say which home is watched, and which engine.
const VARIABLES: [&str; 11] = [
    "NONEVENT_HOME",
    "NONEVENT_CACHE",
    "NONEVENT_SCOPE",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
];
/// Those that are folders: what is relative is so to the folder of this process.
const FOLDERS: [&str; 6] =
    ["NONEVENT_HOME", "NONEVENT_CACHE", "XDG_DATA_HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG", "DOCKER_CERT_PATH"];

/// Returns the unit file for a program, with those variables of this process that matter to it.
pub fn file(program: &Path, variable: impl Fn(&str) -> Option<String>) -> String {
    let environment: String = VARIABLES
        .iter()
        .filter_map(|name| Some((name, variable(name).filter(|value| !value.is_empty())?)))
        .map(|(name, value)| (name, if FOLDERS.contains(name) { absolute(value) } else { value }))
        .map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}"))))
        .collect();
    format!(
        "# Save as ~/.config/systemd/user/nonevent-watch.service, then:\n\
         #   systemctl --user daemon-reload\n\
         #   systemctl --user enable --now nonevent-watch\n\
         #   loginctl enable-linger      (to watch while nobody is logged in)\n\
         [Unit]\n\
         Description=Nonevent: watches what serves, and runs jobs\n\
         Documentation=man:nonevent(1)\n\
         \n\
         [Service]\n\
         ExecStart={} watch\n\
         {environment}\
         KillSignal=SIGINT\n\
         SuccessExitStatus=130\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         LimitCORE=1\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        // Only a command line has variables of its own (systemd.service(5), "Command lines").
        quoted(&program.display().to_string()).replace('$', "$$")
    )
    .trim_end()
    .to_owned()
}

fn absolute(folder: String) -> String {
    std::path::absolute(&folder).map_or(folder, |absolute| absolute.display().to_string())
}

/// Quotes a word as systemd.syntax(7) and systemd.unit(5) want it. `$` means nothing in `Environment=` (systemd.exec(5)).
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stderr)]
    use std::process::Command;

    use super::*;

    #[test]
    fn the_unit_names_the_program_and_what_it_needs() {
        let unit =
            file(Path::new("/opt/my tools/nonevent"), |name| (name == "NONEVENT_HOME").then(|| "/srv/50% home".to_owned()));
        assert!(unit.contains("ExecStart=\"/opt/my tools/nonevent\" watch\n"), "{unit}");
        assert!(unit.contains("Environment=\"NONEVENT_HOME=/srv/50%% home\"\n"), "{unit}");
        assert!(!unit.contains("DOCKER_HOST"), "{unit}");
        // As `process::write_no_core` wants it, which may not raise a limit of 0.
        assert!(unit.contains("\nLimitCORE=1\n"), "{unit}");
    }

    #[test]
    fn a_relative_folder_is_the_same_one_there() {
        let unit = file(Path::new("/opt/nonevent"), |name| (name == "NONEVENT_HOME").then(|| "home".to_owned()));
        let here = std::env::current_dir().unwrap().join("home");
        assert!(unit.contains(&format!("NONEVENT_HOME={}\"", here.display())), "{unit}");
    }

    #[test]
    fn a_dollar_is_doubled_where_it_means_something() {
        let unit = file(Path::new("/opt/$5/nonevent"), |name| (name == "NONEVENT_HOME").then(|| "/srv/$HOME".to_owned()));
        assert!(unit.contains("ExecStart=\"/opt/$$5/nonevent\" watch\n"), "{unit}");
        assert!(unit.contains("Environment=\"NONEVENT_HOME=/srv/$HOME\"\n"), "{unit}");
    }

    #[test]
    fn systemd_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let unit = folder.path().join("nonevent-watch.service");
        // A program that is there: its path is looked at.
        let program = std::env::current_exe().unwrap();
        let told = file(&program, |name| Some(format!("/srv/50% of \"$5\" \\ {name}")));
        std::fs::write(&unit, told).unwrap();
        let mut verify = Command::new("systemd-analyze");
        verify.args(["--user", "--man=no", "verify"]).arg(&unit);
        // It wants the folder of a person who is logged in.
        verify.env("XDG_RUNTIME_DIR", folder.path()).env("HOME", folder.path());
        let skipped = |why: &str| eprintln!("not looked at: {why}");
        let Ok(verified) = verify.output() else { return skipped("this system has no `systemd-analyze`") };
        let said = String::from_utf8_lossy(&verified.stderr);
        if !verified.status.success() && !said.contains("nonevent-watch.service") {
            return skipped(&said);
        }
        assert!(!said.contains("nonevent-watch.service"), "{said}");
    }
}
