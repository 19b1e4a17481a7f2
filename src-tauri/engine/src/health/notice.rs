//! What people are told of incidents and rollouts, and whether they are: pure.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{
    ErrorPace, HealthState, Incident, JobRun, LogException, Notice, NoticeWeight, NotifyLevel, NotifySettings, ProjectName,
    ReleaseId, RolloutRecord, RolloutState,
};
use crate::target::Place;

/// How what a notice of an incident is about begins.
const INCIDENT: &str = "incident-";

/// Says that an incident began or got worse, or, once it has an end, that it is over.
pub fn of_incident(incident: &Incident, url: Option<String>, at: String) -> Notice {
    let Incident { project, environment, probe, .. } = incident;
    let (worst, is) = match incident.worst {
        HealthState::Down => (NoticeWeight::Outage, "down"),
        _ => (NoticeWeight::Warning, "degraded"),
    };
    let (weight, ends, title, text) = match &incident.closed_at {
        Some(_) => {
            let text = format!("it was not for {}", minutes(&incident.opened_at, &at));
            (NoticeWeight::Good, Some(worst), format!("{project} ({environment}) is healthy again"), text)
        }
        None => (worst, None, format!("{project} ({environment}) is {is}"), why(incident)),
    };
    let text = match &incident.release {
        Some(release) => format!("{text}\nrelease {release}, probe {probe}"),
        None => format!("{text}\nprobe {probe}"),
    };
    Notice {
        about: format!("{INCIDENT}{}", incident.id),
        project: project.clone(),
        environment: environment.clone(),
        release: incident.release.clone(),
        weight,
        ends,
        title,
        text,
        url,
        at,
    }
}

fn why(incident: &Incident) -> String {
    match (incident.cause(), incident.changes.first()) {
        (cause, Some(change)) => format!("{cause}\nshortly before: {change}"),
        (cause, None) => cause.to_owned(),
    }
}

/// Says how a rollout ended; nothing of one that goes on.
pub fn of_rollout(project: &ProjectName, rollout: &RolloutRecord, url: Option<String>, at: String) -> Option<Notice> {
    let environment = &rollout.environment;
    let (what, release) = (rollout.reason.word(), &rollout.to);
    let failure = || {
        let cause = rollout.diagnosis.as_ref().and_then(|diagnosis| diagnosis.first()).map(|first| first.sentence.clone());
        cause.or_else(|| rollout.failure.clone()).unwrap_or_default()
    };
    let (weight, title, text) = match rollout.state {
        RolloutState::Succeeded => {
            (NoticeWeight::Good, format!("{project} ({environment}): {what} finished"), format!("release {release} serves"))
        }
        RolloutState::Failed => {
            let text = format!("release {release}: {}", failure());
            (NoticeWeight::Outage, format!("{project} ({environment}): {what} failed"), text)
        }
        RolloutState::WentBack => {
            let text = format!("release {release} lost its traffic: {}", failure());
            (NoticeWeight::Outage, format!("{project} ({environment}): {what} went back"), text)
        }
        // Whoever stopped it knows.
        RolloutState::Cancelled | RolloutState::Running | RolloutState::Baking | RolloutState::Recovered => return None,
    };
    Some(Notice {
        about: format!("rollout-{}", rollout.id),
        project: project.clone(),
        environment: environment.clone(),
        release: Some(ReleaseId::clone(release)),
        weight,
        ends: None,
        title,
        text,
        url,
        at,
    })
}

/// Tells whether a notice is of an incident.
pub fn is_of_incident(notice: &Notice) -> bool {
    notice.about.starts_with(INCIDENT)
}

/// Says that an exception was told that no release had told before.
pub fn of_exception(place: &Place, exception: &LogException, release: &ReleaseId, url: Option<String>, at: String) -> Notice {
    let Place { project, environment } = place;
    let headline = exception.message.lines().next().unwrap_or_default();
    let last = exception.frames.iter().rev().find(|frame| frame.own).or(exception.frames.last());
    let place = last.map(|frame| {
        let function = frame.function.as_deref().map(|function| format!(" in {function}")).unwrap_or_default();
        format!("\n{}:{}{function}", frame.file, frame.line)
    });
    Notice {
        about: format!("exception-{environment}-{}", exception.fingerprint),
        project: project.clone(),
        environment: environment.clone(),
        release: Some(release.clone()),
        weight: NoticeWeight::Warning,
        ends: None,
        title: format!("{project} ({environment}): a new exception, {}", exception.kind),
        text: format!("{headline}{}\nrelease {release}", place.unwrap_or_default()),
        url,
        at,
    }
}

/// Says that an environment tells of too many failures, or no longer does.
pub fn of_errors(
    place: &Place,
    (count, pace): (u64, ErrorPace),
    url: Option<String>,
    at: String,
    weight: NoticeWeight,
) -> Notice {
    let Place { project, environment } = place;
    let minutes = pace.within.as_secs().div_ceil(60);
    let title = match weight {
        NoticeWeight::Good => format!("{project} ({environment}): errors are few again"),
        NoticeWeight::Warning | NoticeWeight::Outage => format!("{project} ({environment}): {count} errors in {minutes} min"),
    };
    Notice {
        about: format!("errors-{environment}"),
        project: project.clone(),
        environment: environment.clone(),
        release: None,
        weight,
        ends: (weight == NoticeWeight::Good).then_some(NoticeWeight::Warning),
        title,
        text: format!(
            "{count} records of the last {minutes} min tell of a failure; `{}` is too many\n`nonevent logs {environment} --level error` shows them",
            pace.count
        ),
        url,
        at,
    }
}

/// Says that a scheduled job failed, or no longer does.
pub fn of_job(run: &JobRun, at: String) -> Notice {
    let JobRun { project, environment, job, .. } = run;
    let (weight, ends, what, text) = match run.succeeded() {
        true => (NoticeWeight::Good, Some(NoticeWeight::Outage), "is well again", "its last run succeeded".to_owned()),
        false => {
            let code = || run.exit_code.map(|code| format!("it ended with {code}")).unwrap_or_default();
            (NoticeWeight::Outage, None, "failed", run.failure.clone().unwrap_or_else(code))
        }
    };
    Notice {
        about: format!("job-{environment}-{job}"),
        project: project.clone(),
        environment: environment.clone(),
        release: run.release.clone(),
        weight,
        ends,
        title: format!("{project} ({environment}): the job {job} {what}"),
        text: format!("{text}\n`nonevent jobs log {job} -e {environment}` shows what it printed"),
        url: None,
        at,
    }
}

/// Tells whether an environment's level lets a notice through.
pub fn is_let_through(notice: &Notice, level: NotifyLevel) -> bool {
    match level {
        NotifyLevel::All => true,
        NotifyLevel::Down => is_of_outage(notice),
        NotifyLevel::None => false,
    }
}

/// Tells whether a notice waits for the end of quiet hours: all but outages and their ends.
pub fn is_held(notice: &Notice, settings: &NotifySettings, now: Timestamp, zone: &TimeZone) -> bool {
    !is_of_outage(notice) && settings.quiet.is_some_and(|quiet| is_within(quiet, now, zone))
}

fn is_of_outage(notice: &Notice) -> bool {
    notice.ends.unwrap_or(notice.weight) == NoticeWeight::Outage
}

/// Tells whether it is that time of the day; a span that ends before it begins goes over midnight.
fn is_within((from, to): (u16, u16), now: Timestamp, zone: &TimeZone) -> bool {
    let local = now.to_zoned(zone.clone());
    let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    match from <= to {
        true => (from..to).contains(&minute),
        false => minute >= from || minute < to,
    }
}

fn minutes(from: &str, to: &str) -> String {
    let seconds = from.parse::<Timestamp>().ok().zip(to.parse::<Timestamp>().ok());
    let seconds = seconds.map_or(0, |(from, to)| to.as_second().saturating_sub(from.as_second()).max(0));
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::LogFrame;

    fn incident() -> Incident {
        Incident {
            id: "1".into(),
            project: ProjectName::new("shop"),
            environment: "production".into(),
            worst: HealthState::Down,
            opened_at: "2026-11-23T10:00:00Z".into(),
            closed_at: None,
            probe: "web".into(),
            finding: "GET /healthz answered 500".into(),
            release: Some(ReleaseId::new("3f2a91c04d5e")),
            diagnosis: None,
            changes: vec!["release 3f2a91c04d5e served since 2 min before".into()],
        }
    }

    #[test]
    fn it_names_what_where_which_and_why() {
        let notice = of_incident(&incident(), None, "2026-11-23T10:00:00Z".into());
        assert_eq!(notice.title, "shop (production) is down");
        for word in ["GET /healthz answered 500", "3f2a91c04d5e", "probe web", "shortly before"] {
            assert!(notice.text.contains(word), "{}", notice.text);
        }
        let over = Incident { closed_at: Some("2026-11-23T10:07:00Z".into()), ..incident() };
        let over = of_incident(&over, None, "2026-11-23T10:07:00Z".into());
        assert_eq!((over.title.as_str(), over.weight), ("shop (production) is healthy again", NoticeWeight::Good));
        assert!(over.text.starts_with("it was not for 7 min"), "{}", over.text);
        assert_eq!(over.about, notice.about);
    }

    #[test]
    fn a_job_that_fails_is_an_outage_until_it_does_not() {
        let run = JobRun {
            id: "1".into(),
            project: ProjectName::new("shop"),
            environment: "production".into(),
            job: "backup".into(),
            release: None,
            due_at: Some("2026-11-23T10:00:00Z".into()),
            started_at: "2026-11-23T10:00:00Z".into(),
            finished_at: Some("2026-11-23T10:00:09Z".into()),
            exit_code: Some(3),
            oom: false,
            failure: None,
            lines: Vec::new(),
            by: "ann@one".into(),
        };
        let failed = of_job(&run, "t".into());
        assert_eq!(failed.title, "shop (production): the job backup failed");
        assert!(failed.text.starts_with("it ended with 3\n`nonevent jobs log backup -e production`"), "{}", failed.text);
        let well = of_job(&JobRun { exit_code: Some(0), ..run }, "t".into());
        assert_eq!((well.weight, well.ends, &well.about), (NoticeWeight::Good, Some(NoticeWeight::Outage), &failed.about));
        assert!([&failed, &well].iter().all(|notice| is_let_through(notice, NotifyLevel::Down)));
    }

    #[test]
    fn a_new_exception_is_told_with_its_place() {
        let frame = |file: &str, own| LogFrame { file: file.into(), line: 7, function: Some("pay".into()), own };
        let exception = LogException {
            kind: "shop.Refused".into(),
            message: "no card\nof him".into(),
            frames: vec![frame("/app/shop.py", true), frame("/usr/lib/python3/json.py", false)],
            fingerprint: "00".into(),
        };
        let place = Place { project: "shop".into(), environment: "production".into() };
        let notice = of_exception(&place, &exception, &ReleaseId::new("3f2a91c04d5e"), None, "t".into());
        assert_eq!(notice.title, "shop (production): a new exception, shop.Refused");
        assert_eq!(notice.text, "no card\n/app/shop.py:7 in pay\nrelease 3f2a91c04d5e");
        let pace = ErrorPace { count: 20, within: std::time::Duration::from_secs(300) };
        let many = of_errors(&place, (31, pace), None, "t".into(), NoticeWeight::Warning);
        assert_eq!(many.title, "shop (production): 31 errors in 5 min");
        assert_eq!(of_errors(&place, (1, pace), None, "t".into(), NoticeWeight::Good).about, many.about);
    }

    #[test]
    fn levels_and_quiet_hours_hold_back_what_can_wait() {
        let outage = of_incident(&incident(), None, "2026-11-23T10:00:00Z".into());
        let warning = Notice { weight: NoticeWeight::Warning, ..outage.clone() };
        let good = Notice { weight: NoticeWeight::Good, ..outage.clone() };
        let ended = |worst| of_incident(&Incident { closed_at: Some("t".into()), worst, ..incident() }, None, "t".into());
        let (over, better) = (ended(HealthState::Down), ended(HealthState::Degraded));
        let night = NotifySettings { quiet: Some((22 * 60, 7 * 60)), ..NotifySettings::default() };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (day, late) = (at("2026-11-23T12:00:00Z"), at("2026-11-23T23:30:00Z"));
        let told = |notice: &Notice, level, now| is_let_through(notice, level) && !is_held(notice, &night, now, &TimeZone::UTC);
        assert!(told(&warning, NotifyLevel::All, day) && told(&good, NotifyLevel::All, at("2026-11-23T07:00:00Z")));
        assert!(!told(&warning, NotifyLevel::All, late) && !told(&good, NotifyLevel::All, at("2026-11-23T06:59:00Z")));
        assert!(told(&outage, NotifyLevel::All, late) && told(&outage, NotifyLevel::Down, late));
        assert!(told(&over, NotifyLevel::All, late) && !told(&better, NotifyLevel::All, late));
        assert!(!told(&warning, NotifyLevel::Down, day) && !told(&better, NotifyLevel::Down, day));
        assert!(told(&over, NotifyLevel::Down, late) && !told(&good, NotifyLevel::Down, day), "a rollout that went well");
        assert!(!told(&outage, NotifyLevel::None, day));
    }
}
