//! Among how many workers each gate divides its tests, by what it took the last time.

use super::Context;
use super::images::Tooling;
use crate::error::EngineError;
use crate::event::EventBody;
use crate::gauntlet::{self, Xdist};
use crate::model::GateSettings;

/// Returns the gates with their workers decided; warns of workers that cannot be had.
///
/// # Errors
/// When the store cannot be read.
pub async fn decide(
    context: &Context,
    cores: u32,
    tooling: &Tooling,
    gates: &[GateSettings],
) -> Result<Vec<GateSettings>, EngineError> {
    let xdist = tooling.xdist();
    let mut decided = Vec::with_capacity(gates.len());
    for gate in gates {
        if let Some(wanted) = gate.workers.filter(|wanted| *wanted > 1 && xdist == Xdist::Absent) {
            let message = format!("gate `{}` asks for {wanted} workers, and the project does not lock pytest-xdist", gate.name);
            let hint = Some("add `pytest-xdist` to the development dependencies".to_owned());
            context.emit(EventBody::WarningRaised { message, hint }).await?;
        }
        let work = context.store().work_of_tests(context.project(), &gate.name)?;
        let workers = gauntlet::workers(gate, xdist, cores, work);
        decided.push(GateSettings { workers: Some(workers), ..gate.clone() });
    }
    Ok(decided)
}
