//! Moves an environment from one release to another.
//!
//! `plan` is pure: desired and observed in, steps out. `run` does the steps and journals each before and after. `recover` looks at the
//! target alone and ends what an ended process left in the middle. Knows no Docker: everything goes through [`crate::target::Target`].

mod bake;
mod compare;
mod error;
mod fresh;
mod lease;
mod live;
mod moves;
mod outlook;
mod plan;
mod recover;
mod restore;
mod run;
mod scene;
mod steps;
mod watch;

pub use error::RolloutError;
pub use lease::{HEARTBEAT, Lease};
pub use live::diagnose_serving;
pub use plan::{Change, Circumstances, Desired, change, plan, warm};
pub use recover::{Leftover, leftovers, recover, recover_beside};
pub use run::{Finished, Order, Rollout};
pub use scene::Source;
