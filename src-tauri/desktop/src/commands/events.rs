//! What happened, and the word to look again.

use nonevent_engine::Event;
use nonevent_engine::request::Change;
use tauri::State;
use tauri::ipc::Channel;

use crate::desk::{Answer, Desk};

/// More than a window wants to read one by one: who lags this far behind takes a new snapshot.
const LIMIT: u32 = 500;

/// Reads the events after a sequence number, at most 500, in order.
#[tauri::command]
#[specta::specta]
pub async fn events_after(desk: State<'_, Desk>, seq: i64) -> Answer<Vec<Event>> {
    desk.read(move |engine| engine.events_after(seq, LIMIT)).await
}

/// Tells the page to look again whenever something changed in this home, by whichever process; once at the start.
#[tauri::command]
#[specta::specta]
pub async fn follow(desk: State<'_, Desk>, page: Channel<Change>) -> Answer<()> {
    let turn = desk.changes().turn();
    let mut changes = desk.read(|engine| engine.changes()).await?;
    desk.changes().begin(turn, async move {
        while changes.changed().await.is_ok() && page.send(changes.borrow_and_update().clone()).is_ok() {}
    });
    Ok(())
}
