//! What people are told when something is wrong, all on one page.

use nonevent_engine::project::Project;

use crate::tree::{Tree, told};

const APP: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";

fn app() -> Tree {
    Tree::with(&["fastapi", "uvicorn"]).file("main.py", APP)
}

fn page(cases: impl IntoIterator<Item = (String, Tree)>) -> String {
    let cases = cases.into_iter().map(|(title, tree)| format!("── {title}\n{}\n", told(&tree.error(), &tree.path())));
    cases.collect::<Vec<_>>().join("\n")
}

#[test]
fn of_a_project() {
    let case = |title: &str, tree: Tree| (title.to_owned(), tree);
    let flask = "from flask import Flask\n\n\ndef make():\n    return Flask(__name__)\n";
    let manifest = "[project]\nname = \"shop\"\nversion = \"1\"\n";
    let page = page([
        case("an empty folder", Tree::new()),
        case(
            "projects below",
            Tree::new().file("backend/pyproject.toml", "").file("jobs/requirements.txt", "").file(".x/setup.py", ""),
        ),
        case("no manifest", Tree::new().file("main.py", APP)),
        case("a syntax error in the manifest", Tree::new().file("pyproject.toml", "[project]\nname = \"shop\"\nversion = = 1\n")),
        case("a syntax error after a tab and an umlaut", Tree::new().file("pyproject.toml", "[project]\n\tname = \"ü\" x\n")),
        case("a syntax error in the configuration", app().file("nonevent.toml", "[app\nport = 1\n")),
        case("a configuration that is a folder", app().file("nonevent.toml/app", "")),
        case("a key that stands twice", app().file("nonevent.toml", "[app]\nport = 1\nport = 2\n")),
        case("both configuration files", app().file("nonevent.toml", "").file("pyproject.toml", "[tool.nonevent]\n")),
        case("two entry points", app().file("admin/main.py", "from fastapi import FastAPI\n\napp = FastAPI(title=\"admin\")\n")),
        case(
            "two entry points beside a worker",
            app().file("admin.py", APP).file("nonevent.toml", "[process.worker]\ncommand = \"work\"\n"),
        ),
        case("two factories", Tree::with(&["gunicorn"]).file("one.py", flask).file("two.py", flask)),
        case(
            "two workers",
            Tree::with(&["celery"])
                .file("a.py", "from celery import Celery\nx = Celery()\n")
                .file("b.py", "import celery\ny = celery.Celery()\n"),
        ),
        case("nothing to run", Tree::with(&[]).file("shop/__init__.py", "")),
        case("a framework without an app", Tree::with(&["django"]).file("manage.py", "")),
        case(
            "the root of a workspace",
            Tree::new().file("pyproject.toml", "[tool.uv.workspace]\nmembers = [\"a/*\"]\n").file("a/b/pyproject.toml", ""),
        ),
        case("no server", Tree::with(&["fastapi"]).file("main.py", APP).file("uv.lock", "")),
        case("an unread manifest", Tree::new().file("setup.py", "").file("main.py", APP)),
        case(
            "no Python",
            Tree::new().file("pyproject.toml", &format!("{manifest}requires-python = \">=4\"\n")).file("main.py", APP),
        ),
        case(
            "no version specifiers",
            Tree::new().file("pyproject.toml", &format!("{manifest}requires-python = \"3.11 or so\"\n")),
        ),
        case(
            "no requirement",
            Tree::new().file("pyproject.toml", &format!("{manifest}dependencies = [\n  \"fastapi\",\n  \"uvicorn>>1\",\n]\n")),
        ),
        case(
            "dependencies of the wrong type",
            Tree::new().file("pyproject.toml", &format!("{manifest}dependencies = \"fastapi\"\n")),
        ),
        case("a manifest of the wrong type", Tree::new().file("pyproject.toml", "project = 1\n")),
        case(
            "a group that does not exist",
            Tree::new().file("pyproject.toml", "[dependency-groups]\ndev = [{include-group = \"tset\"}]\ntest = []\n"),
        ),
        case(
            "groups in a circle",
            Tree::new()
                .file("pyproject.toml", "[dependency-groups]\na = [{include-group = \"b\"}]\nb = [{include-group = \"a\"}]\n"),
        ),
    ]);
    insta::assert_snapshot!(page);
}

#[test]
fn of_a_name() {
    let tree = Tree::new().file("日本/requirements.txt", "uvicorn\n").file("日本/main.py", APP);
    let error = Project::open(&tree.path().join("日本")).unwrap_err();
    insta::assert_snapshot!(told(&error, &tree.path()));
}

#[test]
fn of_a_configuration() {
    let cases = [
        "[app]\nprot = 8000",
        "[ap]\nport = 8000",
        "[app]\nframework = \"fastapi\"",
        "[app]\nzzz = 1",
        "[environments.local]\nreplica = 2",
        "[services.db]\nimage = \"x\"\nready = { prot = 1 }",
        "[services.db]\nimag = \"x\"",
        "[gauntlet.unit]\nruns = \"x\"",
        "[process.worker]\ncomand = \"x\"",
        "[environments.local.process.web]\nport = 1",
        "app = 1",
        "[app]\nport = \"8000\"",
        "[app]\nport = 0",
        "[app]\nport = 8000.5",
        "[app]\ncommand = 1",
        "[app]\ncommand = []",
        "[app]\ncommand = \" \"",
        "[app]\nname = \"My Shop\"",
        "[app]\nenv = { DEBUG = true }",
        "[app]\nenv = { PORT = \"80\" }",
        "[app]\nenv = { \"A-B\" = \"80\" }",
        "[app]\nvolumes = [\"media\"]",
        "[app]\nvolumes = { a = \"/\" }",
        "[app]\nvolumes = { a = \"/x\", b = \"/x/\" }",
        "[app]\nvolumes = \"/x\"",
        "[app]\nstop_grace = 10",
        "[app]\nstop_grace = \"10\"",
        "[app]\nstop_grace = \"-1s\"",
        "[app]\ncommand = \"x\"\n[process.web]\ncommand = \"y\"",
        "[process.web]\ncommand = \"x\"\n[process.api]\ncommand = \"x\"\nport = 1",
        "[process.worker]\nreplicas = 2",
        "[process]\nWorker = { command = \"x\" }",
        "[build]\ndockerfile = \"../Dockerfile\"",
        "[build]\ndockerfile = \"Dockerfile.web\"",
        "[build]\ndockerfile = true",
        "[build]\nbase = \"python:3.13 slim\"",
        "[build]\nexclude = [\"a[\"]",
        "[build]\nsecrets = { token = \"env:\" }",
        "[build]\nextras = [\"posgres\"]",
        "[lock]\nunhashed = \"ignore\"",
        "[gauntlet]\nunit = \"pytest\"",
        "[gauntlet]\nrequierd = [\"types\"]",
        "[gauntlet]\nmine = { timeout = \"1m\" }",
        "[gauntlet]\nunit = { run = \"x\", timeout = \"0s\" }",
        "[gauntlet]\nunit = { run = \"x\", services = [\"db\"] }",
        "[gauntlet]\nunit = { run = \"x\", needs = [\"lnt\"] }",
        "[gauntlet]\na = { run = \"x\", needs = [\"b\"] }\nb = { run = \"x\", needs = [\"a\"] }",
        "[gauntlet]\nrequired = [\"type\"]",
        "[gauntlet]\nrequired = [\"types\"]\ntypes = false",
        "[gauntlet]\ngroups = [\"dev\"]",
        "[services.db]\nimage = \"\"",
        "[services.db]\nimage = \"x\"\nready = { port = 1, log = \"x\" }",
        "[services.db]\nimage = \"x\"\nready = {}",
        "[services.db]\nimage = \"x\"\ndata = \"data\"",
        "[health]\npath = \"healthz\"",
        "[health]\npath = \"/x\"\ntcp = true",
        "[health]\ninterval = \"0s\"",
        "[health]\nsuccesses = 0",
        "[release]\nkeep = -1",
        "[environments.local.probes.db]\ntcp = \"db:5432\"\nlatency = \"1s\"",
        "[environments.local.probes.web]\npath = \"/\"\nrestarts = 1",
        "[environments.local.probes.queue]\ncommand = \"check\"\nprocess = \"wroker\"",
        "[environments.local]\nservices = [\"bd\"]\n[services.db]\nimage = \"x\"",
        "[environments.production]\nafter = \"stagin\"\n[environments.staging]",
        "[environments.production]\nafter = \"production\"",
        "[environments.a]\nafter = \"b\"\n[environments.b]\nafter = \"c\"\n[environments.c]\nafter = \"a\"",
        "[environments.production]\ntarget = \"dokcer\"",
        "[environments.production]\ntarget = \"shop.example.com\"",
        "[environments.production]\ntarget = \"ssh://deploy@shop.example.com\"",
        "[environments.production]\ndomain = \"https://shop.example.com\"",
        "[environments.a]\ndomain = \"x.test\"\n[environments.b]\ndomain = \"x.test\"",
        "[environments.production]\nreplicas = 0",
        "[environments.production]\nreplicas = 33",
        "[process.web]\nreplicas = 100",
        "[environments.production]\nreplicas = 2\nprocess.web.replicas = 3",
        "[environments.production]\nprocess.wroker.replicas = 3\n[process.worker]\ncommand = \"x\"",
        "[environments.production]\nenv = { TOKEN = \"made-up\" }\nsecrets = [\"TOKEN\"]",
        "[environments.production]\nsecrets = [\"database-url\"]",
        "[environments.production]\nsecret_delivery = \"files\"",
        "[environments.production]\nmemory = \"much\"",
        "[environments.production]\nmemory = 512",
        "[environments.production]\nmemory = \"1MB\"",
        "[environments.production]\ncpus = 0",
        "[environments.Production]",
    ];
    let manifest = "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"uvicorn\"]\n[project.optional-dependencies]\npostgres = []\n";
    let tree = |text: &str| app().file("pyproject.toml", manifest).file("nonevent.toml", text);
    let page = page(cases.map(|text| (text.replace('\n', " ⏎ "), tree(text))));
    insta::assert_snapshot!(page);
}

#[test]
fn of_https() {
    let case = |text: &str, message: &str, hint: &str| {
        let tree = app().file("nonevent.toml", &format!("[environments.live]\n{text}"));
        let told = told(&tree.error(), &tree.path());
        assert!(told.contains(message) && told.contains(hint), "{text}\n{told}");
    };
    case("https = \"yes\"\n", "there is no such choice", "`https = \"acme\"`");
    case("domain = \"shop.example.com\"\nhttps = \"local\"\n", "shop.example.com is none", "write `https = \"acme\"`");
    case("https = \"acme\"\n", "no public authority gives a certificate for live.", "a `domain` of your own");
    case("acme = { email = \"a@example.com\" }\n", "`[environments.live.acme]` has no effect", "or take the table out");
    let acme = |rest: &str| format!("domain = \"shop.example.com\"\nhttps = \"acme\"\n[environments.live.acme]\n{rest}");
    case(&acme("directory = \"http://ca.example.com/dir\"\n"), "is an `https` URL", "https://acme.example.com/directory");
    case(&acme("directory = \"https://10.0.0.1/dir\"\n"), "with a host name", "https://acme.example.com/directory");
    case(&acme("email = \"nobody\"\n"), "it is no address", "ops@example.com");
    case(&acme("mail = \"a@example.com\"\n"), "mail", "email");
}
