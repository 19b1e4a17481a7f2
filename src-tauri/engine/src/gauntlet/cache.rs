//! The tools' caches between runs: one volume for each project, a folder for each gate, within a budget.
//!
//! One gate at a time uses a folder: its container bears a fixed name, and the engine gives a name only once. Who comes second, of
//! another run at the same time, goes without.

use std::time::Duration;

use bollard::errors::Error as ApiError;
use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::RemoveVolumeOptions;
use tokio::sync::mpsc;

use super::{Hall, container};
use crate::docker::once::{Mount, OnceSpec, Stdout};
use crate::docker::{Docker, once};
use crate::model::ProjectName;

/// Where gates see the volume.
pub(super) const PATH: &str = "/nonevent-cache";

/// The role of such a volume, as its label says it.
const ROLE: &str = "cache";

/// Bytes of caches of one project, unless it says otherwise.
pub const BUDGET: u64 = 1024 * 1024 * 1024;

/// Removes the folders of gates that were not used for longest, until what is left fits; each as a whole, renamed first, so that no
/// tool ever finds half a cache. A folder that is in use is none of those: its gate touched it last.
const TRIM: &str = "import os, shutil, sys\n\
root, budget = sys.argv[1], int(sys.argv[2])\n\
def size(folder):\n\
\x20   total = newest = 0\n\
\x20   for where, _, files in os.walk(folder):\n\
\x20       for file in files:\n\
\x20           try: status = os.lstat(os.path.join(where, file))\n\
\x20           except OSError: continue\n\
\x20           total += status.st_blocks * 512\n\
\x20           newest = max(newest, status.st_mtime, status.st_atime)\n\
\x20   return newest, total\n\
caches = []\n\
for gate in os.listdir(root):\n\
\x20   for tool in os.listdir(os.path.join(root, gate)):\n\
\x20       place = os.path.join(root, gate, tool)\n\
\x20       if tool.startswith('.gone-'): shutil.rmtree(place, ignore_errors=True)\n\
\x20       else: caches.append((*size(place), place))\n\
caches.sort()\n\
total = sum(bytes for _, bytes, _ in caches)\n\
for _, bytes, place in caches:\n\
\x20   if total <= budget: break\n\
\x20   gone = os.path.join(os.path.dirname(place), '.gone-' + os.path.basename(place))\n\
\x20   try: os.rename(place, gone)\n\
\x20   except OSError: continue\n\
\x20   shutil.rmtree(gone, ignore_errors=True)\n\
\x20   total -= bytes\n\
print(total)\n";

/// Returns the name of a project's volume. It bears no run: it is what stays.
pub fn volume(project: &ProjectName) -> String {
    format!("nonevent-{project}-gate-cache")
}

/// Returns the name of the container that may use the folder of a gate.
pub(super) fn holder(project: &ProjectName, gate: &str) -> String {
    format!("nonevent-{project}-gate-{gate}")
}

/// Makes the volume, if it is not there.
pub(super) async fn make(docker: &Docker, project: &ProjectName) {
    let labels = [("dev.nonevent.project", project.as_str()), ("dev.nonevent.role", ROLE)];
    let request = VolumeCreateRequest {
        name: Some(volume(project)),
        labels: Some(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
        ..VolumeCreateRequest::default()
    };
    if let Err(error) = docker.client.create_volume(request).await {
        // The first gate would make it, without labels.
        tracing::debug!(error = %error, "the volume of the gates' caches was not made");
    }
}

/// Brings a project's caches back within their budget, after its gates have ended; returns the bytes that they have then.
pub(super) async fn trim(hall: &Hall<'_>, budget: u64) -> Option<u64> {
    let plan = hall.plan;
    let argv = [plan.image.python.as_str(), "-I", "-c", TRIM, PATH, &budget.to_string()].map(str::to_owned).to_vec();
    let mut spec = OnceSpec::new("caches", plan.image.id.as_str(), argv);
    spec.labels = container::labels(plan, "gate");
    spec.mounts = vec![Mount::Volume { name: volume(&plan.project), path: PATH.to_owned() }];
    spec.stdout = Stdout::Keep(1024);
    spec.timeout = Duration::from_mins(1);
    let (unread, _) = mpsc::channel(1);
    let failed = match once::run(hall.docker, &spec, &unread, hall.cancel).await {
        Ok(end) if end.exit_code == 0 => return String::from_utf8_lossy(&end.stdout).trim().parse().ok(),
        Ok(end) => end.tail.join("; "),
        Err(error) => error.to_string(),
    };
    tracing::warn!(failed, "the gates' caches were not brought within their budget");
    None
}

/// Removes a volume of a project's gates, such as its caches; says whether it was there and nothing uses it.
///
/// # Errors
/// What the engine says.
pub async fn remove(docker: &Docker, volume: &str) -> Result<bool, ApiError> {
    match docker.client.remove_volume(volume, None::<RemoveVolumeOptions>).await {
        Ok(()) => Ok(true),
        Err(ApiError::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
