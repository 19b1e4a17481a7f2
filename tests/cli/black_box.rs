//! The binary itself: exit codes, standard output, standard error.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A laptop on which nothing was done yet.
struct Laptop {
    home: TempDir,
}

impl Laptop {
    fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    /// With nothing of the tester's own environment that could change what is printed.
    fn nonevent(&self, arguments: &[&str]) -> Command {
        self.command(Path::new(env!("CARGO_BIN_EXE_nonevent")), arguments)
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().current_dir(self.home.path()).stdin(Stdio::null());
        command.env("NONEVENT_HOME", self.home.path().join("home")).env("NONEVENT_CACHE", self.home.path().join("cache"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.nonevent(arguments).output().unwrap()
    }
}

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("exit {}\n---- stdout\n{}---- stderr\n{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn check(arguments: &[&str]) -> String {
    shown(&Laptop::new().run(arguments))
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn help() {
    insta::assert_snapshot!(check(&["--help"]));
}

#[test]
fn help_of_a_verb() {
    insta::assert_snapshot!(check(&["ship", "--help"]));
    assert_eq!(check(&["help", "ship"]), check(&["ship", "--help"]));
}

#[test]
fn nothing_at_all_prints_the_short_help() {
    assert_eq!(check(&[]), check(&["-h"]));
}

#[test]
fn version() {
    let expected = format!("exit 0\n---- stdout\nnonevent {}\n---- stderr\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(check(&["--version"]), expected);
    assert_eq!(check(&["-V"]), expected);
}

#[test]
fn an_unknown_verb_is_a_usage_error_with_a_suggestion() {
    insta::assert_snapshot!(check(&["shpi"]), @r"
    exit 1
    ---- stdout
    ---- stderr
    error: there is no verb `shpi`

    hint: did you mean `ship`?
    hint: `nonevent --help` lists the verbs
    ");
}

#[test]
fn an_unknown_option_is_a_usage_error_with_a_suggestion() {
    insta::assert_snapshot!(check(&["ship", "--dirt"]), @r"
    exit 1
    ---- stdout
    ---- stderr
    error: there is no argument `--dirt` here

    hint: did you mean `--dirty`?
    hint: `nonevent ship --help` shows what can be given
    ");
}

#[test]
fn every_other_usage_error() {
    let mistakes: [&[&str]; 8] = [
        &["ship", "local", "staging"],
        &["ship", "No!"],
        &["rollback", "--env"],
        &["logs", "-n", "many"],
        &["exec", "python"],
        &["completions"],
        &["completions", "tcsh"],
        &["status", "-q", "-v"],
    ];
    let told: Vec<String> = mistakes.iter().map(|words| format!("$ nonevent {}\n{}", words.join(" "), check(words))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_usage_error_for_programs_is_a_result() {
    let output = Laptop::new().run(&["status", "--json", "--everything"]);
    assert_eq!(output.status.code(), Some(1));
    let result = json(&output);
    assert_eq!(result["type"], "result");
    assert_eq!(result["data"]["ok"], false);
    assert_eq!(result["data"]["verb"], "status");
    assert_eq!(result["data"]["exit_code"], 1);
    assert_eq!(result["data"]["problem"]["code"], "usage");
    assert!(!output.stderr.is_empty(), "people are told nothing");
}

#[test]
fn what_comes_after_the_separator_is_not_ours() {
    let output = Laptop::new().run(&["exec", "-C", "nowhere", "--", "prog", "--json", "--color", "always"]);
    assert!(output.stdout.is_empty(), "{}", shown(&output));
    assert!(!shown(&output).contains('\u{1b}'), "{}", shown(&output));
}

#[test]
fn a_folder_that_is_not_there() {
    insta::assert_snapshot!(check(&["status", "-C", "nowhere"]), @r"
    exit 1
    ---- stdout
    ---- stderr
    error: `nowhere` is no folder

    hint: give the project's folder with `-C`, or go there first
    ");
    let result = json(&Laptop::new().run(&["status", "-C", "nowhere", "--json"]));
    assert_eq!(result["data"]["verb"], "status");
    assert_eq!(result["data"]["problem"]["message"], "`nowhere` is no folder");
}

#[test]
fn the_window_is_looked_for_beside_the_binary_and_on_the_path() {
    // A copy, because beside the real one a build of the window may lie.
    let laptop = Laptop::new();
    let own = laptop.home.path().join("nonevent");
    std::fs::copy(env!("CARGO_BIN_EXE_nonevent"), &own).unwrap();
    let output = laptop.command(&own, &["desktop"]).env("PATH", "").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("error: the window, `nonevent-desktop`, is not installed\n"), "{told}");
    assert!(told.contains("hint: install it beside `nonevent` or on `PATH`"), "{told}");
}

#[cfg(unix)]
#[test]
fn the_window_is_started() {
    use std::os::unix::fs::PermissionsExt;
    let laptop = Laptop::new();
    let path = laptop.home.path().join("bin");
    std::fs::create_dir(&path).unwrap();
    let window = path.join("nonevent-desktop");
    // It inherits none of our streams and nobody waits for it: a named pipe tells that it ran.
    let told = laptop.home.path().join("told");
    nix::unistd::mkfifo(&told, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(&window, format!("#!/bin/sh\necho open \"$@\" > '{}'\n", told.display())).unwrap();
    std::fs::set_permissions(&window, std::fs::Permissions::from_mode(0o755)).unwrap();
    let own = laptop.home.path().join("nonevent");
    std::fs::copy(env!("CARGO_BIN_EXE_nonevent"), &own).unwrap();
    let output = laptop.command(&own, &["desktop", "--json"]).env("PATH", &path).output().unwrap();
    assert_eq!(json(&output)["data"]["started"], window.display().to_string(), "{}", shown(&output));
    assert_eq!(std::fs::read_to_string(&told).unwrap(), "open\n");

    let address = "nonevent://project/shop/health/local";
    let output = laptop.command(&own, &["desktop", address]).env("PATH", &path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert_eq!(std::fs::read_to_string(&told).unwrap(), format!("open {address}\n"));
}

#[test]
fn the_address_of_no_screen_is_refused() {
    insta::assert_snapshot!(check(&["desktop", "nonevent://project/shop/ship/local"]), @r"
    exit 1
    ---- stdout
    ---- stderr
    error: `nonevent://project/shop/ship/local` is no value for `[ADDRESS]`: there is no such screen

    hint: `nonevent desktop --help` shows what can be given
    ");
}

#[test]
fn the_manual_has_the_sections_that_a_manual_has() {
    let output = Laptop::new().run(&["man"]);
    assert_eq!(output.status.code(), Some(0));
    let page = String::from_utf8(output.stdout).unwrap();
    for section in [".TH nonevent 1", ".SH NAME", ".SH SYNOPSIS", ".SH VERBS", ".SH VARIABLES", ".SH \"EXIT CODES\""] {
        assert!(page.contains(section), "{section} is missing:\n{page}");
    }
}

#[test]
fn one_page_for_each_verb() {
    let laptop = Laptop::new();
    let output = laptop.run(&["man", "--dir", "pages/man1", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let files = json(&output)["data"]["files"].as_array().unwrap().len();
    let pages = laptop.home.path().join("pages/man1");
    assert_eq!(std::fs::read_dir(&pages).unwrap().count(), files);
    assert_eq!(files, nonevent_cli::help::command().get_subcommands().count() + 1);
    let ship = std::fs::read_to_string(pages.join("nonevent-ship.1")).unwrap();
    assert!(ship.contains(".SH EXAMPLES\n.nf\n  nonevent ship "), "{ship}");
}

#[test]
fn a_page_that_cannot_be_written() {
    let laptop = Laptop::new();
    std::fs::write(laptop.home.path().join("taken"), "").unwrap();
    let told = shown(&laptop.run(&["man", "--dir", "taken"]));
    assert!(told.starts_with("exit 1\n"), "{told}");
    assert!(told.contains("error: the output cannot be written to `taken`\n  caused by: "), "{told}");
}

/// Bash completes with the script itself, as at a prompt.
#[test]
fn bash_completes() {
    let laptop = Laptop::new();
    let script = laptop.run(&["completions", "bash"]).stdout;
    std::fs::write(laptop.home.path().join("script"), script).unwrap();
    let complete = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let ask = format!(
            "source ./script; COMP_WORDS=({}); COMP_CWORD={}; _nonevent nonevent '{}' '{}'; echo ${{COMPREPLY[@]}}",
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let output = laptop.command(Path::new("/bin/bash"), &["--norc", "-c", &ask]).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", shown(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("nonevent re"), "results releases restart recover");
    assert_eq!(complete("nonevent ship --det"), "--detach");
    assert_eq!(complete("nonevent completions z"), "zsh");
}

#[test]
fn zsh_and_fish_are_given_every_verb() {
    for (shell, head) in [("zsh", "#compdef nonevent"), ("fish", "# Print an optspec for argparse")] {
        let output = Laptop::new().run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.starts_with(head), "{shell}: {script}");
        for verb in nonevent_cli::help::command().get_subcommands() {
            assert!(script.contains(verb.get_name()), "{shell} does not know {}", verb.get_name());
        }
    }
}

/// The reading end is closed before the process starts, so that its very first write meets nobody.
#[test]
fn a_reader_that_has_gone_is_no_error() {
    for arguments in [&["man"][..], &["--help"], &["completions", "bash"], &["man", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Laptop::new().nonevent(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", shown(&output));
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", shown(&output));
    }
}

/// `/dev/full` refuses every byte, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Laptop::new().nonevent(&["man"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("error: the output cannot be written\n  caused by: "), "{told}");
}

#[test]
fn colour_comes_only_when_asked_for_in_a_pipe() {
    let bears_colour = |arguments: &[&str], no_color: Option<&str>| {
        let laptop = Laptop::new();
        let mut command = laptop.nonevent(arguments);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let output = command.output().unwrap();
        output.stdout.contains(&0x1b) || output.stderr.contains(&0x1b)
    };
    for arguments in [&["--help"][..], &["shpi"], &["status", "-C", "nowhere"]] {
        let with = |extra: &'static str| [arguments, &[extra][..]].concat();
        assert!(!bears_colour(arguments, None), "{arguments:?}");
        assert!(bears_colour(&with("--color=always"), None), "{arguments:?}");
        assert!(bears_colour(&with("--color=always"), Some("1")), "{arguments:?}: what is typed wins");
        assert!(!bears_colour(&with("--color=never"), None), "{arguments:?}");
        assert!(!bears_colour(&with("--color=auto"), Some("1")), "{arguments:?}");
    }
}
