//! Files that may not be read or written, and static files that Django does not know.

use super::case::{Case, Crash};
use super::log::between;
use super::traceback::Link;
use super::words::shown;
use crate::model::{Cause, Certainty, Denial, Suspect};
use crate::target::RootFileSystem;

/// Recognises what the kernel, or SQLite for it, refuses.
pub(super) fn denied(case: &Case<'_>, crash: &Crash<'_>, link: &Link) -> Option<Suspect> {
    let headline = link.headline();
    let read_only_root = case.symptoms.examined.root == Some(RootFileSystem::ReadOnly);
    let system = matches!(link.name(), "PermissionError" | "OSError");
    let (reason, certainty) = if system && headline.starts_with("[Errno 30]") {
        (Denial::ReadOnly, crash.certainty)
    } else if link.name() == "PermissionError" && headline.starts_with("[Errno 13]") {
        (Denial::User, crash.certainty)
    } else if headline.contains("attempt to write a readonly database") || headline.contains("unable to open database file") {
        // SQLite does not say why.
        let reason = if read_only_root { Denial::ReadOnly } else { Denial::User };
        (reason, crash.certainty.max(Certainty::Likely))
    } else {
        return None;
    };
    let path = between(headline, ": '", "'").map(str::to_owned);
    let what = path.as_ref().map_or_else(|| "its database file".to_owned(), |path| format!("`{path}`"));
    let at = case.own_place(link).map(|place| format!(" ({place})")).unwrap_or_default();
    let user = case.symptoms.examined.user.clone().filter(|user| !user.is_empty());
    let mut evidence = shown(case, link);
    let (sentence, fix) = match reason {
        Denial::ReadOnly => {
            if read_only_root {
                evidence.push("its root file system is read-only; `/tmp` and volumes are writable".to_owned());
            }
            let folder = path.as_deref().and_then(|path| path.rsplit_once('/')).map_or("/data", |(folder, _)| folder);
            let folder =
                if folder.is_empty() || case.symptoms.examined.folder.as_deref() == Some(folder) { "/data" } else { folder };
            (
                format!("it may not write {what}, which lies on a read-only file system{at}"),
                format!("write to `/tmp`, or keep it on a volume: `[app] volumes` with a path such as `{folder}`"),
            )
        }
        Denial::User => {
            let who = user.as_ref().map(|user| format!(" as user {user}")).unwrap_or_default();
            evidence.extend(user.as_ref().map(|user| format!("it runs as user {user}")));
            (
                format!("it may not use {what}{who}{at}"),
                "use a path that this user may use, such as `/tmp` or a volume, or give it the file in the Dockerfile (`COPY --chown`)".to_owned(),
            )
        }
    };
    Some(case.suspect(Cause::PermissionDenied { path, user, reason }, certainty, sentence, evidence, fix))
}

/// Recognises Django's manifest of static files that lacks an entry.
pub(super) fn static_files(case: &Case<'_>, crash: &Crash<'_>, link: &Link) -> Option<Suspect> {
    let file =
        between(link.headline(), "Missing staticfiles manifest entry for '", "'").filter(|_| link.name() == "ValueError")?;
    let sentence = format!("Django's manifest of static files has no entry for `{file}`");
    let fix = "run `python manage.py collectstatic --no-input` where the image is built (a `RUN` of a Dockerfile), or let WhiteNoise find them \
               (`WHITENOISE_USE_FINDERS` with a storage without manifest)";
    let cause = Cause::MissingStaticFiles { file: file.to_owned() };
    Some(case.suspect(cause, crash.certainty, sentence, shown(case, link), fix.to_owned()))
}
