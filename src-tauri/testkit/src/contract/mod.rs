//! What every target must do, asked of any of them: [`contract`] runs all of it against a [`World`].
//!
//! Each promise has a project of its own, so that they do not meet, and leaves nothing behind.

mod ends;
mod instances;
mod locks;
mod rollouts;
mod scene;
mod shares;

use async_trait::async_trait;
use nonevent_engine::model::{CommandLine, Digest};
use nonevent_engine::target::Target;
pub use scene::{Scene, ids, nowhere, rollout};

/// What a test app does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It answers every request with 200 and the value of its variable `RELEASE`.
    Healthy,
    /// It answers 503 `database is locked`.
    Sick,
    /// It prints `boom` and ends with exit code 3.
    Crash,
    /// It prints `working` and goes on without listening.
    Idle,
}

/// What came back through the public door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// A request that is in flight until it is finished.
#[async_trait]
pub trait Held: Send {
    /// Lets it end, and returns what came back.
    async fn finish(self: Box<Self>) -> Reply;
}

/// A target, and what a test needs around it.
#[async_trait]
pub trait World: Sync {
    /// The target.
    fn target(&self) -> &dyn Target;

    /// The same engine, as a process sees it to which every lock's holder seems dead.
    fn impatient(&self) -> &dyn Target;

    /// An image in which the commands below can run.
    fn image(&self) -> Digest;

    /// The command of an app.
    fn app(&self, behaviour: Behaviour) -> CommandLine;

    /// A command that prints a text and ends.
    fn command(&self, text: &str, exit_code: u8) -> CommandLine;

    /// Names everything of the target's that is there.
    async fn everything(&self) -> Vec<String>;

    /// Sends one request to a host name, from outside.
    async fn request(&self, domain: &str) -> Reply;

    /// Sends the first half of a request, so that it is in flight.
    async fn hold(&self, domain: &str) -> Box<dyn Held>;
}

/// Asks a target everything that it must do.
///
/// # Panics
/// When it does not.
pub async fn contract(world: &dyn World) {
    macro_rules! promise {
        ($($module:ident :: $name:ident),* $(,)?) => {$(
            let began = std::time::Instant::now();
            $module::$name(world).await;
            eprintln!("{:>6} ms  {}", began.elapsed().as_millis(), stringify!($name));
        )*};
    }
    // Keeps what environments share from being made and removed for each promise.
    let base = Scene::set(world, "base").await;
    base.prepare().await;
    promise![
        locks::one_holder_at_a_time,
        locks::a_lock_is_taken_away_by_its_number,
        locks::a_dead_holder_is_succeeded_and_fenced_off,
        rollouts::nothing_is_there_at_first,
        rollouts::a_first_release_serves_after_the_switch_and_not_before,
        rollouts::releases_take_turns_and_the_old_one_stays_warm,
        rollouts::a_new_staging_displaces_the_warm_side,
        rollouts::what_served_before_is_kept_for_every_laptop,
        rollouts::what_is_not_staged_cannot_serve,
        rollouts::scaling_replaces_nobody,
        rollouts::requests_in_flight_are_waited_for,
        shares::the_other_side_gets_its_share,
        shares::what_rests_can_be_woken,
        shares::requests_are_counted_by_side,
        shares::what_the_engine_has_left_is_known,
        rollouts::a_worker_serves_without_a_host_name,
        rollouts::a_host_name_belongs_to_one_environment,
        instances::a_probe_tells_what_it_saw,
        instances::an_instance_that_ended_says_so_and_leaves_its_last_lines,
        instances::an_examination_tells_what_an_instance_does,
        instances::one_off_commands_run_and_leave_nothing,
        instances::one_off_commands_end_when_nobody_waits_for_them,
        instances::jobs_run_to_their_end_and_leave_nothing,
        instances::a_time_of_a_schedule_is_answered_once,
        instances::commands_run_inside_instances,
        instances::output_is_followed_across_instances,
        ends::down_leaves_nothing_and_can_be_repeated,
        ends::what_a_dead_process_left_is_waste,
    ];
    base.strike().await;
}
