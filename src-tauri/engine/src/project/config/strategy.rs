//! `strategy`, `batch`, `steps`, `pause` and `tolerance` of an environment.

use std::time::Duration;

use toml::de::DeValue;

use crate::model::{Batch, Strategy};
use crate::project::section::{Section, quoted};
use crate::project::{Located, ProjectError};

/// How an environment moves, as it is written.
#[derive(Debug, Default)]
pub(in crate::project) struct StrategySection {
    pub strategy: Option<Located<Strategy>>,
    pub pause: Option<Located<Duration>>,
    pub tolerance: ToleranceSection,
}

/// `[environments.NAME.tolerance]`.
#[derive(Debug, Default)]
pub(in crate::project) struct ToleranceSection {
    pub errors: Option<Located<f64>>,
    pub latency: Option<Located<f64>>,
    pub restarts: Option<Located<u32>>,
    pub requests: Option<Located<u32>>,
}

impl StrategySection {
    pub fn read(section: &Section<'_>) -> Result<Self, ProjectError> {
        let batch = read_batch(section)?;
        let steps = read_steps(section)?;
        let strategy = section.string("strategy")?;
        let (strategy, extra) = match strategy {
            None => (None, [("batch", batch.map(|batch| batch.at)), ("steps", steps.map(|steps| steps.at))]),
            Some(Located { value, at }) => {
                let extra = [
                    ("batch", batch.as_ref().filter(|_| value != "rolling").map(|batch| batch.at.clone())),
                    ("steps", steps.as_ref().filter(|_| value != "canary").map(|steps| steps.at.clone())),
                ];
                let strategy = match value.as_str() {
                    "blue-green" => Strategy::BlueGreen,
                    "rolling" => Strategy::Rolling { batch: batch.map_or(Batch::Instances(1), |batch| batch.value) },
                    "canary" => Strategy::Canary { steps: steps.map_or_else(|| Strategy::STEPS.to_vec(), |steps| steps.value) },
                    other => {
                        let hint = "write `strategy = \"blue-green\"`, `\"rolling\"` or `\"canary\"`".into();
                        return Err(section.bad("strategy", &at, &quoted(other), "there is no such choice".into(), hint));
                    }
                };
                (Some(Located::new(strategy, at)), extra)
            }
        };
        for (key, at) in extra {
            let (Some(at), other) = (at, if key == "batch" { "rolling" } else { "canary" }) else { continue };
            return Err(ProjectError::Contradiction {
                at,
                message: format!("`{}` is of the strategy `{other}`, and the environment has another", section.key(key)),
                hint: format!("write `strategy = \"{other}\"` beside it, or leave `{key}` out"),
            });
        }
        Ok(Self { strategy, pause: section.duration("pause")?, tolerance: ToleranceSection::read(section)? })
    }
}

impl ToleranceSection {
    fn read(section: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = section.section("tolerance")? else { return Ok(Self::default()) };
        let read = Self {
            errors: number(&section, "errors", 0.0, 100.0, "5")?,
            latency: number(&section, "latency", 1.0, 1000.0, "2.0")?,
            restarts: whole(section.integer("restarts", 0..=1000, 0)?),
            requests: whole(section.integer("requests", 1..=1_000_000, 50)?),
        };
        section.finish()?;
        Ok(read)
    }
}

fn whole(found: Option<Located<i64>>) -> Option<Located<u32>> {
    found.and_then(|found| Some(Located::new(u32::try_from(found.value).ok()?, found.at)))
}

fn number(
    section: &Section<'_>,
    key: &'static str,
    least: f64,
    most: f64,
    usual: &str,
) -> Result<Option<Located<f64>>, ProjectError> {
    let found = section.number(key)?;
    match found {
        Some(found) if !(least..=most).contains(&found.value) => {
            let reason = format!("it must be from {least} to {most}");
            Err(section.bad(key, &found.at, &found.value.to_string(), reason, format!("write `{key} = {usual}`")))
        }
        found => Ok(found),
    }
}

/// Reads `batch = 2` or `batch = "25%"`.
fn read_batch(section: &Section<'_>) -> Result<Option<Located<Batch>>, ProjectError> {
    const EXAMPLE: &str = "batch = 1";
    let Some((at, value)) = section.any("batch") else { return Ok(None) };
    let batch = match value {
        DeValue::Integer(number) => {
            let count = u16::from_str_radix(number.as_str(), number.radix()).ok().filter(|count| (1..=1000).contains(count));
            count.map(Batch::Instances)
        }
        DeValue::String(text) => {
            let percent = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
            percent.filter(|percent| (1..=100).contains(percent)).map(Batch::Percent)
        }
        other => return Err(section.wrong("batch", at, "a whole number or a share such as \"25%\"", other, EXAMPLE)),
    };
    match batch {
        Some(batch) => Ok(Some(Located::new(batch, at))),
        None => {
            let reason = "it is from 1 to 1000 instances, or from \"1%\" to \"100%\" of them".into();
            let shown = value.as_str().map_or_else(|| "the number".to_owned(), quoted);
            Err(section.bad("batch", &at, &shown, reason, format!("write `{EXAMPLE}`, or `batch = \"25%\"`")))
        }
    }
}

/// Reads `steps = [5, 25, 50]`: percent of the requests, rising.
fn read_steps(section: &Section<'_>) -> Result<Option<Located<Vec<u8>>>, ProjectError> {
    const EXAMPLE: &str = "steps = [5, 25, 50]";
    let Some((at, value)) = section.any("steps") else { return Ok(None) };
    let wrong = || section.wrong("steps", at.clone(), "a list of whole numbers", value, EXAMPLE);
    let mut steps: Vec<u8> = Vec::new();
    for item in value.as_array().ok_or_else(wrong)? {
        let number = item.get_ref().as_integer().ok_or_else(wrong)?;
        let percent = u8::from_str_radix(number.as_str(), number.radix()).ok().filter(|percent| (1..=99).contains(percent));
        match percent.filter(|percent| steps.last().is_none_or(|last| last < percent)) {
            Some(percent) => steps.push(percent),
            None => {
                let reason = "shares are percent of the requests, from 1 to 99, each more than the one before".into();
                return Err(section.bad("steps", &at, number.as_str(), reason, format!("write `{EXAMPLE}`")));
            }
        }
    }
    if steps.is_empty() {
        let reason = "a canary without a step is no canary".into();
        return Err(section.bad("steps", &at, "[]", reason, format!("write `{EXAMPLE}`, or leave it out")));
    }
    Ok(Some(Located::new(steps, at)))
}
