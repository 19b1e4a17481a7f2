//! Why the gauntlet could not be run at all.

/// Why the gauntlet could not be run at all. What a gate finds is no error; it is in its report.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GauntletError {
    /// Two gates have the same name.
    #[error("two gates are called `{gate}`")]
    GateTwice {
        /// The name.
        gate: String,
    },
    /// A gate needs one that does not exist.
    #[error("gate `{gate}` needs `{needs}`, which does not exist")]
    NeedUnknown {
        /// The gate.
        gate: String,
        /// What it needs.
        needs: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// Gates need each other.
    #[error("gates need each other: {}", gates.join(" → "))]
    NeedsCircle {
        /// The gates, the first one again at the end.
        gates: Vec<String>,
    },
    /// A gate asks for a service that does not exist.
    #[error("gate `{gate}` asks for the service `{service}`, which does not exist")]
    ServiceUnknown {
        /// The gate.
        gate: String,
        /// The service.
        service: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// Somebody cancelled.
    #[error("the gauntlet was cancelled")]
    Cancelled,
}

impl GauntletError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let one_of = |known: &Vec<String>| (!known.is_empty()).then(|| format!("there are: {}", known.join(", ")));
        match self {
            Self::NeedUnknown { known, .. } => one_of(known),
            Self::ServiceUnknown { service, known, .. } => {
                Some(one_of(known).unwrap_or_else(|| format!("define it under `[services.{service}]`")))
            }
            Self::NeedsCircle { .. } => Some("remove one of these gates' `needs`".to_owned()),
            Self::GateTwice { .. } | Self::Cancelled => None,
        }
    }
}
