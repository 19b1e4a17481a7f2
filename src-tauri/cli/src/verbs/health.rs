//! `nonevent health`

use jiff::{SignedDuration, Timestamp};
use nonevent_engine::model::{EnvironmentName, HealthReport, HealthState, Incident, TimelinePoint};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::paint::Tone;
use crate::session::{Session, View};
use crate::words::{age, bytes, counted, duration};
use crate::{args, help};

/// Show how an environment fared: uptime, latency, incidents, releases
///
/// What `nonevent watch` measured is drawn on one time axis; it asks no engine. A time in which nobody watched is blank, and is no outage.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent health", "the last day of `local`"),
    ("nonevent health production --since 7d", "the last week"),
    ("nonevent health --json", "every series with its points"),
]))]
pub struct Args {
    /// The environment
    #[arg(value_parser = args::environment, default_value = "local")]
    environment: EnvironmentName,
    /// How far back, such as `1h`, `7d` or `12w`
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = span)]
    since: SignedDuration,
}

/// Most that is kept.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 731);
const COLUMNS: usize = 60;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Reads `7d`: days and weeks are those of a calm clock.
fn span(text: &str) -> Result<SignedDuration, String> {
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let days =
        |days: i64| number.parse::<i64>().ok().and_then(|n| n.checked_mul(24 * days)).and_then(SignedDuration::try_from_hours);
    let found = match unit {
        "d" => days(1),
        "w" => days(7),
        _ => text.parse::<SignedDuration>().ok(),
    };
    found.filter(|span| *span > SignedDuration::ZERO && *span <= LONGEST).ok_or_else(|| "write `1h`, `7d` or `12w`".to_owned())
}

/// Shows health.
///
/// # Errors
/// When the project or the timelines cannot be read.
pub fn run(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let since = Timestamp::now().checked_sub(args.since).unwrap_or(Timestamp::UNIX_EPOCH);
    let report = engine.health(&folder, &args.environment, since)?;
    session.answer("health", json!({ "health": report }), |view| text(&report, view));
    Ok(Exit::Done)
}

/// Returns the report as it is drawn.
pub fn text(report: &HealthReport, view: View) -> String {
    let probes: Vec<_> = report.series.iter().filter(|(series, _)| series.name.starts_with("probe:")).collect();
    let (tone, word) = state(report.state);
    let head = format!("{} ({}): {}", report.project, report.environment, view.paint.tone(tone, word));
    if probes.iter().all(|(_, points)| points.is_empty()) {
        return format!("{head}\nnothing was measured in this time; `nonevent watch` measures");
    }
    let width = view.width.map_or(COLUMNS, |width| width.saturating_sub(34).clamp(20, 120));
    let mut lines = vec![head];
    let name_width = probes.iter().map(|(series, _)| series.name.len() - "probe:".len()).max().unwrap_or_default();
    for (series, points) in &probes {
        let name = series.name.trim_start_matches("probe:");
        let cells = columns(points, report.from, report.to, width);
        lines.push(format!("{name:name_width$}  {}  {}", bar(&cells, view), uptime(points)));
        if points.iter().any(|point| point.p95 > 0) {
            for (label, of) in [("p50", (|cell| cell.p50) as fn(&TimelinePoint) -> u64), ("p95", |cell| cell.p95)] {
                let most = points.iter().map(of).max().unwrap_or_default();
                let line = sparkline(&cells, of, most);
                lines.push(format!("{label:>name_width$}  {line}  up to {}", latency(most)));
            }
        }
    }
    if let Some(line) = markers(report, width) {
        lines.push(format!("{:>name_width$}  {line}", ""));
        let listed = report.markers.iter().rev().take(5).map(|marker| format!("  ▲ {}  {}", moment(marker.at), marker.text));
        lines.extend(listed);
    }
    lines.extend(figures(report));
    lines.extend(report.gaps.iter().rev().take(5).map(|gap| {
        let lasted = duration(gap.to.abs_diff(gap.from));
        format!("  ? {}, {lasted}: {}", moment(gap.from), gap.reason)
    }));
    lines.extend(report.incidents.iter().take(10).map(|incident| incident_line(incident, view)));
    lines.join("\n")
}

/// The points of a series by column of the terminal: counts added up, latencies at their worst.
fn columns(points: &[TimelinePoint], from: i64, to: i64, width: usize) -> Vec<Option<TimelinePoint>> {
    let mut cells: Vec<Option<TimelinePoint>> = vec![None; width];
    let span = (to - from).max(1);
    for point in points {
        let index = usize::try_from((point.at - from).max(0) * i64::try_from(width).unwrap_or(1) / span).unwrap_or_default();
        let Some(cell) = cells.get_mut(index.min(width.saturating_sub(1))) else { continue };
        let cell = cell.get_or_insert(TimelinePoint { at: point.at, ..TimelinePoint::default() });
        cell.count += point.count;
        cell.failed += point.failed;
        cell.degraded += point.degraded;
        cell.unseen += point.unseen;
        cell.p50 = cell.p50.max(point.p50);
        cell.p95 = cell.p95.max(point.p95);
    }
    cells
}

/// Every state has a shape of its own.
fn bar(cells: &[Option<TimelinePoint>], view: View) -> String {
    let cell = |cell: &Option<TimelinePoint>| match cell {
        None => " ".to_owned(),
        Some(cell) if cell.count == 0 => view.paint.tone(Tone::Faint, "?"),
        Some(cell) if cell.failed > 0 => view.paint.tone(Tone::Bad, "▁"),
        Some(cell) if cell.degraded > 0 => view.paint.tone(Tone::Warn, "▄"),
        Some(_) => view.paint.tone(Tone::Good, "█"),
    };
    cells.iter().map(cell).collect()
}

fn sparkline(cells: &[Option<TimelinePoint>], of: impl Fn(&TimelinePoint) -> u64, most: u64) -> String {
    let last = BARS.len() as u64 - 1;
    let bar = |cell: &Option<TimelinePoint>| match cell {
        Some(cell) if cell.count > 0 => {
            let index = of(cell).saturating_mul(last).checked_div(most).unwrap_or_default();
            BARS.get(usize::try_from(index).unwrap_or_default()).copied().unwrap_or('█')
        }
        _ => ' ',
    };
    cells.iter().map(bar).collect()
}

/// The share of measurements that found it answering; what could not be seen counts for nothing.
fn uptime(points: &[TimelinePoint]) -> String {
    let (count, failed) = points.iter().fold((0, 0), |(count, failed), point| (count + point.count, failed + point.failed));
    if count == 0 {
        return "not seen".into();
    }
    let share = (count - failed) as f64 * 100.0 / count as f64;
    // 99.999 is not 100.
    format!("{:.2} %", (share * 100.0).floor() / 100.0)
}

fn markers(report: &HealthReport, width: usize) -> Option<String> {
    if report.markers.is_empty() {
        return None;
    }
    let mut line = vec![' '; width];
    let span = (report.to - report.from).max(1);
    for marker in &report.markers {
        let index = (marker.at - report.from).max(0) * i64::try_from(width).unwrap_or(1) / span;
        if let Some(cell) = usize::try_from(index).ok().and_then(|index| line.get_mut(index)) {
            *cell = '▲';
        }
    }
    Some(line.into_iter().collect::<String>().trim_end().to_owned())
}

/// The last figures of instances and requests.
fn figures(report: &HealthReport) -> Option<String> {
    let points = |name: &str| {
        let found = report.series.iter().find(|(series, _)| series.name == name);
        found.map(|(_, points)| points.as_slice()).unwrap_or_default()
    };
    let last = |name: &str| points(name).last().map(|point| point.p50);
    let words: Vec<String> = [
        last("cpu").map(|cpu| format!("{:.2} cores", cpu as f64 / 1000.0)),
        last("memory").map(|memory| format!("{} of memory", bytes(memory))),
        last("memory_share").map(|share| format!("{} % of its limit", share / 10)),
        last("restarts").filter(|count| *count > 0).map(|count| counted(usize::try_from(count).unwrap_or(usize::MAX), "restart")),
        last("requests").map(|pace| format!("{:.1} requests/s", pace as f64 / 1000.0)),
        last("errors").map(|pace| format!("{:.1} of them failed by 5xx", pace as f64 / 1000.0)),
        last("p95").map(|took| format!("95 % of them within {}", latency(took))),
        last("disk_free").map(|free| format!("{} of disk left", bytes(free))),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!words.is_empty()).then(|| format!("now: {}", words.join(", ")))
}

fn incident_line(incident: &Incident, view: View) -> String {
    let (tone, word) = state(incident.worst);
    let lasted = match &incident.closed_at {
        Some(end) => crate::words::between(&incident.opened_at, end).map(duration).unwrap_or_default(),
        None => "goes on".to_owned(),
    };
    let began = age(&incident.opened_at, view.now);
    let release = incident.release.as_ref().map(|release| format!(", release {release}")).unwrap_or_default();
    format!("{} {began} ago, {lasted}{release}\n    {}: {}", view.paint.tone(tone, word), incident.probe, incident.cause())
}

fn state(state: HealthState) -> (Tone, &'static str) {
    match state {
        HealthState::Healthy => (Tone::Good, "● healthy"),
        HealthState::Degraded => (Tone::Warn, "◐ degraded"),
        HealthState::Down => (Tone::Bad, "✗ down"),
        HealthState::Unknown => (Tone::Faint, "? unknown"),
        HealthState::Empty => (Tone::Faint, "○ empty"),
    }
}

fn latency(microseconds: u64) -> String {
    match microseconds {
        0..1_000_000 => format!("{:.1} ms", microseconds as f64 / 1000.0),
        _ => format!("{:.1} s", microseconds as f64 / 1_000_000.0),
    }
}

fn moment(at: i64) -> String {
    Timestamp::from_millisecond(at).map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
}
