//! How what instances print is kept.

use super::Inputs;
use crate::model::LogSettings;
use crate::project::explain::{Bytes, Effective, Explained, Shown};
use crate::project::units;

pub(super) fn resolve(inputs: &Inputs<'_>) -> (LogSettings, Explained) {
    let configuration = &inputs.configuration.logs;
    let usual = LogSettings::default();
    let mut explained = Explained::default();
    let keep = configuration.keep_bytes.as_ref();
    let keep = keep.map_or(Effective::default(Bytes(usual.keep_bytes)), |keep| Effective::at(Bytes(keep.value), &keep.at));
    let keep_bytes = explained.take("logs.keep_bytes", keep).0;
    let new = Effective::or(configuration.new_exceptions.clone(), || Effective::default(usual.new_exceptions));
    let new_exceptions = explained.take("logs.new_exceptions", new);
    let errors = configuration.errors.as_ref().map(|pace| {
        let text = format!("{} in {}", pace.value.count, units::duration_text(pace.value.within));
        explained.note("logs.errors", text.shown(), pace.origin());
        pace.value
    });
    (LogSettings { keep_bytes, new_exceptions, errors }, explained)
}
