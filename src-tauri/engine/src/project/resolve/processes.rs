//! Decides what the app runs: from the configuration, else from the Dockerfile, else from the sources.

use super::{ImageFile, Inputs};
use crate::model::{CommandLine, Framework};
use crate::project::config::{MANIFEST, ProcessEntry, ProcessSection, WebProcess};
use crate::project::detect::{Distributions, Found, Interface, Serverless, command, read_command};
use crate::project::explain::{Effective, Shown};
use crate::project::place::slashed;
use crate::project::{At, Candidate, Located, ProjectError, Warning};

/// The port of apps that name none.
const PORT: u16 = 8000;

/// Frameworks without which a project would not list them.
const WEB_FRAMEWORKS: [&str; 8] = ["fastapi", "starlette", "litestar", "flask", "django", "quart", "falcon", "streamlit"];

/// What the app runs.
pub(super) struct Chosen<'a> {
    pub processes: Vec<ChosenProcess>,
    pub framework: Effective<Framework>,
    /// What the web process runs, where it was found in the sources.
    pub web: Option<&'a Found>,
    /// Whether `[app]` says it, or `[process.*]`.
    pub place: Place,
}

/// Which table of the configuration describes the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    App,
    Process,
}

pub(super) struct ChosenProcess {
    pub name: String,
    pub command: Effective<CommandLine>,
    pub port: Option<Effective<u16>>,
    pub section: Option<usize>,
}

struct Chooser<'a, 'b> {
    inputs: &'b Inputs<'a>,
    image_file: Option<&'b ImageFile>,
    distributions: &'b Distributions,
    configured: Vec<(&'a str, &'a ProcessSection, usize)>,
}

pub(super) fn resolve<'a>(
    inputs: &Inputs<'a>,
    image_file: Option<&ImageFile>,
    distributions: &Distributions,
    warnings: &mut Vec<Warning>,
) -> Result<Chosen<'a>, ProjectError> {
    let entries = inputs.configuration.processes.iter().enumerate();
    let configured = entries.filter_map(|(index, (name, entry))| match entry {
        ProcessEntry::On(section) => Some((name.as_str(), section.as_ref(), index)),
        ProcessEntry::Off => None,
    });
    let chooser = Chooser { inputs, image_file, distributions, configured: configured.collect() };
    let chosen = match (&inputs.configuration.app.command, chooser.configured.first()) {
        (Some(command), Some((name, section, _))) => Err(ProjectError::Contradiction {
            at: section.at.clone(),
            message: format!("`app.command` ({}) and `process.{name}` both say what the app runs", command.at),
            hint: "move `command` from `[app]` to `[process.web]`".into(),
        }),
        (Some(command), None) => Ok(chooser.by_command(command)),
        (None, Some(_)) => chooser.by_processes(),
        (None, None) => chooser.by_sources(),
    }?;
    chooser.warn_of_idle_workers(&chosen, warnings);
    Ok(chosen)
}

impl<'a> Chooser<'a, '_> {
    /// `[app] command`.
    fn by_command(&self, command: &Located<CommandLine>) -> Chosen<'a> {
        let (found, reading) = self.understand(&words(&command.value));
        let is_web_project = !reading.is_worker && !self.inputs.detection.web.is_empty();
        let port = self.port(None).or(reading.port.map(|port| Effective::inferred(port, format!("{} the command", command.at))));
        let port = port.filter(|_| !reading.is_worker).or_else(|| is_web_project.then(|| Effective::default(PORT)));
        let name = if port.is_some() { "web" } else { "worker" };
        let framework = self.framework(found, reading.is_worker, &command.at);
        let web = found.filter(|_| port.is_some());
        let process =
            ChosenProcess { name: name.into(), command: Effective::at(command.value.clone(), &command.at), port, section: None };
        Chosen { processes: vec![process], framework, web, place: Place::App }
    }

    /// Finds what a command starts.
    fn understand(&self, words: &[String]) -> (Option<&'a Found>, crate::project::detect::Reading) {
        let detection = self.inputs.detection;
        let reading = read_command(words);
        let named = reading
            .target
            .as_deref()
            .and_then(|name| detection.web.iter().chain(&detection.workers).find(|found| found.is_called(name)));
        let found = match (named, detection.web.as_slice(), &reading.target) {
            (Some(named), _, _) => Some(named),
            (None, [only], None) if !reading.is_worker => Some(only),
            _ => None,
        };
        (found, reading)
    }

    fn framework(&self, found: Option<&Found>, is_worker: bool, at: &At) -> Effective<Framework> {
        match found {
            Some(found) => Effective::inferred(found.framework, found.because()),
            None if is_worker && self.distributions.hold("celery") => {
                Effective::inferred(Framework::Celery, format!("{at} the command"))
            }
            None => Effective::inferred(Framework::Custom, format!("{at} the command")),
        }
    }

    /// The configured port of a process, or of the app.
    fn port(&self, section: Option<&ProcessSection>) -> Option<Effective<u16>> {
        let port = section.and_then(|section| section.port.as_ref()).or(self.inputs.configuration.app.port.as_ref());
        port.map(|port| Effective::at(port.value, &port.at))
    }

    /// `[process.*]`; a web process that is not described is still looked for.
    fn by_processes(&self) -> Result<Chosen<'a>, ProjectError> {
        let mut web: Option<(&str, &ProcessSection, usize)> = None;
        for process in self.configured.iter().filter(|(name, section, _)| section.web(name) == WebProcess::Yes) {
            if let Some((first, ..)) = web {
                return Err(ProjectError::Contradiction {
                    at: process.1.at.clone(),
                    message: format!("`process.{first}` and `process.{}` would both receive requests", process.0),
                    hint: "keep `port` in one of them; the other ones are workers".into(),
                });
            }
            web = Some(*process);
        }
        let is_off =
            self.inputs.configuration.processes.iter().any(|(name, entry)| name == "web" && matches!(entry, ProcessEntry::Off));
        let mut chosen =
            Chosen { processes: Vec::new(), framework: Effective::default(Framework::Custom), web: None, place: Place::Process };
        match web {
            Some((name, section, index)) => self.add_web(name, section, index, &mut chosen)?,
            None if is_off => {}
            None => {
                if let Some((process, found)) = self.found_web()? {
                    chosen.framework = Effective::inferred(found.framework, found.because());
                    chosen.web = Some(found);
                    chosen.processes.push(process);
                }
            }
        }
        let workers = self.configured.iter().filter(|(name, section, _)| section.web(name) == WebProcess::No);
        for (name, section, index) in workers {
            let process = self.worker(name, section, *index)?;
            if chosen.processes.is_empty() {
                let (found, reading) = self.understand(&words(&process.command.value));
                let found = found.filter(|found| found.framework == Framework::Celery);
                chosen.framework = self.framework(found, reading.is_worker, &section.at);
            }
            chosen.processes.push(process);
        }
        Ok(chosen)
    }

    /// `[process.web]`, or another process with a port.
    fn add_web(&self, name: &str, section: &ProcessSection, index: usize, chosen: &mut Chosen<'a>) -> Result<(), ProjectError> {
        let Some(command) = &section.command else {
            let found = if self.image_file.is_some() {
                self.image_process()
            } else {
                self.found_web()?.map(|(process, found)| (process, Some(found)))
            };
            let Some((process, found)) = found else { return Err(missing_command(section, name)) };
            let found = found.or_else(|| self.only_web());
            chosen.framework = found
                .map_or(Effective::default(Framework::Custom), |found| Effective::inferred(found.framework, found.because()));
            chosen.web = found;
            let port = self.port(Some(section)).or(process.port).or(Some(Effective::default(PORT)));
            let command = match (found, self.image_file, &port) {
                (Some(found), None, Some(port)) => self.command_of(found, port.value)?,
                _ => process.command,
            };
            chosen.processes.push(ChosenProcess { name: name.into(), command, port, section: Some(index) });
            return Ok(());
        };
        let (found, reading) = self.understand(&words(&command.value));
        let read = reading.port.map(|port| Effective::inferred(port, format!("{} the command", command.at)));
        let port = self.port(Some(section)).or(read).unwrap_or(Effective::default(PORT));
        chosen.framework = self.framework(found, false, &command.at);
        chosen.web = found;
        let command = Effective::at(command.value.clone(), &command.at);
        chosen.processes.push(ChosenProcess { name: name.into(), command, port: Some(port), section: Some(index) });
        Ok(())
    }

    fn worker(&self, name: &str, section: &ProcessSection, index: usize) -> Result<ChosenProcess, ProjectError> {
        let command = match (&section.command, self.inputs.detection.workers.as_slice()) {
            (Some(command), _) => Effective::at(command.value.clone(), &command.at),
            (None, [only]) => self.command_of(only, PORT)?,
            (None, _) => return Err(missing_command(section, name)),
        };
        Ok(ChosenProcess { name: name.into(), command, port: None, section: Some(index) })
    }

    /// Nothing is configured: the Dockerfile, or the sources.
    fn by_sources(&self) -> Result<Chosen<'a>, ProjectError> {
        if self.inputs.choice.is_none()
            && let Some((process, found)) = self.image_process()
        {
            let found = found.or_else(|| self.only_web());
            let framework = found
                .map_or(Effective::default(Framework::Custom), |found| Effective::inferred(found.framework, found.because()));
            let web = found.filter(|_| process.port.is_some());
            return Ok(Chosen { processes: vec![process], framework, web, place: Place::App });
        }
        let detection = self.inputs.detection;
        if let Some((process, found)) = self.found_web()? {
            let framework = Effective::inferred(found.framework, found.because());
            return Ok(Chosen { processes: vec![process], framework, web: Some(found), place: Place::App });
        }
        let found = match self.pick(&detection.workers)? {
            Some(worker) => worker,
            None => {
                self.refuse_lost_app()?;
                self.pick(&detection.programs)?
                    .ok_or_else(|| self.nothing("no app, no worker, no script and no `__main__` module"))?
            }
        };
        let process = ChosenProcess { name: "worker".into(), command: self.command_of(found, PORT)?, port: None, section: None };
        Ok(Chosen {
            processes: vec![process],
            framework: Effective::inferred(found.framework, found.because()),
            web: None,
            place: Place::App,
        })
    }

    /// The image's own command, and the port that its Dockerfile exposes.
    fn image_process(&self) -> Option<(ChosenProcess, Option<&'a Found>)> {
        let file = self.image_file?;
        let own = file.content.command.as_ref();
        let (found, reading) = own.map(|own| self.understand(&own.value)).unwrap_or_default();
        let exposed = file.content.ports.first().map(|port| Effective::inferred(port.value, format!("{} `EXPOSE`", port.at)));
        let read = reading.port.zip(own).map(|(port, own)| Effective::inferred(port, format!("{} the command", own.at)));
        let is_web_project = !reading.is_worker && !self.inputs.detection.web.is_empty();
        let port = self
            .port(None)
            .or(exposed)
            .or(read)
            .filter(|_| !reading.is_worker)
            .or_else(|| is_web_project.then(|| Effective::default(PORT)));
        let name = if port.is_some() { "web" } else { "worker" };
        let command = Effective::inferred(CommandLine::Exec(Vec::new()), format!("the command of `{}`", slashed(&file.path)));
        Some((ChosenProcess { name: name.into(), command, port, section: None }, found))
    }

    fn only_web(&self) -> Option<&'a Found> {
        match self.inputs.detection.web.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The app among the sources, with its server.
    fn found_web(&self) -> Result<Option<(ChosenProcess, &'a Found)>, ProjectError> {
        let Some(found) = self.pick(&self.inputs.detection.web)? else { return Ok(None) };
        let port = self.port(None).unwrap_or(Effective::default(PORT));
        let command = self.command_of(found, port.value)?;
        Ok(Some((ChosenProcess { name: "web".into(), command, port: Some(port), section: None }, found)))
    }

    /// Picks the only one, or the one that a person chose.
    fn pick(&self, candidates: &'a [Found]) -> Result<Option<&'a Found>, ProjectError> {
        if let Some(choice) = self.inputs.choice {
            let detection = self.inputs.detection;
            let mut all = detection.web.iter().chain(&detection.workers).chain(&detection.programs);
            if !all.clone().any(|found| found.name() == choice.entry) {
                let candidates = all.by_ref().map(|found| self.candidate(found)).collect();
                return Err(ProjectError::UnknownChoice { entry: choice.entry.clone(), candidates });
            }
            return Ok(candidates.iter().find(|found| found.name() == choice.entry));
        }
        match candidates {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            several => {
                Err(ProjectError::TwoCandidates { candidates: several.iter().map(|found| self.candidate(found)).collect() })
            }
        }
    }

    fn candidate(&self, found: &Found) -> Candidate {
        let port = self.port(None).map_or(PORT, |port| port.value);
        let line = command(found, port, self.distributions).or_else(|_| command(found, port, &Distributions::usual()));
        let is_process = !self.configured.is_empty();
        let table = match (is_process, found.framework) {
            (true, Framework::Celery | Framework::Worker) => "[process.worker]",
            (true, _) => "[process.web]",
            (false, _) => "[app]",
        };
        let configuration = format!("{table}\ncommand = {}", line.unwrap_or_default().shown());
        Candidate {
            entry: found.name(),
            framework: found.framework,
            at: found.at.clone(),
            source: found.source.clone(),
            configuration,
        }
    }

    fn command_of(&self, found: &Found, port: u16) -> Result<Effective<CommandLine>, ProjectError> {
        match command(found, port, self.distributions) {
            Ok(line) => Ok(Effective::inferred(CommandLine::Exec(line), found.because())),
            Err(Serverless(interface)) => Err(ProjectError::NoServer {
                entry: found.name(),
                at: found.at.clone(),
                interface: if interface == Interface::Asgi { "an ASGI" } else { "a WSGI" },
                remedy: self.remedy(interface),
            }),
        }
    }

    /// Names the command that adds a server, by the tool that the project uses.
    fn remedy(&self, interface: Interface) -> String {
        let server = if interface == Interface::Asgi { "uvicorn" } else { "gunicorn" };
        let above = self.inputs.manifest.workspace.as_ref().map_or(self.inputs.root, |workspace| workspace.root.as_path());
        let has = |file: &str| self.inputs.root.join(file).is_file() || above.join(file).is_file();
        let source = self.inputs.manifest.requirements.iter().find(|file| file.group.is_none());
        match source {
            _ if has("uv.lock") => format!("run `uv add {server}`"),
            _ if has("poetry.lock") => format!("run `poetry add {server}`"),
            Some(file) if self.inputs.manifest.file.as_deref() != Some(MANIFEST.as_ref()) => {
                format!("add `{server}` to `{}` and lock again", slashed(&file.path))
            }
            None if self.inputs.manifest.file.is_none() => match self.inputs.manifest.unread.first() {
                Some(unread) => {
                    format!("`{}` is not read: move its dependencies to `pyproject.toml`, and lock them", slashed(unread))
                }
                None => format!("name `{server}` in a `pyproject.toml`, and lock it: `uv init --bare`, then `uv add {server}`"),
            },
            _ => format!("add `{server}` to `dependencies` in `pyproject.toml` and lock again, or run `uv add {server}`"),
        }
    }

    /// Refuses to take a script for the app of a project that depends on a web framework.
    fn refuse_lost_app(&self) -> Result<(), ProjectError> {
        let listed =
            WEB_FRAMEWORKS.iter().find_map(|name| self.inputs.manifest.dependency(name).map(|requirement| (name, requirement)));
        match listed {
            Some((name, requirement)) if self.inputs.choice.is_none() => Err(self.nothing(&format!(
                "`{name}` is a dependency ({}), but no module makes an app at its top level, or in a function that needs no arguments",
                requirement.at
            ))),
            _ => Ok(()),
        }
    }

    fn nothing(&self, reason: &str) -> ProjectError {
        let members =
            self.inputs.manifest.workspace.iter().flat_map(|workspace| workspace.members.iter().map(|member| slashed(member)));
        ProjectError::NothingToRun { folder: self.inputs.root.to_owned(), reason: reason.into(), members: members.collect() }
    }

    /// Warns of a Celery app whose worker nothing starts.
    fn warn_of_idle_workers(&self, chosen: &Chosen<'_>, warnings: &mut Vec<Warning>) {
        let starts_worker = |process: &ChosenProcess| {
            let words = words(&process.command.value);
            read_command(&words).is_worker || words.iter().any(|word| word == "worker")
        };
        if self.image_file.is_some() || self.inputs.configuration.processes.iter().any(|(name, _)| name == "worker") {
            return;
        }
        for found in self.inputs.detection.workers.iter().filter(|_| !chosen.processes.iter().any(starts_worker)) {
            let line = command(found, PORT, self.distributions).unwrap_or_default().shown();
            let first = if self.inputs.configuration.app.command.is_some() {
                "move `command` from `[app]` to `[process.web]`, and add "
            } else {
                "add "
            };
            let hint = format!("{first}to the configuration, under `[process.worker]`: `command = {line}`");
            warnings.push(Warning::new(
                format!("`{}` ({}) is a Celery app, and nothing starts its worker", found.name(), found.at),
                hint,
            ));
        }
    }
}

fn missing_command(section: &ProcessSection, name: &str) -> ProjectError {
    let example = "command = [\"celery\", \"--app\", \"shop.jobs\", \"worker\"]".into();
    ProjectError::MissingKey { at: section.at.clone(), key: format!("process.{name}.command"), example }
}

fn words(command: &CommandLine) -> Vec<String> {
    match command {
        CommandLine::Exec(arguments) => arguments.clone(),
        CommandLine::Shell(line) => line.split_whitespace().map(str::to_owned).collect(),
    }
}
