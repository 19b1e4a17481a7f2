//! Logins on a real registry that wants one: asked before they are kept, used for a base image, and after those of the docker CLI.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::secrets::type_in;
use crate::world::{Ended, World, client, eventually};

const USER: &str = "ada";
const PASSWORD: &str = "made-up-password/with+signs";
/// The same for the registry: `htpasswd -B`.
const PASSWORDS: &str = "ada:$2y$05$madeupsaltmadeupsaltmOcRuvntggY2rQ2bQnz.DeYtHFY7ZS7ja\n";
const PASSPHRASE: &str = "made-up words";
const BASE: &str = "python:3.13-slim";

/// A registry on a port of its own, with one user.
struct Registry {
    folder: tempfile::TempDir,
    name: String,
    server: Child,
}

impl Registry {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (data, passwords) = (folder.path().join("data"), folder.path().join("passwords"));
        std::fs::write(&passwords, PASSWORDS).unwrap();
        let configuration = format!(
            "version: 0.1\nlog: {{ level: warn }}\nstorage:\n  filesystem: {{ rootdirectory: {:?} }}\n\
             auth:\n  htpasswd: {{ realm: made-up, path: {:?} }}\nhttp: {{ addr: \"127.0.0.1:{port}\" }}\n",
            data, passwords
        );
        let file = folder.path().join("config.yml");
        std::fs::write(&file, configuration).unwrap();
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("docker-registry cannot be run, `scripts/lab registry` unpacks it: {error}"));
        let registry = Self { folder, name: format!("127.0.0.1:{port}"), server };
        eventually("that the registry answers", Duration::from_secs(30), || {
            let answer = client().get(format!("http://{}/v2/", registry.name)).send().ok()?;
            assert_eq!(answer.status().as_u16(), 401, "anybody may come in");
            Some(())
        });
        registry
    }

    /// Puts a base image into it, as the docker CLI does, with a configuration that is thrown away; returns its name there.
    fn holds(&self, image: &str) -> String {
        let there = format!("{}/made-up/{image}", self.name);
        let configuration = self.folder.path().join("docker");
        std::fs::create_dir_all(&configuration).unwrap();
        let docker = |arguments: &[&str], input: &str| {
            let mut command = Command::new("docker");
            command.args(arguments).env("DOCKER_CONFIG", &configuration);
            type_in(command, input).ok();
        };
        docker(&["login", "--username", USER, "--password-stdin", &self.name], PASSWORD);
        docker(&["pull", "--quiet", image], "");
        docker(&["tag", image, &there], "");
        docker(&["push", "--quiet", &there], "");
        docker(&["rmi", &there], "");
        there
    }

    fn stop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A laptop whose vault is a file, and whose docker CLI has what is told.
struct Laptop {
    world: World,
    docker: PathBuf,
}

impl Laptop {
    fn new(world: World) -> Self {
        let docker = world.home().with_file_name("docker");
        std::fs::create_dir_all(&docker).unwrap();
        let laptop = Self { world, docker };
        laptop.run(&["secret", "vault", "file"], "").ok();
        laptop
    }

    fn run(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.world.command(arguments);
        command.env("NONEVENT_VAULT_PASSPHRASE", PASSPHRASE).env("DOCKER_CONFIG", &self.docker);
        command.env("NONEVENT_CACHE", self.docker.with_file_name("cache"));
        command.env("PATH", format!("{}:{}", self.docker.display(), std::env::var("PATH").unwrap()));
        let ended = type_in(command, input);
        assert!(!ended.stdout.contains(PASSWORD) && !ended.stderr.contains(PASSWORD), "{arguments:?} told the password");
        ended
    }

    fn logins(&self) -> String {
        self.run(&["credential", "list"], "").ok().stdout
    }

    /// A credential helper that answers so, and says that it was asked.
    fn helper(&self, answer: &str) -> PathBuf {
        let asked = self.docker.join("asked");
        let script = format!("#!/bin/sh\ncat >>'{}'\n{answer}\n", asked.display());
        let file = self.docker.join("docker-credential-made-up");
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(self.docker.join("config.json"), "{\"credsStore\": \"made-up\"}").unwrap();
        asked
    }
}

#[test]
fn docker_a_login_is_kept_once_the_registry_took_it_and_opens_a_base_image() {
    let mut registry = Registry::start();
    let base = registry.holds(BASE);
    let world = World::example("flask-requirements");
    world.write(
        "nonevent.toml",
        format!("[build]\nbase = \"{base}\"\n\n[gauntlet]\nlint = false\nformat = false\ntypes = false\n"),
    );
    let laptop = Laptop::new(world);
    let name = registry.name.clone();

    let refused = laptop.run(&["ship", "--allow-untested"], "").refused("only to those who are logged in");
    assert!(refused.stderr.contains(&format!("nonevent credential login {name}")), "{}", refused.stderr);

    let login = ["credential", "login", name.as_str(), "-u", USER];
    let refused = laptop.run(&login, "another password\n").refused("does not take this login of ada");
    assert!(refused.stderr.contains("nothing was kept"), "{}", refused.stderr);
    assert!(!laptop.logins().contains(&name), "a wrong login was kept");
    laptop.run(&login, &format!("{PASSWORD}\n")).ok();
    assert!(laptop.logins().contains(&name));
    // What is kept stays when another one is refused.
    laptop.run(&login, "another password\n").refused("does not take this login");

    laptop.run(&["ship", "--allow-untested"], "").ok();
    assert_eq!(laptop.world.get("local", "/healthz").0, 200);

    registry.stop();
    let refused = laptop.run(&login, &format!("{PASSWORD}\n")).refused("does not answer");
    assert!(refused.stderr.contains("nothing was kept"), "{}", refused.stderr);
    laptop.run(&["credential", "remove", &name], "").ok();
    assert!(!laptop.logins().contains(&name));
    laptop.run(&login, &format!("{PASSWORD}\n")).refused("does not answer");
    assert!(!laptop.logins().contains(&name), "a login was kept that nobody has seen");
}

#[test]
fn docker_a_credential_helper_of_the_docker_cli_comes_first() {
    let registry = Registry::start();
    let base = registry.holds(BASE);
    let world = World::example("flask-requirements");
    world.write(
        "nonevent.toml",
        format!("[build]\nbase = \"{base}\"\n\n[gauntlet]\nlint = false\nformat = false\ntypes = false\n"),
    );
    let laptop = Laptop::new(world);

    // It holds nothing, and neither does Nonevent.
    let asked = laptop.helper("echo 'credentials not found in native keychain'; exit 1");
    laptop.run(&["ship", "--allow-untested"], "").refused("only to those who are logged in");
    assert!(std::fs::read_to_string(&asked).unwrap().contains(&registry.name));

    // One that fails is told of where a login is wanted.
    laptop.helper("echo 'the session has ended'; exit 1");
    laptop.run(&["ship", "--allow-untested"], "").refused("docker-credential-made-up` gave no login");

    // What it says goes before what Nonevent keeps, also where it is wrong.
    laptop.run(&["credential", "login", &registry.name, "-u", USER], &format!("{PASSWORD}\n")).ok();
    laptop.helper(r#"echo '{"ServerURL": "", "Username": "ada", "Secret": "an older password"}'"#);
    laptop.run(&["ship", "--allow-untested"], "").refused("only to those who are logged in");

    laptop.run(&["credential", "remove", &registry.name], "").ok();
    laptop.helper(&format!(r#"echo '{{"ServerURL": "", "Username": "{USER}", "Secret": "{PASSWORD}"}}'"#));
    laptop.run(&["ship", "--allow-untested"], "").ok();
    assert_eq!(laptop.world.get("local", "/healthz").0, 200);
}
