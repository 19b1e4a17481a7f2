//! Answers to the probe that are no success: no such path, a redirect, a login, a host name that is refused.

use super::case::{Case, Situation};
use super::words::brief;
use crate::model::{Cause, Certainty, Framework, HealthProbe, Suspect};

pub(super) fn suspects(case: &Case<'_>) -> Vec<Suspect> {
    let Some(HealthProbe::Http { path }) = &case.symptoms.probe else { return Vec::new() };
    let Situation::Answers(status) = case.situation else { return Vec::new() };
    let found = match status {
        404 => Some(missing(case, path)),
        300..400 => Some(redirect(case, path, status)),
        401 | 403 => Some(unauthorized(case, path, status)),
        400 => host(case),
        _ => None,
    };
    found.into_iter().collect()
}

fn evidence(case: &Case<'_>) -> Vec<String> {
    case.probe_line().into_iter().collect()
}

fn missing(case: &Case<'_>, path: &str) -> Suspect {
    let sentence = format!("the app runs, and has no path `{path}`");
    let fix = "set `[health] path` to a path that the app answers with 2xx, or add this one to the app".to_owned();
    case.suspect(Cause::HealthPathMissing { path: path.to_owned() }, Certainty::Certain, sentence, evidence(case), fix)
}

fn redirect(case: &Case<'_>, path: &str, status: u16) -> Suspect {
    let to = case.answer.strip_prefix("to ").map(|to| to.lines().next().unwrap_or(to).to_owned());
    let target = to.as_deref().unwrap_or_default();
    let leads = if target.is_empty() { String::new() } else { format!(" to `{target}`") };
    // The path of an absolute address comes after its host.
    let target_path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => target,
    };
    let fix = if target_path == format!("{path}/") {
        format!("set `[health] path = \"{path}/\"`")
    } else if target.starts_with("https://") && target_path == path {
        let django = " (Django: `SECURE_REDIRECT_EXEMPT`)";
        format!("let the app answer `{path}` without HTTPS{}", if is_django(case) { django } else { "" })
    } else {
        "set `[health] path` to a path that the app answers itself, without a login".to_owned()
    };
    let sentence = format!("the app answers `{path}` with a redirect{leads}");
    let cause = Cause::HealthRedirects { path: path.to_owned(), status, to };
    case.suspect(cause, Certainty::Certain, sentence, evidence(case), fix)
}

fn unauthorized(case: &Case<'_>, path: &str, status: u16) -> Suspect {
    let sentence = format!("the app answers `{path}` only to who is logged in ({status})");
    let fix = format!("let the app answer `{path}` without a login, or set `[health] path` to a path that needs none");
    let cause = Cause::HealthUnauthorized { path: path.to_owned(), status };
    case.suspect(cause, Certainty::Certain, sentence, evidence(case), fix)
}

fn host(case: &Case<'_>) -> Option<Suspect> {
    let domain = &case.symptoms.domain;
    let django = case.log.last(|line| line.starts_with("Invalid HTTP_HOST header:") && line.contains(&format!("'{domain}'")));
    let page = case.answer.contains("<h1>Bad Request (400)</h1>");
    let (certainty, starlette) = if django.is_some() || case.answer.contains("DisallowedHost") {
        (Certainty::Certain, false)
    } else if case.answer.trim() == "Invalid host header" {
        (Certainty::Certain, true)
    } else if page && (is_django(case) || case.symptoms.framework.is_none()) {
        // Without a logger for it Django says no more than that.
        (Certainty::Likely, false)
    } else {
        return None;
    };
    let place = case
        .symptoms
        .source
        .as_ref()
        .and_then(|source| if starlette { source.trusted_hosts.clone() } else { source.allowed_hosts.clone() });
    let at = place.map(|place| format!(" in {place}")).unwrap_or_default();
    let (sentence, fix) = match starlette {
        true => (
            format!("the app's TrustedHostMiddleware refuses the host name `{domain}`"),
            format!("add `{domain}` to `allowed_hosts` of TrustedHostMiddleware{at}"),
        ),
        false => {
            (format!("Django refuses the host name `{domain}` (DisallowedHost)"), format!("add `{domain}` to ALLOWED_HOSTS{at}"))
        }
    };
    let mut lines = evidence(case);
    lines.extend(django.map(brief));
    Some(case.suspect(Cause::DisallowedHost { host: domain.clone() }, certainty, sentence, lines, fix))
}

fn is_django(case: &Case<'_>) -> bool {
    case.symptoms.framework == Some(Framework::Django)
}
