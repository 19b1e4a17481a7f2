//! Notices that something in a home was changed, by whichever process.

use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::{Store, StoreError};
use crate::request::Change;

/// Long enough to cost nothing (one read of shared memory), short enough that a person sees no delay.
const PAUSE: Duration = Duration::from_millis(200);

impl Store {
    /// Returns the newest event's sequence number, 0 when nothing has happened yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn latest_seq(&self) -> Result<i64, StoreError> {
        Ok(self.connection().query_row(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)",
            [],
            |row| row.get(0),
        )?)
    }

    /// A number that is another one after each commit of any connection but this one (SQLite, PRAGMA data_version).
    fn commits_of_others(&self) -> Result<i64, StoreError> {
        Ok(self.connection().pragma_query_value(None, "data_version", |row| row.get(0))?)
    }
}

/// Watches a home through a connection that nothing else uses, until the last receiver is dropped. Its first value is news.
///
/// # Errors
/// When the database cannot be read.
pub fn watch(store: Store) -> Result<watch::Receiver<Change>, StoreError> {
    let mut seen = store.commits_of_others()?;
    let (sender, mut receiver) = watch::channel(Change { seq: store.latest_seq()? });
    receiver.mark_changed();
    let look = move || {
        while !sender.is_closed() {
            let news = store.commits_of_others().and_then(|found| Ok((found != seen).then_some((found, store.latest_seq()?))));
            match news {
                Ok(Some((found, seq))) => {
                    seen = found;
                    sender.send_replace(Change { seq });
                }
                Ok(None) => {}
                // A full disk or a locked file passes; whoever reads is told by the next question.
                Err(error) => tracing::warn!(%error, "the home cannot be watched"),
            }
            thread::sleep(PAUSE);
        }
    };
    thread::Builder::new()
        .name("home-watch".into())
        .spawn(look)
        .map_err(|error| StoreError::Shape { reason: format!("no thread to watch the home: {error}") })?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::event::EventBody;
    use crate::model::{ProjectName, RunId};

    #[tokio::test]
    async fn another_connections_commits_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let other = Store::open(folder.path()).unwrap();
        let mut changes = watch(Store::open(folder.path()).unwrap()).unwrap();

        changes.changed().await.unwrap();
        assert_eq!(*changes.borrow_and_update(), Change { seq: 0 });

        let warning = EventBody::WarningRaised { message: "it rains".into(), hint: None };
        let event = other.append(&ProjectName::new("shop"), &RunId::new("1"), warning).unwrap();
        changes.changed().await.unwrap();
        assert_eq!(*changes.borrow_and_update(), Change { seq: event.seq });

        // Nothing happened, and yet there is something to see.
        other.remember_project(&ProjectName::new("shop"), Path::new("/projects/shop")).unwrap();
        changes.changed().await.unwrap();
        assert_eq!(*changes.borrow_and_update(), Change { seq: event.seq });
    }
}
