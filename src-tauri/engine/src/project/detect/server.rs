//! Chooses the server among the dependencies, and writes the command line that starts an app behind a proxy.

use std::collections::BTreeSet;
use std::path::Path;

use super::names::Interface;
use super::{Entry, Found};
use crate::project::manifest::{Manifest, requirement_extras, requirement_name};
use crate::project::place::slashed;

/// Seconds that a server keeps an idle connection: longer than the proxy does, so that no request meets one that is being closed.
const KEEP_ALIVE: &str = "75";

/// A server that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::project) enum Server {
    Uvicorn,
    Granian,
    Hypercorn,
    /// gunicorn's own workers.
    Gunicorn,
    /// gunicorn with uvicorn's workers, from this module.
    GunicornUvicorn(&'static str),
}

/// Extras that bring a server with them.
const BRINGING: [(&str, &str, &str); 3] =
    [("fastapi", "standard", "uvicorn"), ("fastapi", "all", "uvicorn"), ("litestar", "standard", "uvicorn")];

/// The distributions that an image will hold, as far as manifest and lock tell.
#[derive(Debug, Default)]
pub(in crate::project) struct Distributions {
    direct: BTreeSet<String>,
    locked: BTreeSet<String>,
    has_gunicorn_file: bool,
}

impl Distributions {
    /// Collects the names of direct dependencies, of chosen extras and groups, and of everything that a lock file names.
    pub fn new(root: &Path, manifest: &Manifest, extras: &[String], groups: &[String], locked: BTreeSet<String>) -> Self {
        let chosen = extras.iter().filter_map(|extra| manifest.extras.get(extra));
        let chosen = chosen.chain(groups.iter().filter_map(|group| manifest.groups.get(group))).flatten();
        let mut direct = BTreeSet::new();
        for requirement in manifest.dependencies.iter().chain(chosen) {
            let (name, extras) = (requirement_name(&requirement.value), requirement_extras(&requirement.value));
            let brought =
                BRINGING.iter().filter(|(package, extra, _)| *package == name && extras.iter().any(|have| have == extra));
            direct.extend(brought.map(|(_, _, server)| (*server).to_owned()));
            direct.insert(name);
        }
        Self { direct, locked, has_gunicorn_file: root.join("gunicorn.conf.py").is_file() }
    }

    /// The servers that most projects choose, to show what a command line would look like.
    pub fn usual() -> Self {
        Self { direct: ["uvicorn", "gunicorn"].map(str::to_owned).into(), ..Self::default() }
    }

    /// Tells whether the image will hold a distribution.
    pub fn hold(&self, name: &str) -> bool {
        self.direct.contains(name) || self.locked.contains(name)
    }
}

/// Chooses the server for a callable: a direct dependency before one that only the lock names.
fn choose(interface: Interface, distributions: &Distributions) -> Option<Server> {
    [&distributions.direct, &distributions.locked].into_iter().find_map(|names| {
        let has = |name: &str| names.contains(name);
        let workers = if has("uvicorn-worker") {
            Some("uvicorn_worker.UvicornWorker")
        } else {
            distributions.hold("uvicorn").then_some("uvicorn.workers.UvicornWorker")
        };
        match interface {
            Interface::Asgi if has("gunicorn") && has("uvicorn-worker") => workers.map(Server::GunicornUvicorn),
            Interface::Asgi if has("uvicorn") => Some(Server::Uvicorn),
            Interface::Asgi if has("granian") => Some(Server::Granian),
            Interface::Asgi if has("hypercorn") => Some(Server::Hypercorn),
            Interface::Asgi if has("gunicorn") => workers.map(Server::GunicornUvicorn),
            Interface::Wsgi if has("gunicorn") => Some(Server::Gunicorn),
            Interface::Wsgi if has("granian") => Some(Server::Granian),
            Interface::Wsgi if has("hypercorn") => Some(Server::Hypercorn),
            _ => None,
        }
    })
}

/// Why an app has no command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::project) struct Serverless(pub Interface);

/// Writes the command line of what was found; a web app listens on all interfaces and believes the proxy's headers.
pub(in crate::project) fn command(found: &Found, port: u16, distributions: &Distributions) -> Result<Vec<String>, Serverless> {
    match &found.entry {
        Entry::Callable { module, attribute, interface, is_factory } => {
            let server = choose(*interface, distributions).ok_or(Serverless(*interface))?;
            Ok(served(server, *interface, module, attribute, *is_factory, port, distributions))
        }
        Entry::Django { wsgi, asgi, prefers_asgi } => {
            let wsgi = wsgi.as_deref().map(|entry| (entry, Interface::Wsgi));
            let asgi = asgi.as_deref().map(|entry| (entry, Interface::Asgi));
            let choices = if *prefers_asgi { [asgi, wsgi] } else { [wsgi, asgi] };
            for (entry, interface) in choices.into_iter().flatten() {
                if let (Some(server), Some((module, attribute))) = (choose(interface, distributions), entry.split_once(':')) {
                    return Ok(served(server, interface, module, attribute, false, port, distributions));
                }
            }
            Err(Serverless(choices.into_iter().flatten().next().map_or(Interface::Wsgi, |(_, interface)| interface)))
        }
        Entry::Streamlit { script } => {
            let port = port.to_string();
            let script = slashed(script);
            Ok(words(&[
                "streamlit",
                "run",
                &script,
                "--server.address",
                "0.0.0.0",
                "--server.port",
                &port,
                "--server.headless",
                "true",
            ]))
        }
        Entry::Celery { module, attribute } => {
            Ok(words(&["celery", "--app", &format!("{module}:{attribute}"), "worker", "--loglevel", "INFO"]))
        }
        Entry::Program { arguments } => Ok(arguments.clone()),
    }
}

#[allow(clippy::fn_params_excessive_bools)]
fn served(
    server: Server,
    interface: Interface,
    module: &str,
    attribute: &str,
    is_factory: bool,
    port: u16,
    distributions: &Distributions,
) -> Vec<String> {
    let target = format!("{module}:{attribute}");
    let called = if is_factory { format!("{target}()") } else { target.clone() };
    let (number, address) = (port.to_string(), format!("0.0.0.0:{port}"));
    let mut line = match server {
        Server::Uvicorn => words(&[
            "uvicorn",
            &target,
            "--host",
            "0.0.0.0",
            "--port",
            &number,
            "--proxy-headers",
            "--forwarded-allow-ips=*",
            "--timeout-keep-alive",
            KEEP_ALIVE,
        ]),
        Server::Granian => {
            let name = if interface == Interface::Asgi { "asgi" } else { "wsgi" };
            words(&["granian", "--interface", name, &target, "--host", "0.0.0.0", "--port", &number, "--access-log"])
        }
        Server::Hypercorn => {
            let prefix = if interface == Interface::Asgi { "" } else { "wsgi:" };
            words(&["hypercorn", &format!("{prefix}{called}"), "--bind", &address, "--access-logfile", "-"])
        }
        Server::Gunicorn | Server::GunicornUvicorn(_) => {
            words(&["gunicorn", &called, "--bind", &address, "--forwarded-allow-ips=*", "--access-logfile", "-"])
        }
    };
    if is_factory && matches!(server, Server::Uvicorn | Server::Granian) {
        line.push("--factory".into());
    }
    if let Server::GunicornUvicorn(class) = server {
        line.extend(words(&["--worker-class", class]));
    }
    // What the project's own file says about workers is not overruled.
    if matches!(server, Server::Gunicorn | Server::GunicornUvicorn(_)) && !distributions.has_gunicorn_file {
        line.extend(words(&["--workers", "2", "--worker-tmp-dir", "/dev/shm", "--keep-alive", KEEP_ALIVE]));
        if server == Server::Gunicorn {
            line.extend(words(&["--threads", "4"]));
        }
    }
    line
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What a configured command starts, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::project) struct Reading {
    /// The `module:attribute` that a server is given.
    pub target: Option<String>,
    /// The port that it listens on, given or the server's own default.
    pub port: Option<u16>,
    /// The program is known to receive no requests.
    pub is_worker: bool,
}

/// Servers with the port that they choose themselves.
const SERVERS: [(&str, u16); 12] = [
    ("uvicorn", 8000),
    ("gunicorn", 8000),
    ("hypercorn", 8000),
    ("granian", 8000),
    ("daphne", 8000),
    ("waitress-serve", 8080),
    ("streamlit", 8501),
    ("flask", 5000),
    ("fastapi", 8000),
    ("litestar", 8000),
    ("uwsgi", 8000),
    ("mod_wsgi-express", 8000),
];

const WORKERS: [&str; 8] = ["celery", "rq", "rqworker", "dramatiq", "huey_consumer", "arq", "taskiq", "procrastinate"];

/// Reads a configured command.
pub(in crate::project) fn read_command(arguments: &[String]) -> Reading {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).skip_while(|word| is_prefix(word)).collect();
    let Some((program, rest)) = arguments.split_first() else { return Reading::default() };
    let program = program.rsplit('/').next().unwrap_or(program);
    // `python -m gunicorn …`
    let (program, rest) = match (program.starts_with("python"), rest) {
        (true, ["-m", module, rest @ ..]) => (*module, rest),
        _ => (program, rest),
    };
    let default = SERVERS.iter().find(|(name, _)| *name == program).map(|(_, port)| *port);
    let target = if default.is_some() || WORKERS.contains(&program) { rest.iter().find_map(|word| target(word)) } else { None };
    let beat = program == "celery" || WORKERS.contains(&program);
    Reading { target, port: given_port(rest).or(default), is_worker: beat }
}

/// Words before the program itself: `exec`, `env`, `NAME=value`, `uv run`, `poetry run`.
fn is_prefix(word: &str) -> bool {
    matches!(word, "exec" | "env" | "uv" | "poetry" | "run")
        || word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn given_port(arguments: &[&str]) -> Option<u16> {
    const FLAGS: [&str; 8] = ["--port", "-p", "--bind", "-b", "--server.port", "--listen", "--http", "--http-socket"];
    let number = |text: &str| text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).filter(|port| *port > 0);
    let mut words = arguments.iter().peekable();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (*word, words.peek().copied().copied()),
        };
        if let Some(port) = value.filter(|_| FLAGS.contains(&flag)).and_then(number) {
            return Some(port);
        }
    }
    None
}

/// Reads `shop.main:app`, `shop:create_app()`, `config.wsgi`, or `app.py`.
fn target(word: &str) -> Option<String> {
    let word = word.trim_end_matches("()").trim_start_matches("wsgi:").trim_start_matches("asgi:");
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_./-".contains(c)) && !text.starts_with(['-', '.', '/'])
    };
    let (module, attribute) = word.split_once(':').unwrap_or((word, ""));
    let is_target =
        plain(module) && (attribute.is_empty() || plain(attribute)) && (module.contains('.') || !attribute.is_empty());
    (is_target && module.parse::<f64>().is_err() && !module.chars().all(|c| c.is_ascii_digit() || c == '.'))
        .then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Option<String>, Option<u16>, bool) {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let reading = read_command(&words);
        (reading.target, reading.port, reading.is_worker)
    }

    #[test]
    fn configured_commands_are_read() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(read("uvicorn shop.main:app --host 0.0.0.0 --port 9000"), (text("shop.main:app"), Some(9000), false));
        assert_eq!(read("gunicorn config.wsgi"), (text("config.wsgi"), Some(8000), false));
        assert_eq!(read("gunicorn -b 0.0.0.0:5000 shop:create_app()"), (text("shop:create_app"), Some(5000), false));
        assert_eq!(read("python -m hypercorn wsgi:shop:app --bind=[::]:81"), (text("shop:app"), Some(81), false));
        assert_eq!(read("streamlit run app.py --server.port=80"), (text("app.py"), Some(80), false));
        assert_eq!(read("celery --app primes.jobs worker --concurrency 1"), (text("primes.jobs"), None, true));
        assert_eq!(read("python -m shop --port 81"), (None, Some(81), false));
        assert_eq!(read("LOG=1 exec uv run uvicorn a:b"), (text("a:b"), Some(8000), false));
        assert_eq!(read("./start"), (None, None, false));
    }
}
