//! What this process writes to standard error, and what becomes of a panic.

use tracing_subscriber::EnvFilter;

/// Unless `NONEVENT_LOG` asks for something else.
const DEFAULT: &str = "warn,nonevent_desktop=info,nonevent_engine=info";

/// Starts the log, and writes panics to it: a panic ends the task that it happened in, never the window.
pub fn start() {
    let filter = std::env::var("NONEVENT_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = EnvFilter::new(filter.as_deref().unwrap_or(DEFAULT));
    // Fails only when another subscriber is set, and none is.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    std::panic::set_hook(Box::new(|panic| {
        let reason = panic.payload_as_str().unwrap_or("no reason given");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(reason, place, "a task panicked");
    }));
}
