//! Starts a run: journals its begin and end, whatever happens between.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Context;
use crate::error::{EngineError, Fault};
use crate::model::{EnvironmentName, ProjectName, RunId, RunRecord, RunState};
use crate::process;
use crate::request::{Outcome, Run};
use crate::store::{Store, now};
use crate::vault::Vaults;

/// Updates that may wait for their reader; beyond that lines are dropped and facts wait.
const UPDATES: usize = 4096;

/// Starts a run in the background.
///
/// # Errors
/// When the database cannot be written.
pub fn start<F, R>(
    (store, vaults): (&Store, &Vaults),
    project: ProjectName,
    environment: Option<EnvironmentName>,
    verb: &str,
    work: F,
) -> Result<Run, EngineError>
where
    F: FnOnce(Context) -> R,
    R: Future<Output = Result<Outcome, EngineError>> + Send + 'static,
{
    let (sender, updates) = mpsc::channel(UPDATES);
    let (tell, outcome) = oneshot::channel();
    let cancel = CancellationToken::new();
    let by = process::who();
    let record = RunRecord {
        id: RunId::generate(),
        project: project.clone(),
        environment,
        verb: verb.to_owned(),
        state: RunState::Running,
        release: None,
        started_at: now(),
        finished_at: None,
        by: by.clone(),
    };
    let id = record.id.clone();
    let context = Context::new(store.clone(), project, id.clone(), by, sender, cancel.clone()).opening(vaults);
    let approval = context.approval().clone();
    let begun = store.begin_run(&record)?;
    let work = work(context.clone());
    tokio::spawn(async move {
        context.send(begun).await;
        let work = AssertUnwindSafe(work).catch_unwind();
        tokio::pin!(work);
        let result = tokio::select! {
            result = &mut work => result,
            () = asked_to_stop(&context) => {
                context.cancel().cancel();
                work.await
            }
        };
        let result = result.unwrap_or_else(|panic| Err(EngineError::ours(panic_text(&*panic))));
        let result = finish(&context, result).await;
        // Whoever started the run may have gone; its end is in the store.
        let _ = tell.send(result);
    });
    Ok(Run { id, updates, outcome, cancel, approval })
}

/// Time between two looks at whether another process asked this run to stop.
const LOOK: Duration = Duration::from_millis(250);

/// Waits until somebody else asks this run to stop: another process, such as the window, writes a row that only the owner can follow.
async fn asked_to_stop(context: &Context) {
    loop {
        tokio::time::sleep(LOOK).await;
        match context.store().is_asked_to_cancel(context.run()) {
            Ok(true) => return,
            Ok(false) => {}
            // A locked file passes; the next look tells.
            Err(error) => tracing::debug!(%error, "whether to stop cannot be read"),
        }
    }
}

async fn finish(context: &Context, result: Result<Outcome, EngineError>) -> Result<Outcome, EngineError> {
    let (state, release, url, problem) = match &result {
        Ok(outcome) => (RunState::Succeeded, outcome.release.clone(), outcome.url.clone(), None),
        Err(error) if error.fault == Fault::Interrupted => (RunState::Cancelled, None, None, Some((*error.problem).clone())),
        Err(error) => (RunState::Failed, None, None, Some((*error.problem).clone())),
    };
    let event = context.store().finish_run(context.project(), context.run(), state, release, url, problem)?;
    if let Err(error) = context.store().forget_cancel(context.run()) {
        tracing::debug!(%error, "a request to stop was not forgotten");
    }
    context.send(event).await;
    result
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "something went wrong in the background".into())
}
