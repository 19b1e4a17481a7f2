//! How errors look, and which exit code they bring.

use std::io;

use nonevent_cli::error::CliError;
use nonevent_cli::exit::Exit;
use nonevent_cli::paint::Paint;
use nonevent_cli::problem::render;
use nonevent_engine::Fault;
use nonevent_engine::model::Problem;

use crate::scenarios;

#[test]
fn an_error_says_what_why_and_what_to_do() {
    let problem = Problem {
        code: "failed".into(),
        message: "production was not switched: the new release never became healthy".into(),
        causes: vec![
            "GET http://shop.example.com/healthz answered 400 four times".into(),
            "Django refused the host name (DisallowedHost)".into(),
        ],
        hints: vec!["add `shop.example.com` to ALLOWED_HOSTS in shop/settings.py:28".into()],
        details: vec![
            "GET /healthz:".into(),
            "   0.0 s  answered 400\n   1.0 s  answered 400".into(),
            String::new(),
            "end".into(),
        ],
        diagnosis: None,
    };
    insta::assert_snapshot!(render(&problem, Paint::Plain), @r"
    error: production was not switched: the new release never became healthy
      caused by: GET http://shop.example.com/healthz answered 400 four times
      caused by: Django refused the host name (DisallowedHost)

      GET /healthz:
         0.0 s  answered 400
         1.0 s  answered 400

      end

    hint: add `shop.example.com` to ALLOWED_HOSTS in shop/settings.py:28
    ");
}

#[test]
fn a_bare_error_is_one_line() {
    let problem = scenarios::error(Fault::Ours, "the state cannot be read").problem;
    assert_eq!(render(&problem, Paint::Plain), "error: the state cannot be read");
    assert_eq!(console::strip_ansi_codes(&render(&problem, Paint::Colour)), "error: the state cannot be read");
}

#[test]
fn two_candidates_are_shown_with_the_line_that_decides() {
    let problem = Problem {
        code: "two_candidates".into(),
        message: "two apps were found, and only one can be shipped".into(),
        causes: Vec::new(),
        hints: vec!["name one in `nonevent.toml`:\n[app]\ncommand = [\"uvicorn\", \"shop.main:app\"]".into()],
        details: vec!["shop/main.py:7  app = FastAPI()".into(), "shop/admin.py:3  admin = FastAPI()".into()],
        diagnosis: None,
    };
    insta::assert_snapshot!(render(&problem, Paint::Plain), @r#"
    error: two apps were found, and only one can be shipped

      shop/main.py:7  app = FastAPI()
      shop/admin.py:3  admin = FastAPI()

    hint: name one in `nonevent.toml`:
      [app]
      command = ["uvicorn", "shop.main:app"]
    "#);
}

#[test]
fn whose_fault_it_is_decides_the_exit_code() {
    let code = |fault| Exit::from(CliError::from(scenarios::error(fault, "x")).fault()).code();
    assert_eq!(code(Fault::User), 1);
    assert_eq!(code(Fault::Ours), 2);
    assert_eq!(code(Fault::Interrupted), 130);
    assert_eq!(Exit::from(CliError::Stopped.fault()).code(), 130);
    assert_eq!(Exit::from(CliError::RunVanished.fault()).code(), 2);
    assert_eq!(Exit::Command(7).code(), 7);
}

#[test]
fn what_the_system_said_is_the_cause() {
    let source = io::Error::from(io::ErrorKind::StorageFull);
    let problem = CliError::CannotWrite { file: Some("pages".into()), source }.problem();
    insta::assert_snapshot!(render(&problem, Paint::Plain), @r"
    error: the output cannot be written to `pages`
      caused by: no storage space

    hint: look at the free space and the permissions there
    ");
}
