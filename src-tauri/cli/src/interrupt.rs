//! Ctrl-C and SIGTERM, as something that can be awaited.

use std::io;

use tokio::sync::mpsc;

/// Each time a person, or the system, asks this process to stop.
#[derive(Debug)]
pub struct Interrupts {
    asked: mpsc::Receiver<()>,
    heard: bool,
}

impl Interrupts {
    /// Takes the signals over from the system: from now on the process ends only if it wants to.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        let (sender, asked) = mpsc::channel(4);
        watch(sender)?;
        Ok(Self { asked, heard: false })
    }

    /// Stands on a channel instead of signals.
    pub fn from_channel(asked: mpsc::Receiver<()>) -> Self {
        Self { asked, heard: false }
    }

    /// Waits for the next one; for ever, when none can come.
    pub async fn next(&mut self) {
        if self.asked.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        self.heard = true;
    }

    /// Tells whether there was one.
    pub fn were_heard(&self) -> bool {
        self.heard
    }
}

#[cfg(unix)]
fn watch(sender: mpsc::Sender<()>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if sender.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(windows)]
fn watch(sender: mpsc::Sender<()>) -> io::Result<()> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    tokio::spawn(async move {
        while interrupt.recv().await.is_some() {
            if sender.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}
