//! What the window's process tells its page unasked: where to go, that something went wrong, that it is being closed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nonevent_engine::model::Problem;
use nonevent_notifier::{Address, Screen};
use serde::Serialize;
use specta::Type;
use tauri::ipc::Channel;

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "news")]
pub enum News {
    /// Show this screen.
    Go(Destination),
    /// Something that was asked for outside of the page was not done.
    Mishap {
        /// Why.
        problem: Box<Problem>,
    },
    /// The window is to be closed: ask what shall become of the watch.
    Closing,
}

/// A tab of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct Destination {
    /// The project.
    pub project: String,
    /// Which tab.
    pub tab: Tab,
    /// The run, release or environment.
    pub item: Option<String>,
    /// What is marked on it: an incident.
    pub mark: Option<String>,
}

/// The tabs that have an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    /// The project's map.
    Overview,
    /// Its environments.
    Environments,
    /// Its runs.
    Runs,
    /// Its releases.
    Releases,
    /// How its environments fare.
    Health,
    /// What its instances print.
    Logs,
}

/// The way to the page, and what waits for one.
#[derive(Default)]
pub struct Wire(Mutex<Ends>);

#[derive(Default)]
struct Ends {
    page: Option<Channel<News>>,
    waits: Option<News>,
}

impl Wire {
    /// Tells a page from now on, and what waited for one.
    pub fn attend(&self, page: Channel<News>) {
        let mut ends = self.ends();
        if let Some(news) = ends.waits.take() {
            send(&page, news);
        }
        ends.page = Some(page);
    }

    /// Tells the page; false when there is none.
    pub fn tell(&self, news: News) -> bool {
        self.ends().page.as_ref().is_some_and(|page| send(page, news))
    }

    /// Tells the page, or the next one: of what waits, the last.
    pub fn tell_in_time(&self, news: News) {
        let mut ends = self.ends();
        if !ends.page.as_ref().is_some_and(|page| send(page, news.clone())) {
            ends.waits = Some(news);
        }
    }

    /// Tells whether something waits for the next page.
    pub fn waits(&self) -> bool {
        self.ends().waits.is_some()
    }

    /// The page is gone; tells whether there was one.
    pub fn lost(&self) -> bool {
        self.ends().page.take().is_some()
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send(page: &Channel<News>, news: News) -> bool {
    page.send(news).is_ok()
}

impl From<&Address> for Destination {
    fn from(address: &Address) -> Self {
        let (tab, item, mark) = match &address.screen {
            Screen::Overview => (Tab::Overview, None, None),
            Screen::Environment(name) => (Tab::Environments, Some(name.to_string()), None),
            Screen::Run(id) => (Tab::Runs, Some(id.to_string()), None),
            Screen::Release(id) => (Tab::Releases, Some(id.to_string()), None),
            Screen::Health(name) => (Tab::Health, Some(name.to_string()), None),
            Screen::Incident(name, incident) => (Tab::Health, Some(name.to_string()), Some(incident.clone())),
            Screen::Logs(name) => (Tab::Logs, Some(name.to_string()), None),
        };
        Self { project: address.project.to_string(), tab, item, mark }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use tauri::ipc::InvokeResponseBody;

    use super::*;

    fn page() -> (Channel<News>, Arc<Mutex<Vec<String>>>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let channel = Channel::new(move |body| {
            if let InvokeResponseBody::Json(text) = body {
                ear.lock().unwrap().push(text);
            }
            Ok(())
        });
        (channel, heard)
    }

    #[test]
    fn what_came_before_the_page_waits_for_it_and_only_the_last_of_it() {
        let wire = Wire::default();
        assert!(!wire.tell(News::Closing), "nobody is there");
        for run in ["1", "2"] {
            let address: Address = format!("nonevent://project/shop/run/{run}").parse().unwrap();
            wire.tell_in_time(News::Go((&address).into()));
        }
        assert!(wire.waits());
        let (channel, heard) = page();
        wire.attend(channel);
        assert!(!wire.waits());
        assert!(wire.tell(News::Closing));
        let go = r#"{"news":"go","project":"shop","tab":"runs","item":"2","mark":null}"#;
        assert_eq!(*heard.lock().unwrap(), [go, r#"{"news":"closing"}"#]);
        assert!(wire.lost() && !wire.lost());
        assert!(!wire.tell(News::Closing));
    }

    #[test]
    fn an_incident_is_marked_on_its_screen() {
        let address: Address = "nonevent://project/shop/health/production/7".parse().unwrap();
        let destination = Destination::from(&address);
        assert_eq!(
            (destination.tab, destination.item.as_deref(), destination.mark.as_deref()),
            (Tab::Health, Some("production"), Some("7"))
        );
    }
}
