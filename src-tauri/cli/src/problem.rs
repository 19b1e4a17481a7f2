//! How an error looks: what happened, why, the evidence, and last, nearest to the prompt, what to do.

use nonevent_engine::model::Problem;

use crate::paint::{Paint, Tone};

/// Returns the error as it is printed, without a line end.
pub fn render(problem: &Problem, paint: Paint) -> String {
    let mut lines = vec![format!("{} {}", paint.tone(Tone::Bad, "error:"), problem.message)];
    for cause in &problem.causes {
        lines.push(format!("  {} {}", paint.tone(Tone::Faint, "caused by:"), indented(cause, "    ")));
    }
    if !problem.details.is_empty() {
        lines.push(String::new());
        for detail in problem.details.iter().flat_map(|detail| detail.split('\n')) {
            lines.push(format!("  {detail}").trim_end().to_owned());
        }
    }
    if !problem.hints.is_empty() {
        lines.push(String::new());
        for hint in &problem.hints {
            lines.push(format!("{} {}", paint.tone(Tone::Strong, "hint:"), indented(hint, "  ")));
        }
    }
    lines.join("\n")
}

/// Keeps the further lines of a text under its first.
fn indented(text: &str, by: &str) -> String {
    text.trim_end().replace('\n', &format!("\n{by}"))
}
