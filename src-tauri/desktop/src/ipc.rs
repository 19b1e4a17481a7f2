//! The bridge between page and engine: the only list of commands.

use tauri::Wry;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands};

use crate::commands::{
    background, credentials, engine, environments, events, health, history, jobs, logs, projects, results, runs, secrets, trust, window,
};

/// Returns the commands with their types, for the window and for `ui/src/lib/backend/bindings.ts`.
pub fn bridge() -> Builder<Wry> {
    Builder::new()
        .commands(collect_commands![
            background::answer_closing,
            background::attend,
            background::background,
            background::follow_watcher,
            background::start_at_login,
            background::watch_again,
            credentials::choose_vault,
            credentials::forget_login,
            credentials::keep_login,
            credentials::kept_logins,
            credentials::open_vault,
            credentials::vault,
            engine::engine_info,
            engine::gc,
            environments::lock_of,
            environments::open_environment,
            environments::open_preview,
            environments::plan,
            environments::recover,
            environments::unlock,
            events::events_after,
            events::follow,
            health::health,
            health::notify_test,
            history::learn_history,
            history::project_releases,
            history::project_rollouts,
            history::project_runs,
            history::release_diff,
            history::release_page,
            history::run_page,
            jobs::follow_job,
            jobs::job_runs,
            jobs::jobs,
            jobs::run_job,
            jobs::running_jobs,
            jobs::stop_job,
            logs::exception_groups,
            logs::follow_records,
            logs::log_records,
            logs::stop_lines,
            projects::add_project,
            projects::choose_folder,
            projects::dead_letters,
            projects::forget_project,
            projects::known_projects,
            projects::mend_lock,
            projects::project_facts,
            projects::project_status,
            projects::write_configuration,
            results::gate_tests,
            results::slowest_tests,
            results::test_history,
            runs::approve_run,
            runs::begin_run,
            runs::cancel_run,
            runs::follow_lines,
            runs::gate_history,
            secrets::old_values,
            secrets::reveal_secret,
            secrets::secrets,
            secrets::set_secret,
            secrets::unset_secret,
            trust::trust,
            trust::trust_plan,
            window::editors,
            window::excerpt,
            window::folders,
            window::keep_preferences,
            window::open_in_editor,
            window::preferences,
            window::reveal_data,
        ])
        .error_handling(ErrorHandlingMode::Result)
        // One JSON shape for reading and writing, and numbers below 2^53: what `--json` promises, too.
        .disable_serde_phases()
        .dangerously_cast_bigints_to_number()
}
