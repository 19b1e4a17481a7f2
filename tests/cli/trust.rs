//! `nonevent trust` says what it will do, and does nothing without a yes.

use std::process::Command;

use nonevent_cli::verbs::trust::text;
use nonevent_engine::certificates::trust::{Laptop, Subject, Trusting, plan};

fn nonevent(home: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nonevent"));
    command.args(arguments).env("NONEVENT_HOME", home).env("HOME", home).env("NO_COLOR", "1").stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_plan_is_shown_before_the_question() {
    let laptop = Laptop {
        system: "linux".into(),
        home: "/home/ada".into(),
        programs: ["update-ca-certificates", "sudo"].into(),
        databases: vec!["/home/ada/.pki/nssdb".into()],
        ..Laptop::default()
    };
    let subject =
        Subject { path: "/home/ada/authority.pem".into(), name: "Nonevent on this computer, 0a1b".into(), id: "0a1b".into() };
    insta::assert_snapshot!(text(&plan(&laptop, &subject, Trusting::Begin), Trusting::Begin), @"
    The authority of this computer vouches for names below .localhost and .test only; its key stays in the state folder.
    These commands change whom this computer trusts:
      sudo install -D -m 644 /home/ada/authority.pem /usr/local/share/ca-certificates/nonevent-0a1b.crt
      sudo update-ca-certificates
    note: Firefox and Chromium keep lists of their own, which `certutil` (Debian and Ubuntu: libnss3-tools; Fedora: nss-tools; Arch: nss) changes: install it, then run this again
    ");
}

#[test]
fn nobody_who_cannot_be_asked_changes_whom_the_computer_trusts() {
    let home = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = nonevent(home.path(), &["trust"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(
        stderr.contains("it must be said whether to change whom this computer trusts") && stderr.contains("give `--yes`"),
        "{stderr}"
    );
}

#[test]
fn the_certificate_can_be_had_without_any_change() {
    let home = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = nonevent(home.path(), &["trust", "--path"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let path = std::path::Path::new(stdout.trim());
    assert!(path.starts_with(home.path()) && std::fs::read_to_string(path).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let (code, _, stderr) = nonevent(home.path(), &["trust", "--path", "--remove"]);
    assert!(code == Some(1) && stderr.contains("cannot be given together with"), "{stderr}");
}
