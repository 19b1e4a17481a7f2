//! Which gate waits for which.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::{GauntletError, GauntletPlan};
use crate::model::{GateSettings, GateState};

/// Refuses a plan that contradicts itself.
pub(super) fn check(plan: &GauntletPlan) -> Result<(), GauntletError> {
    let mut names = BTreeSet::new();
    for gate in &plan.gates {
        if !names.insert(gate.name.as_str()) {
            return Err(GauntletError::GateTwice { gate: gate.name.clone() });
        }
    }
    for gate in &plan.gates {
        if let Some(needs) = gate.needs.iter().find(|needed| !names.contains(needed.as_str())) {
            let known = plan.gates.iter().map(|other| other.name.clone()).filter(|name| *name != gate.name).collect();
            return Err(GauntletError::NeedUnknown { gate: gate.name.clone(), needs: needs.clone(), known });
        }
        if let Some(service) = gate.services.iter().find(|service| !plan.services.contains_key(*service)) {
            return Err(GauntletError::ServiceUnknown {
                gate: gate.name.clone(),
                service: service.clone(),
                known: plan.services.keys().cloned().collect(),
            });
        }
    }
    match circle(&plan.gates) {
        Some(gates) => Err(GauntletError::NeedsCircle { gates }),
        None => Ok(()),
    }
}

/// Follows needs from each gate; a gate that is met again on the way closes a circle.
fn circle(gates: &[GateSettings]) -> Option<Vec<String>> {
    let needs: BTreeMap<&str, &[String]> = gates.iter().map(|gate| (gate.name.as_str(), gate.needs.as_slice())).collect();
    let mut free: BTreeSet<&str> = BTreeSet::new();
    fn follow<'a>(
        gate: &'a str,
        needs: &BTreeMap<&'a str, &'a [String]>,
        way: &mut Vec<&'a str>,
        free: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        if free.contains(gate) {
            return None;
        }
        if let Some(start) = way.iter().position(|met| *met == gate) {
            return Some(way.iter().skip(start).chain([&gate]).map(|gate| (*gate).to_owned()).collect());
        }
        way.push(gate);
        let found = needs.get(gate).iter().flat_map(|needed| needed.iter()).find_map(|needed| follow(needed, needs, way, free));
        way.pop();
        free.insert(gate);
        found
    }
    gates.iter().find_map(|gate| follow(&gate.name, &needs, &mut Vec::new(), &mut free))
}

/// Where gates say how they ended, for those that need them.
pub(super) struct Board(BTreeMap<String, watch::Sender<Option<GateState>>>);

impl Board {
    pub(super) fn new(gates: &[GateSettings]) -> Self {
        Self(gates.iter().map(|gate| (gate.name.clone(), watch::Sender::new(None))).collect())
    }

    /// Says how a gate ended.
    pub(super) fn post(&self, gate: &str, state: &GateState) {
        if let Some(sender) = self.0.get(gate) {
            sender.send_replace(Some(state.clone()));
        }
    }

    /// Waits for every gate that is needed; returns why there is no need to go on.
    pub(super) async fn needed(&self, gate: &GateSettings) -> Result<(), String> {
        for needed in &gate.needs {
            let Some(mut receiver) = self.0.get(needed).map(watch::Sender::subscribe) else { continue };
            let Ok(state) = receiver.wait_for(Option::is_some).await else { continue };
            if let Some(state) = state.as_ref().filter(|state| !passed(state)) {
                return Err(match state {
                    GateState::Skipped { .. } => format!("it needs `{needed}`, which was skipped"),
                    GateState::Error { .. } => format!("it needs `{needed}`, which ended in error"),
                    state => format!("it needs `{needed}`, which is {}", state.word()),
                });
            }
        }
        Ok(())
    }
}

/// A gate that was skipped has shown nothing; one that is not set up cannot be waited for.
fn passed(state: &GateState) -> bool {
    matches!(state, GateState::Green | GateState::Cached { .. } | GateState::NotSetUp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauntlet::{Budget, GateImage, GateLimits};
    use crate::model::{Digest, ProjectName};

    fn gate(name: &str, needs: &[&str], services: &[&str]) -> GateSettings {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        GateSettings { needs: owned(needs), services: owned(services), ..GateSettings::new(name, None) }
    }

    fn checked(gates: Vec<GateSettings>) -> Result<(), String> {
        let image = GateImage { id: Digest::new("sha256:0"), python: "python".into(), workdir: "/app".into(), tools: None };
        let budget = Budget { cores: 1, memory: 0, gate_memory: 0 };
        let limits = GateLimits { budget, pids: 0, tmp: 0, output: 0, cache: None };
        let plan = GauntletPlan { gates, ..GauntletPlan::new(ProjectName::new("shop"), image, limits) };
        check(&plan).map_err(|error| error.to_string())
    }

    #[test]
    fn contradictions_are_named() {
        assert_eq!(checked(vec![gate("a", &[], &[]), gate("b", &["a"], &[]), gate("c", &["a", "b"], &[])]), Ok(()));
        let table = [
            (vec![gate("a", &[], &[]), gate("a", &[], &[])], "two gates are called `a`"),
            (vec![gate("a", &["x"], &[])], "gate `a` needs `x`, which does not exist"),
            (vec![gate("a", &[], &["db"])], "gate `a` asks for the service `db`, which does not exist"),
            (vec![gate("a", &["a"], &[])], "gates need each other: a → a"),
            (
                vec![gate("z", &["a"], &[]), gate("a", &["b"], &[]), gate("b", &["c"], &[]), gate("c", &["a"], &[])],
                "gates need each other: a → b → c → a",
            ),
        ];
        for (gates, expected) in table {
            assert_eq!(checked(gates), Err(expected.to_owned()));
        }
    }

    #[tokio::test]
    async fn a_gate_waits_for_what_it_needs() {
        let gates = [gate("a", &[], &[]), gate("b", &[], &[]), gate("c", &["a", "b"], &[])];
        let board = Board::new(&gates);
        board.post("a", &GateState::Green);
        let (needed, ()) = tokio::join!(board.needed(&gates[2]), async { board.post("b", &GateState::Red) });
        assert_eq!(needed, Err("it needs `b`, which is red".to_owned()));
        board.post("b", &GateState::NotSetUp);
        assert_eq!(board.needed(&gates[2]).await, Ok(()));
    }
}
