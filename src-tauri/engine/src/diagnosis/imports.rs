//! What cannot be imported: a package, a module of the project, a name, a library of the system, the app itself.

use super::case::{Case, Crash, Situation};
use super::log::between;
use super::traceback::Link;
use super::words::shown;
use crate::model::{Absence, Cause, Certainty, SourcePlace, Suspect};

/// Debian's packages of libraries that Python packages ask for.
const LIBRARIES: [(&str, &str); 16] = [
    ("libpq.so", "libpq5"),
    ("libGL.so", "libgl1"),
    ("libgthread-2.0.so", "libglib2.0-0"),
    ("libglib-2.0.so", "libglib2.0-0"),
    ("libmagic.so", "libmagic1"),
    ("libmariadb.so", "libmariadb3"),
    ("libmysqlclient.so", "default-libmysqlclient-dev"),
    ("libpango-1.0.so", "libpango-1.0-0"),
    ("libpango-1.0-0", "libpango-1.0-0"),
    ("libcairo.so", "libcairo2"),
    ("libgdal.so", "libgdal-dev"),
    ("libgeos_c.so", "libgeos-c1v5"),
    ("libxml2.so", "libxml2"),
    ("libgomp.so", "libgomp1"),
    ("libodbc.so", "unixodbc"),
    ("libsndfile.so", "libsndfile1"),
];

/// Recognises a shared library that is not there.
pub(super) fn library(case: &Case<'_>, crash: &Crash<'_>, link: &Link) -> Option<Suspect> {
    if !matches!(link.name(), "ImportError" | "OSError") {
        return None;
    }
    let headline = link.headline();
    let library = match headline.split_once(": cannot open shared object file") {
        Some((library, _)) => library.rsplit([' ', '\'']).next()?.to_owned(),
        // psycopg looks for it by itself.
        None if headline.contains("libpq library not found") => "libpq.so.5".to_owned(),
        None => match between(headline, "cannot load library '", "'") {
            Some(library) => library.to_owned(),
            None => return None,
        },
    };
    Some(missing_library(case, crash.certainty, library, shown(case, link)))
}

fn missing_library(case: &Case<'_>, certainty: Certainty, library: String, evidence: Vec<String>) -> Suspect {
    let package = LIBRARIES.iter().find(|(name, _)| library.starts_with(name)).map(|(_, package)| (*package).to_owned());
    let what = package.as_ref().map_or_else(|| "its package".to_owned(), |package| format!("`{package}` (Debian)"));
    let wheel = match package.as_deref() {
        Some("libpq5") => "lock `psycopg[binary]`, which brings it; or ",
        Some("libgl1") => "lock `opencv-python-headless`, which needs none; or ",
        _ => "",
    };
    let fix = format!("{wheel}use a base image that has it (`[build] base`), or a Dockerfile that installs {what}");
    let sentence = format!("the shared library `{library}` is not in the image");
    case.suspect(Cause::MissingLibrary { library, package }, certainty, sentence, evidence, fix)
}

/// Recognises modules and names that are not there.
pub(super) fn exception(case: &Case<'_>, crash: &Crash<'_>, link: &Link) -> Option<Suspect> {
    let headline = link.headline();
    let place = case.own_place(link);
    match link.name() {
        "ModuleNotFoundError" | "ImportError" if headline.starts_with("No module named") => {
            let module = between(headline, "'", "'").or_else(|| headline.strip_prefix("No module named "))?;
            Some(missing_module(case, crash.certainty, module, place, shown(case, link)))
        }
        "ImportError" => {
            let name = between(headline, "cannot import name '", "'")?.to_owned();
            let module =
                between(headline, "' from '", "'").or_else(|| between(headline, "partially initialized module '", "'"))?;
            let circular = headline.contains("circular import");
            let at = place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
            let sentence = match circular {
                true => format!("`{name}` cannot be imported from `{module}`, since the two import each other{at}"),
                false => format!("`{module}` has no `{name}`{at}"),
            };
            let local = is_local(case, module);
            let fix = match (circular, local) {
                (true, _) => {
                    "import it inside the function that uses it, or move what both need into a module of its own".to_owned()
                }
                (false, true) => format!("correct the name, or define `{name}` in `{module}`"),
                (false, false) => format!("lock a version of the package of `{module}` that has `{name}`, or use another name"),
            };
            let cause = Cause::MissingName { name, module: module.to_owned(), place };
            Some(case.suspect(cause, crash.certainty, sentence, shown(case, link), fix))
        }
        _ => None,
    }
}

/// Recognises what servers and the interpreter say without a traceback when the app cannot be loaded.
pub(super) fn without_traceback(case: &Case<'_>) -> Option<Suspect> {
    if case.situation != Situation::Ended {
        return None;
    }
    let last = |text| case.log.saying(text);
    if let Some(line) = last("Error loading ASGI app. Could not import module \"") {
        let module = between(line, "Could not import module \"", "\"")?;
        return Some(missing_module(case, Certainty::Certain, module, None, vec![line.to_owned()]));
    }
    if let Some(line) = last("Error loading ASGI app. Attribute \"") {
        let (name, module) = (between(line, "Attribute \"", "\"")?, between(line, "in module \"", "\"")?);
        return Some(no_app(case, name, module, line));
    }
    if let Some(line) = case.log.last(|line| line.starts_with("Failed to find attribute '")) {
        let (name, module) = (between(line, "attribute '", "'")?, between(line, "' in '", "'")?);
        return Some(no_app(case, name, module, line));
    }
    // `python -m NAME`, whose interpreter prints nothing else.
    let line = case.log.lines.iter().rev().find(|line| !line.trim().is_empty())?;
    let (interpreter, module) = line.split_once(": No module named ")?;
    let is_interpreter = interpreter.rsplit('/').next().is_some_and(|name| name.starts_with("python"));
    let module = module.trim_matches(['\'', '"']).split(['.', ';']).next().filter(|_| is_interpreter)?;
    Some(missing_module(case, Certainty::Certain, module, None, vec![line.clone()]))
}

fn no_app(case: &Case<'_>, name: &str, module: &str, line: &str) -> Suspect {
    let sentence = format!("`{module}` has no `{name}`, which the server should run");
    let fix = format!("correct `{module}:{name}` in `command`, or define `{name}` in `{module}`");
    let cause = Cause::MissingName { name: name.to_owned(), module: module.to_owned(), place: None };
    case.suspect(cause, Certainty::Certain, sentence, vec![line.to_owned()], fix)
}

fn missing_module(
    case: &Case<'_>,
    certainty: Certainty,
    module: &str,
    place: Option<SourcePlace>,
    evidence: Vec<String>,
) -> Suspect {
    let absence = absence(case, module);
    let at = place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    let (sentence, fix) = match &absence {
        Absence::NotLocked { package } => (
            format!("`{module}` cannot be imported{at}: no package of the lock brings it"),
            format!("add `{package}` to the project's dependencies and lock again"),
        ),
        Absence::DevelopmentOnly { package } => (
            format!("`{module}` cannot be imported{at}: `{package}` is locked for development only"),
            format!("move `{package}` to the project's dependencies, or name its group or extra under `[build]`"),
        ),
        Absence::NotInImage { package } => (
            format!("`{module}` cannot be imported{at}: `{package}` is locked, but is not in the image"),
            format!(
                "see that the image installs `{package}`: in a Dockerfile from the lock, else without a marker that leaves it out"
            ),
        ),
        Absence::NoSuchModule { near: Some(near) } => (
            format!("`{module}` cannot be imported{at}: the project has no such module, but `{near}`"),
            format!("write `{near}`, or add the module to the project"),
        ),
        Absence::NoSuchModule { near: None } => (
            format!("`{module}` cannot be imported{at}: the project has no such module"),
            "add the module to the project, and see that it gets into the image".to_owned(),
        ),
        Absence::Unknown => (
            format!("`{module}` cannot be imported{at}"),
            format!("add the package of `{module}` to the project's dependencies and lock again, or correct its name"),
        ),
    };
    case.suspect(Cause::MissingModule { module: module.to_owned(), absence, place }, certainty, sentence, evidence, fix)
}

fn absence(case: &Case<'_>, module: &str) -> Absence {
    let Some(source) = &case.symptoms.source else { return Absence::Unknown };
    if is_local(case, module) {
        return Absence::NoSuchModule { near: source.near(module) };
    }
    let top = module.split('.').next().unwrap_or(module);
    let Some(lock) = &source.lock else {
        return source.near(module).map_or(Absence::Unknown, |near| Absence::NoSuchModule { near: Some(near) });
    };
    let names = packages_of(top);
    let held = |held: &std::collections::BTreeSet<String>| names.iter().find(|name| held.contains(*name)).cloned();
    if let Some(package) = held(&lock.shipped) {
        return Absence::NotInImage { package };
    }
    if let Some(package) = held(&lock.development) {
        return Absence::DevelopmentOnly { package };
    }
    match source.near(module) {
        Some(near) => Absence::NoSuchModule { near: Some(near) },
        None => Absence::NotLocked { package: names.into_iter().next().unwrap_or_default() },
    }
}

/// Tells whether a module would be the project's own.
fn is_local(case: &Case<'_>, module: &str) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    case.symptoms.source.as_ref().is_some_and(|source| source.has_package(top))
}

/// Packages whose name is not that of their module; the first is the usual one.
const PACKAGES: [(&str, &[&str]); 36] = [
    ("attr", &["attrs"]),
    ("bs4", &["beautifulsoup4"]),
    ("corsheaders", &["django-cors-headers"]),
    ("Crypto", &["pycryptodome"]),
    ("cv2", &["opencv-python-headless", "opencv-python", "opencv-contrib-python"]),
    ("dateutil", &["python-dateutil"]),
    ("debug_toolbar", &["django-debug-toolbar"]),
    ("decouple", &["python-decouple"]),
    ("dj_database_url", &["dj-database-url"]),
    ("django_filters", &["django-filter"]),
    ("docx", &["python-docx"]),
    ("dotenv", &["python-dotenv"]),
    ("environ", &["django-environ"]),
    ("fitz", &["pymupdf"]),
    ("git", &["gitpython"]),
    ("google", &["protobuf", "google-api-core"]),
    ("jose", &["python-jose"]),
    ("jwt", &["pyjwt"]),
    ("magic", &["python-magic"]),
    ("multipart", &["python-multipart"]),
    ("MySQLdb", &["mysqlclient"]),
    ("nacl", &["pynacl"]),
    ("OpenSSL", &["pyopenssl"]),
    ("PIL", &["pillow"]),
    ("pkg_resources", &["setuptools"]),
    ("psycopg2", &["psycopg2-binary", "psycopg2"]),
    ("rest_framework", &["djangorestframework"]),
    ("serial", &["pyserial"]),
    ("skimage", &["scikit-image"]),
    ("sklearn", &["scikit-learn"]),
    ("slugify", &["python-slugify"]),
    ("socketio", &["python-socketio"]),
    ("storages", &["django-storages"]),
    ("telegram", &["python-telegram-bot"]),
    ("yaml", &["pyyaml"]),
    ("zmq", &["pyzmq"]),
];

/// Names the packages that may bring a module, normalised (PEP 503).
fn packages_of(module: &str) -> Vec<String> {
    match PACKAGES.iter().find(|(name, _)| *name == module) {
        Some((_, packages)) => packages.iter().map(|package| (*package).to_owned()).collect(),
        None => vec![module.to_lowercase().replace(['_', '.'], "-")],
    }
}
