//! Questions before something that cannot be taken back.

use std::io;

use nonevent_cli::confirm::{Ask, Consent, by_name, which_app, yes};
use nonevent_cli::error::CliError;
use nonevent_cli::verbs::{down, unlock};
use nonevent_engine::Fault;
use nonevent_engine::project::{Project, init_with};
use nonevent_engine::target::{Held, Life, LockHolder};

struct Scripted {
    answer: Result<&'static str, io::ErrorKind>,
    asked: Vec<String>,
}

impl Scripted {
    fn says(answer: &'static str) -> Self {
        Self { answer: Ok(answer), asked: Vec::new() }
    }
}

impl Ask for Scripted {
    fn ask(&mut self, question: &str) -> io::Result<String> {
        self.asked.push(question.to_owned());
        self.answer.map(ToOwned::to_owned).map_err(io::Error::from)
    }

    fn choose(&mut self, question: &str, among: &[String]) -> io::Result<usize> {
        self.asked.push(question.to_owned());
        self.asked.extend(among.iter().cloned());
        self.answer.map(|answer| answer.parse().unwrap()).map_err(io::Error::from)
    }
}

fn check(asker: Option<&mut Scripted>, consent: Consent) -> Result<(), CliError> {
    let asker = asker.map(|asker| asker as &mut (dyn Ask + 'static));
    by_name(asker, &"production".into(), "production is protected", consent)
}

#[test]
fn one_of_several_apps_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let app = "from fastapi import FastAPI\n\napp = FastAPI()\n";
    let manifest = "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"fastapi\", \"uvicorn\"]\n";
    for (file, text) in [("pyproject.toml", manifest), ("first.py", app), ("second.py", app)] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let candidates = Project::candidates(folder.path()).unwrap();
    let mut person = Scripted::says("1");
    let choice = which_app(&mut person, &candidates).unwrap();
    assert_eq!(choice.entry, "second:app");
    assert_eq!(person.asked[1..], ["first:app   FastAPI, first.py:3", "second:app  FastAPI, second.py:3"]);
    init_with(folder.path(), &choice).unwrap();
    assert_eq!(Project::candidates(folder.path()).unwrap(), []);
    let stopped = which_app(&mut Scripted { answer: Err(io::ErrorKind::Interrupted), asked: Vec::new() }, &candidates);
    assert!(matches!(stopped, Err(CliError::Stopped)));
}

#[test]
fn the_name_must_be_typed() {
    let mut person = Scripted::says(" production\n");
    check(Some(&mut person), Consent::Wanted).unwrap();
    assert_eq!(person.asked, ["production is protected; type `production` to go on"]);
    for typed in ["", "y", "Production", "staging"] {
        let error = check(Some(&mut Scripted::says(typed)), Consent::Wanted).unwrap_err();
        assert!(matches!(error, CliError::NotConfirmed { .. }), "{typed}: {error}");
        assert_eq!(error.fault(), Fault::User);
    }
}

#[test]
fn yes_asks_nobody() {
    let mut person = Scripted::says("no");
    check(Some(&mut person), Consent::Given).unwrap();
    check(None, Consent::Given).unwrap();
    assert!(person.asked.is_empty());
}

#[test]
fn where_nobody_can_be_asked_it_is_an_error() {
    let error = check(None, Consent::Wanted).unwrap_err();
    assert_eq!(error.to_string(), "production is protected, and nobody can be asked here");
    assert_eq!(error.hints(), ["give `--yes` if you are sure"]);
    assert_eq!(error.fault(), Fault::User);
}

#[test]
fn ctrl_c_at_the_question_is_an_interrupt() {
    let mut person = Scripted { answer: Err(io::ErrorKind::Interrupted), asked: Vec::new() };
    assert_eq!(check(Some(&mut person), Consent::Wanted).unwrap_err().fault(), Fault::Interrupted);
}

#[test]
fn what_will_be_lost_is_said_first() {
    let lost = ["shop-local-db, the data of service `db`".to_owned(), "app.volumes.uploads = \"/data\"".to_owned()];
    insta::assert_snapshot!(down::warning(&"local".into(), &lost), @r#"
    this will be lost with local:
      shop-local-db, the data of service `db`
      app.volumes.uploads = "/data"
    "#);
    assert_eq!(down::warning(&"local".into(), &[]), "local keeps no data");
}

#[test]
fn a_question_is_answered_by_yes_alone() {
    for (typed, agreed) in [("yes", true), (" y ", true), ("", false), ("no", false), ("local", false)] {
        let mut person = Scripted::says(typed);
        let asker = &mut person as &mut (dyn Ask + 'static);
        assert_eq!(yes(Some(asker), "take it away", Consent::Wanted).is_ok(), agreed, "{typed}");
        assert!(person.asked[0].starts_with("take it away?"), "{:?}", person.asked);
    }
    assert!(yes(None, "take it away", Consent::Given).is_ok());
    let error = yes(None, "take it away", Consent::Wanted).unwrap_err();
    assert!(error.to_string().contains("whether to take it away"), "{error}");
}

#[test]
fn an_unlock_says_whose_lock_it_is_and_when_it_last_beat() {
    let since = "2026-11-23T10:00:00Z";
    let mut held = Held {
        holder: LockHolder::this_process("ada@laptop", "ship 3f2a91c04d5e", since),
        number: 7,
        silent: std::time::Duration::from_millis(3_200),
        life: Life::Living,
    };
    let told = unlock::told(&"local".into(), &held);
    for word in ["local is held by ada@laptop", since, "ship 3f2a91c04d5e", "it lives", "3.2 s ago"] {
        assert!(told.contains(word), "`{word}` is not in: {told}");
    }
    held.life = Life::Ended;
    assert!(unlock::told(&"local".into(), &held).contains("is gone"));
}
