//! The bridge between page and engine: the only list of commands.

use tauri::Wry;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands};

use crate::commands::{engine, environments, events, projects};

/// Returns the commands with their types, for the window and for `ui/src/lib/backend/bindings.ts`.
pub fn bridge() -> Builder<Wry> {
    Builder::new()
        .commands(collect_commands![
            engine::engine_info,
            environments::open_environment,
            events::events_after,
            events::follow,
            projects::add_project,
            projects::choose_folder,
            projects::forget_project,
            projects::known_projects,
            projects::project_status,
        ])
        .error_handling(ErrorHandlingMode::Result)
        // One JSON shape for reading and writing, and numbers below 2^53: what `--json` promises, too.
        .disable_serde_phases()
        .dangerously_cast_bigints_to_number()
}
