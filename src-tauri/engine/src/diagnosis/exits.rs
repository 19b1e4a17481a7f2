//! Ends that the engine, the kernel or the first process tells of: want of memory, another processor, no such command, no error.

use super::case::{Case, Situation};
use super::log::between;
use super::words::megabytes;
use crate::model::{Cause, Certainty, Suspect};

/// How a shell, and the engine's init, say that there is no such command, and that it is no program.
const NO_COMMAND: i64 = 127;
const NO_PROGRAM: i64 = 126;
/// 128 and the number of SIGKILL.
const KILLED: i64 = 137;

pub(super) fn suspects(case: &Case<'_>) -> Vec<Suspect> {
    let found = [memory(case), architecture(case), command(case), by_itself(case)];
    found.into_iter().flatten().collect()
}

fn memory(case: &Case<'_>) -> Option<Suspect> {
    let examined = &case.symptoms.examined;
    let exit = examined.exit;
    let worker = case.log.saying("was sent SIGKILL! Perhaps out of memory?");
    let suffers = matches!(case.situation, Situation::Ended | Situation::Silent);
    let (certainty, what) = match exit {
        Some(exit) if exit.oom && suffers => (Certainty::Certain, "the kernel ended it for want of memory"),
        // Killed without the kernel's word for it: most often memory all the same.
        Some(exit) if exit.exit_code == KILLED && case.situation == Situation::Ended => {
            (Certainty::Likely, "it was killed, most likely for want of memory")
        }
        _ if worker.is_some() && suffers => (Certainty::Likely, "its workers are killed, most likely for want of memory"),
        _ => {
            let crash = case.crash().filter(|crash| crash.traceback.last().is_some_and(|link| link.name() == "MemoryError"))?;
            (crash.certainty, "Python could get no more memory")
        }
    };
    let mut evidence = Vec::new();
    if let Some(exit) = exit {
        let told = if exit.oom { ", and the engine tells of an out-of-memory kill" } else { "" };
        evidence.push(format!("exit code {}{told}", exit.exit_code));
    }
    evidence.extend(worker.map(str::to_owned));
    evidence.extend(examined.memory.map(|bytes| format!("its limit is {}", megabytes(bytes))));
    let limit = examined.memory.map(|bytes| format!(" than {}", megabytes(bytes))).unwrap_or_default();
    let fix = format!("give it more{limit} with `memory` in the environment's configuration, or start fewer workers");
    let sentence = match examined.memory {
        Some(bytes) => format!("{what}: it may use {}", megabytes(bytes)),
        None => what.to_owned(),
    };
    Some(case.suspect(Cause::OutOfMemory { limit: examined.memory }, certainty, sentence, evidence, fix))
}

fn architecture(case: &Case<'_>) -> Option<Suspect> {
    if case.situation != Situation::Ended {
        return None;
    }
    let examined = &case.symptoms.examined;
    let (image, engine) = (&examined.image_platform, &examined.engine_platform);
    let differ = platforms_differ(case);
    let code = examined.exit.map(|exit| exit.exit_code);
    let said = case.log.last(|line| {
        let words = line.to_lowercase();
        is_of_the_start(line) && words.contains("exec format error")
            || words.ends_with("cannot execute binary file: exec format error") && code == Some(NO_PROGRAM)
    });
    let certainty = match (said, differ) {
        (Some(_), _) => Certainty::Certain,
        // An image without a shell: the engine's init can only say that it found nothing to run.
        (None, true) if matches!(code, Some(NO_COMMAND | NO_PROGRAM)) => Certainty::Likely,
        _ => return None,
    };
    let mut evidence: Vec<String> = said.map(str::to_owned).into_iter().collect();
    evidence.extend(image.as_ref().filter(|_| differ).map(|image| format!("the image is for {image}")));
    evidence.extend(engine.as_ref().map(|engine| format!("the engine runs on {engine}")));
    let cause = Cause::WrongArchitecture { image: image.clone(), engine: engine.clone() };
    let sentence = match (differ, image, engine) {
        (true, Some(image), Some(engine)) => format!("its image is for {image}, and the engine runs on {engine}"),
        _ => "its program is for another processor than the engine's".to_owned(),
    };
    let fix = match engine {
        Some(engine) => {
            format!("build it for {engine}: `FROM --platform={engine} …` in a Dockerfile, or a base that exists for it")
        }
        None => "build it for the engine's processor".to_owned(),
    };
    Some(case.suspect(cause, certainty, sentence, evidence, fix))
}

/// The engine and its init say it as the first words of all; an app may say it of a child.
fn is_of_the_start(line: &str) -> bool {
    line.starts_with("[FATAL tini") || line.starts_with("exec ") || line.starts_with("standard_init_linux.go")
}

fn platforms_differ(case: &Case<'_>) -> bool {
    let examined = &case.symptoms.examined;
    let both = examined.image_platform.as_deref().zip(examined.engine_platform.as_deref());
    both.is_some_and(|(image, engine)| processor(image) != processor(engine))
}

fn processor(platform: &str) -> &str {
    platform.split('/').nth(1).unwrap_or(platform)
}

fn command(case: &Case<'_>) -> Option<Suspect> {
    if case.situation != Situation::Ended {
        return None;
    }
    let code = case.symptoms.examined.exit.map(|exit| exit.exit_code);
    let (line, command, missing) = if let Some(line) = case.log.last(|line| line.starts_with("[FATAL tini")) {
        let reason = if line.contains("Permission denied") { "is no program" } else { "does not exist in the image" };
        if line.to_lowercase().contains("exec format error") {
            return None;
        }
        (line, between(line, "exec ", " failed")?.to_owned(), reason)
    } else if let Some(line) = case.log.saying("can't open file '") {
        (line, between(line, "can't open file '", "'")?.to_owned(), "does not exist in the image")
    } else if let Some(line) = case.log.last(|line| line.ends_with(": not found")).filter(|_| code == Some(NO_COMMAND)) {
        let command = line.trim_end_matches(": not found").rsplit(": ").next()?;
        (line, command.to_owned(), "does not exist in the image")
    } else {
        return None;
    };
    let fix = match command.ends_with(".py") || command.contains('/') {
        true => format!("correct `command` in the configuration, or see that `{command}` gets into the image and can be run"),
        false => format!("correct `command` in the configuration, or add the package that brings `{command}` to the project"),
    };
    let certainty = match code {
        Some(NO_COMMAND | NO_PROGRAM | 2) if !platforms_differ(case) => Certainty::Certain,
        None if is_of_the_start(line) => Certainty::Likely,
        _ => Certainty::Possible,
    };
    let sentence = format!("`{command}`, which it should run, {missing}");
    let evidence = std::iter::once(line.to_owned()).chain(code.map(|code| format!("exit code {code}"))).collect();
    Some(case.suspect(Cause::CommandNotFound { command }, certainty, sentence, evidence, fix))
}

fn by_itself(case: &Case<'_>) -> Option<Suspect> {
    let examined = &case.symptoms.examined;
    let exit = examined.exit.filter(|exit| exit.exit_code == 0 && !exit.oom && case.situation == Situation::Ended)?;
    // Servers with several workers end without an error although they could not start.
    if case.crash().is_some() || case.symptoms.probe.is_none() || case.log.saying("Stopping parent process").is_some() {
        return None;
    }
    let command = examined.command.join(" ");
    let mut evidence = vec![format!("exit code {}", exit.exit_code)];
    if !command.is_empty() {
        evidence.insert(0, format!("it ran `{}`", super::words::brief(&command)));
    }
    let sentence = "its command did its work and ended, instead of going on to serve".to_owned();
    let fix = "let `command` be a server that stays in the foreground, such as gunicorn or uvicorn".to_owned();
    Some(case.suspect(Cause::EndedByItself, Certainty::Likely, sentence, evidence, fix))
}
