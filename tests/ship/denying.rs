//! The person before the keychain's question, who says no: what gnome-keyring asks instead of its own window.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zbus::message::{Flags, Header, Message};
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, interface};

/// Says no for as long as it is there.
pub struct Denier {
    asked: Arc<AtomicUsize>,
    _connection: zbus::blocking::Connection,
}

impl Denier {
    /// Sits down before a bus.
    pub fn on(address: &str) -> Self {
        let asked: Arc<AtomicUsize> = Arc::default();
        let builder = zbus::blocking::connection::Builder::address(address).unwrap();
        let builder = builder.serve_at("/org/gnome/keyring/Prompter", Prompter { asked: asked.clone() }).unwrap();
        let _connection = builder.name("org.gnome.keyring.SystemPrompter").unwrap().build().unwrap();
        Self { asked, _connection }
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

struct Prompter {
    asked: Arc<AtomicUsize>,
}

/// Tells whoever asks what was chosen; it waits for no answer, as no window does.
async fn ready(connection: &Connection, header: &Header<'_>, asker: &OwnedObjectPath, reply: &str) {
    let properties: HashMap<&str, Value<'_>> = HashMap::new();
    let message = Message::method_call(asker, "PromptReady")
        .and_then(|message| message.interface("org.gnome.keyring.internal.Prompter.Callback"))
        .and_then(|message| message.destination(header.sender().unwrap().to_owned()))
        .and_then(|message| message.with_flags(Flags::NoReplyExpected))
        .and_then(|message| message.build(&(reply, properties, "")))
        .unwrap();
    connection.send(&message).await.unwrap();
}

#[interface(name = "org.gnome.keyring.internal.Prompter")]
impl Prompter {
    async fn begin_prompting(
        &self,
        asker: OwnedObjectPath,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) {
        ready(connection, &header, &asker, "").await;
    }

    async fn perform_prompt(
        &self,
        asker: OwnedObjectPath,
        _kind: String,
        _properties: HashMap<String, OwnedValue>,
        _exchange: String,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        ready(connection, &header, &asker, "no").await;
    }

    async fn stop_prompting(&self, _asker: OwnedObjectPath) {}
}
