//! `nonevent.lock`: read strictly, written with the least change.

use std::collections::BTreeMap;

use nonevent_engine::model::Digest;
use nonevent_engine::project::pins::{Pins, PinsError, Written};

use super::sha;
use super::world::World;

fn digest(number: u32) -> Digest {
    Digest::new(format!("sha256:{}", sha(number)))
}

fn pins() -> Pins {
    let wheel = BTreeMap::from([("docopt-0.6.2-py2.py3-none-any.whl".to_owned(), digest(3))]);
    Pins {
        images: BTreeMap::from([("redis:8".to_owned(), digest(2)), ("python:3.13-slim".to_owned(), digest(1))]),
        tools: BTreeMap::from([("ruff".to_owned(), "0.14.5".to_owned())]),
        wheels: BTreeMap::from([("docopt==0.6.2".to_owned(), wheel)]),
    }
}

#[test]
fn what_is_written_is_sorted_and_read_back() {
    let world = World::new(&[]);
    assert_eq!(Pins::read(&world.root()), Ok(None));
    assert_eq!(pins().write(&world.root()), Ok(Written::Changed));
    let expected = format!(
        r#"# Written by Nonevent, to be committed: what is pinned here is used until `nonevent lock` changes it.
version = 1

[images]
"python:3.13-slim" = "sha256:{}"
"redis:8" = "sha256:{}"

[tools]
ruff = "0.14.5"

[wheels."docopt==0.6.2"]
"docopt-0.6.2-py2.py3-none-any.whl" = "sha256:{}"
"#,
        sha(1),
        sha(2),
        sha(3)
    );
    assert_eq!(world.read("nonevent.lock"), expected);
    assert_eq!(Pins::read(&world.root()), Ok(Some(pins())));
    assert_eq!(pins().write(&world.root()), Ok(Written::Unchanged));
    assert_eq!(Pins::default().write(&world.root()), Ok(Written::Changed));
    assert_eq!(Pins::read(&world.root()), Ok(Some(Pins::default())));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(world.root().join("nonevent.lock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
}

#[test]
fn only_what_must_change_does() {
    let world = World::new(&[]);
    let text = format!(
        "# ours\nversion = 1\n\n[images]\n# the base\n\"python:3.13-slim\"   =  \"sha256:{}\" # checked\n\"redis:8\" = \"sha256:{}\"\n\n[tools]\nruff = \"0.14.4\" # pinned\n",
        sha(1),
        sha(9)
    );
    world.write("nonevent.lock", &text);
    let mut wanted = Pins { wheels: BTreeMap::new(), ..pins() };
    wanted.images.insert("haproxy:3.2".into(), digest(4));
    assert_eq!(wanted.write(&world.root()), Ok(Written::Changed));
    let expected = format!(
        "# ours\nversion = 1\n\n[images]\n\"haproxy:3.2\" = \"sha256:{}\"\n# the base\n\"python:3.13-slim\"   =  \"sha256:{}\" # checked\n\"redis:8\" = \"sha256:{}\"\n\n[tools]\nruff = \"0.14.5\" # pinned\n",
        sha(4),
        sha(1),
        sha(2)
    );
    assert_eq!(world.read("nonevent.lock"), expected);
}

#[test]
fn what_is_not_understood_is_an_error_and_stays() {
    let check = |text: &str, expected: &str| {
        let world = World::new(&[("nonevent.lock", text)]);
        let path = world.root().join("nonevent.lock");
        let error = Pins::read(&world.root()).unwrap_err();
        assert_eq!(error.to_string(), format!("{} {expected}", path.display()).replace("@", &path.display().to_string()));
        assert_eq!(pins().write(&world.root()), Err(error.clone()));
        assert_eq!(world.read("nonevent.lock"), text);
        assert!(error.hint().is_some());
    };
    check("version = 2\n[new]\n", "has version 2, only 1 is known");
    check("version = 0\n", "cannot be understood: there is no version 0");
    check("images = {}\n", "cannot be understood: line 1: missing field `version`");
    check(
        "version = 1\n\n[image]\n",
        "cannot be understood: line 3: unknown field `image`, expected one of `version`, `images`, `tools`, `wheels`",
    );
    let world = World::new(&[("nonevent.lock", "version = 1\n[images]\n\"redis:8\" = \"latest\"\n")]);
    let error = Pins::read(&world.root()).unwrap_err();
    assert!(matches!(&error, PinsError::Digest { name, digest, .. } if name == "redis:8" && digest == "latest"), "{error}");
}
