//! Showing notices, through whatever shows notifications on this desktop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nonevent_engine::model::{Notice, NoticeWeight};
use notify_rust::Notification;
use tokio::task::AbortHandle;

/// What a person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look at what it is about.
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
    pub fn hint(&self) -> String {
        "start a notification daemon for this desktop, or write `[notify] desktop = false`".into()
    }
}

/// Shows notices. What is told later about one thing takes the place of what was told before, while that is still shown.
#[derive(Debug, Clone, Default)]
pub struct Notifier(Arc<Mutex<HashMap<String, Shown>>>);

/// A notification that a person may still act on.
#[derive(Debug)]
struct Shown {
    id: u32,
    waits: AbortHandle,
}

impl Notifier {
    /// Shows a notice; where the desktop supports it, with actions, of which the chosen one is handed to `chosen`.
    ///
    /// # Errors
    /// When nothing shows notifications here.
    pub async fn show(
        &self,
        notice: &Notice,
        actions: &[Action],
        chosen: impl FnOnce(Action) + Send + 'static,
    ) -> Result<(), NotShown> {
        let mut notification = notification(notice);
        platform::add(&mut notification, notice.weight, actions);
        if let Some(before) = self.take(&notice.about) {
            before.waits.abort();
            platform::replace(&mut notification, before.id);
        }
        let handle = platform::show(notification).await.map_err(|error| NotShown(error.to_string()))?;
        let (all, about, id) = (self.clone(), notice.about.clone(), handle.id());
        // Held until it is remembered: an end that comes at once waits for that.
        let mut shown = self.all();
        let waiting = tokio::spawn(async move {
            let action = platform::chosen(handle).await;
            all.forget(&about, id);
            if let Some(action) = action {
                chosen(action);
            }
        });
        shown.insert(notice.about.clone(), Shown { id, waits: waiting.abort_handle() });
        Ok(())
    }

    fn take(&self, about: &str) -> Option<Shown> {
        self.all().remove(about)
    }

    fn forget(&self, about: &str, id: u32) {
        let mut all = self.all();
        if all.get(about).is_some_and(|shown| shown.id == id) {
            all.remove(about);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Shown>> {
        // Whatever panicked while it held the lock left notifications that can be used.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn notification(notice: &Notice) -> Notification {
    let mut notification = Notification::new();
    notification.appname("Nonevent").summary(&notice.title).body(&escaped(&notice.text)).icon(match notice.weight {
        NoticeWeight::Good => "dialog-information",
        NoticeWeight::Warning => "dialog-warning",
        NoticeWeight::Outage => "dialog-error",
    });
    notification
}

/// What a daemon would read as marks of its own.
fn escaped(text: &str) -> String {
    if cfg!(any(target_os = "macos", windows)) {
        return text.to_owned();
    }
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Desktops of freedesktop.org: urgency and actions (Desktop Notifications Specification 1.2).
#[cfg(all(unix, not(target_os = "macos")))]
mod platform {
    use nonevent_engine::model::NoticeWeight;
    use notify_rust::error::Error;
    use notify_rust::{Notification, NotificationHandle, NotificationResponse, Urgency};

    use super::Action;

    pub fn add(notification: &mut Notification, weight: NoticeWeight, actions: &[Action]) {
        notification.urgency(match weight {
            NoticeWeight::Good => Urgency::Low,
            NoticeWeight::Warning => Urgency::Normal,
            NoticeWeight::Outage => Urgency::Critical,
        });
        for action in actions {
            match action {
                // A press on the notice itself looks, too.
                Action::Open => notification.action("default", "Open").action("open", "Open"),
                Action::RollBack => notification.action("rollback", "Roll back"),
            };
        }
    }

    pub fn replace(notification: &mut Notification, id: u32) {
        notification.id(id);
    }

    pub async fn show(notification: Notification) -> Result<NotificationHandle, Error> {
        notification.show_async().await
    }

    /// Waits for a person as long as the desktop shows it; none when it was closed.
    pub async fn chosen(handle: NotificationHandle) -> Option<Action> {
        let mut chosen = None;
        handle
            .wait_for_action_async(|response| {
                chosen = match response {
                    NotificationResponse::Default => Some(Action::Open),
                    NotificationResponse::Action(action) if action == "open" => Some(Action::Open),
                    NotificationResponse::Action(action) if action == "rollback" => Some(Action::RollBack),
                    _ => None,
                }
            })
            .await;
        chosen
    }
}

/// Elsewhere a notice is shown, and that is all.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod platform {
    use nonevent_engine::model::NoticeWeight;
    use notify_rust::Notification;
    use notify_rust::error::Error;

    use super::Action;

    pub struct Handle;

    impl Handle {
        pub fn id(&self) -> u32 {
            0
        }
    }

    pub fn add(_: &mut Notification, _: NoticeWeight, _: &[Action]) {}

    pub fn replace(_: &mut Notification, _: u32) {}

    pub async fn show(notification: Notification) -> Result<Handle, Error> {
        let shown = tokio::task::spawn_blocking(move || notification.show().map(drop)).await;
        shown.unwrap_or(Ok(())).map(|()| Handle)
    }

    pub async fn chosen(_: Handle) -> Option<Action> {
        None
    }
}
