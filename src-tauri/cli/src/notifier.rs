//! Showing notices on the desktop, through whatever daemon shows notifications there.

use nonevent_engine::model::{Notice, NoticeWeight};
use notify_rust::{Notification, Urgency};

/// What a person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look at the app.
    Open,
    /// Go back to the release before.
    RollBack,
}

/// Why a notice was not shown.
#[derive(Debug, thiserror::Error)]
#[error("the desktop shows no notifications: {0}")]
pub struct NotShown(String);

impl NotShown {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some("start a notification daemon for this desktop, or write `[notify] desktop = false`".into())
    }
}

/// Shows a notice; where the desktop supports it, with actions, of which the chosen one is handed to `chosen`, on a thread of its own.
///
/// # Errors
/// When nothing shows notifications here.
pub async fn show(notice: &Notice, chosen: impl FnOnce(Action) + Send + 'static) -> Result<(), NotShown> {
    let (notification, acts) = notification(notice);
    let handle = notification.show_async().await.map_err(|error| NotShown(error.to_string()))?;
    if acts {
        // It waits for a person as long as the desktop shows it; the process may end before.
        std::thread::spawn(move || {
            handle.wait_for_action(|action| match action {
                "open" | "default" => chosen(Action::Open),
                "rollback" => chosen(Action::RollBack),
                _ => {}
            });
        });
    }
    Ok(())
}

/// Makes what the desktop shows; tells whether it has actions.
fn notification(notice: &Notice) -> (Notification, bool) {
    let mut notification = Notification::new();
    notification.appname("Nonevent").summary(&notice.title).body(&escaped(&notice.text)).icon(match notice.weight {
        NoticeWeight::Good => "dialog-information",
        NoticeWeight::Warning => "dialog-warning",
        NoticeWeight::Outage => "dialog-error",
    });
    notification.urgency(match notice.weight {
        NoticeWeight::Good => Urgency::Low,
        NoticeWeight::Warning => Urgency::Normal,
        NoticeWeight::Outage => Urgency::Critical,
    });
    if notice.url.is_some() {
        notification.action("open", "Open");
    }
    let back = notice.weight == NoticeWeight::Outage && notice.about.starts_with("incident-");
    if back {
        notification.action("rollback", "Roll back");
    }
    (notification, notice.url.is_some() || back)
}

/// What a daemon would read as marks of its own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
