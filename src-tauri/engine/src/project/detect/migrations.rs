//! The migrations that a source tree holds: Django's and Alembic's, read by the parser. Nothing is run and no database is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::ast::{Expression, Statement};
use super::parse::Reader;
use crate::model::{MigrationTool, Migrations};

/// A larger module was written by a machine, and is none that a person would roll back over.
const LARGEST: u64 = 4 * 1024 * 1024;

/// One migration.
struct Migration {
    name: String,
    /// Those of the same set that it builds on.
    after: Vec<String>,
    replaces: Vec<String>,
}

/// Reads the migrations among files of a project, given by their paths below its folder, with `/` between their parts.
pub fn migrations<'a>(root: &Path, files: impl IntoIterator<Item = &'a str>) -> Vec<Migrations> {
    let Some(mut reader) = Reader::new() else { return Vec::new() };
    let files: BTreeSet<&str> = files.into_iter().filter(|file| file.ends_with(".py")).collect();
    let mut sets: BTreeMap<(Tool, String), Vec<Migration>> = BTreeMap::new();
    for file in &files {
        let Some((folder, module)) = file.rsplit_once('/') else { continue };
        let name = module.trim_end_matches(".py");
        let read = |reader: &mut Reader| {
            let path = root.join(file);
            let small = std::fs::metadata(&path).is_ok_and(|found| found.len() <= LARGEST);
            small.then(|| std::fs::read_to_string(&path).ok()).flatten().map(|text| reader.read(&text, ""))
        };
        match folder.rsplit('/').next() {
            // Django takes every module of the folder but those that begin so (django.db.migrations.loader).
            Some("migrations") if !name.starts_with(['_', '~']) => {
                let Some(label) = label(root, folder, &mut reader) else { continue };
                if let Some(found) = read(&mut reader).and_then(|statements| django(name, &label, &statements)) {
                    sets.entry((Tool::Django, label)).or_default().push(found);
                }
            }
            Some("versions") => {
                if let Some(found) = read(&mut reader).and_then(|statements| alembic(&statements)) {
                    sets.entry((Tool::Alembic, folder.to_owned())).or_default().push(found);
                }
            }
            _ => {}
        }
    }
    sets.into_iter().map(|((tool, name), found)| set(tool, name, found)).collect()
}

/// The model's tools have no order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tool {
    Django,
    Alembic,
}

fn set(tool: Tool, name: String, mut found: Vec<Migration>) -> Migrations {
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let below: BTreeSet<&String> = found.iter().flat_map(|migration| migration.after.iter().chain(&migration.replaces)).collect();
    let heads = found.iter().map(|migration| &migration.name).filter(|name| !below.contains(name)).cloned().collect();
    Migrations {
        tool: match tool {
            Tool::Django => MigrationTool::Django,
            Tool::Alembic => MigrationTool::Alembic,
        },
        name,
        heads,
        known: found.iter().map(|migration| migration.name.clone()).collect(),
        replaces: found
            .into_iter()
            .filter(|migration| !migration.replaces.is_empty())
            .map(|migration| (migration.name, migration.replaces))
            .collect(),
    }
}

/// Returns the label of the app that a folder of migrations belongs to: what its `AppConfig` says, else the name of its folder.
fn label(root: &Path, folder: &str, reader: &mut Reader) -> Option<String> {
    let app = folder.rsplit_once('/')?.0;
    let configured = std::fs::read_to_string(root.join(app).join("apps.py")).ok().and_then(|text| {
        reader.read(&text, "").into_iter().find_map(|statement| match statement {
            Statement::Class { body, .. } => assigned(&body, "label").and_then(Expression::text).map(str::to_owned),
            _ => None,
        })
    });
    configured.or_else(|| app.rsplit('/').next().map(str::to_owned)).filter(|label| !label.is_empty())
}

fn django(name: &str, label: &str, statements: &[Statement]) -> Option<Migration> {
    let body = statements.iter().find_map(|statement| match statement {
        Statement::Class { name, body, .. } if name == "Migration" => Some(body),
        _ => None,
    })?;
    let named = |attribute: &str| -> Vec<String> {
        let Some(Expression::Items(items)) = assigned(body, attribute) else { return Vec::new() };
        let own = items.iter().filter_map(|item| match item {
            Expression::Items(pair) => match pair.as_slice() {
                [app, migration] if app.text() == Some(label) => migration.text().map(str::to_owned),
                _ => None,
            },
            _ => None,
        });
        own.collect()
    };
    Some(Migration { name: name.to_owned(), after: named("dependencies"), replaces: named("replaces") })
}

fn alembic(statements: &[Statement]) -> Option<Migration> {
    let name = assigned(statements, "revision")?.text()?.to_owned();
    let after = match assigned(statements, "down_revision")? {
        Expression::Text(below) => vec![below.clone()],
        Expression::Items(several) => several.iter().filter_map(|one| one.text().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    Some(Migration { name, after, replaces: Vec::new() })
}

fn assigned<'a>(statements: &'a [Statement], name: &str) -> Option<&'a Expression> {
    statements.iter().find_map(|statement| match statement {
        Statement::Assign { target, value, .. } if target == name => Some(value),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        (folder, files.iter().map(|(file, _)| (*file).to_owned()).collect())
    }

    fn read(files: &[(&str, &str)]) -> Vec<Migrations> {
        let (folder, names) = tree(files);
        migrations(folder.path(), names.iter().map(String::as_str))
    }

    fn django_file(dependencies: &str) -> String {
        format!(
            "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    initial = True\n    dependencies = [{dependencies}]\n    operations = []\n"
        )
    }

    #[test]
    fn djangos_leaves_are_those_that_nothing_builds_on() {
        let first = django_file("migrations.swappable_dependency(settings.AUTH_USER_MODEL)");
        let second = django_file("(\"shop\", \"0001_initial\"), (\"auth\", \"0012_alter\")");
        let branch = django_file("('shop', '0001_initial')");
        let found = read(&[
            ("src/shop/migrations/__init__.py", ""),
            ("src/shop/migrations/0001_initial.py", &first),
            ("src/shop/migrations/0002_price.py", &second),
            ("src/shop/migrations/0002_name.py", &branch),
            ("src/shop/migrations/helpers.py", "def slug(): ...\n"),
            ("src/shop/migrations/_draft.py", &branch),
            ("src/shop/models.py", ""),
        ]);
        let [shop] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((shop.tool, shop.name.as_str()), (MigrationTool::Django, "shop"));
        assert_eq!(shop.heads, ["0002_name", "0002_price"]);
        assert_eq!(shop.known, ["0001_initial", "0002_name", "0002_price"]);
    }

    #[test]
    fn an_apps_own_label_and_squashed_migrations_are_read() {
        let squashed = "class Migration(migrations.Migration):\n    replaces = [('store', '0001_initial'), ('store', '0002_price')]\n    dependencies = []\n";
        let found = read(&[
            ("shop/apps.py", "class ShopConfig(AppConfig):\n    name = 'shop'\n    label = 'store'\n"),
            ("shop/migrations/0001_squashed_0002.py", squashed),
            ("shop/migrations/0003_name.py", &django_file("('store', '0001_squashed_0002')")),
        ]);
        let [store] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((store.name.as_str(), store.heads.as_slice()), ("store", ["0003_name".to_owned()].as_slice()));
        assert_eq!(store.replaces["0001_squashed_0002"], ["0001_initial", "0002_price"]);
    }

    #[test]
    fn alembics_heads_follow_its_revisions() {
        let file = |revision: &str, down: &str| format!("revision: str = \"{revision}\"\ndown_revision: str | None = {down}\n");
        let found = read(&[
            ("migrations/env.py", "from alembic import context\n"),
            ("migrations/versions/a.py", &file("a1", "None")),
            ("migrations/versions/b.py", &file("b2", "\"a1\"")),
            ("migrations/versions/c.py", &file("c3", "'a1'")),
            ("migrations/versions/d.py", &file("d4", "(\"b2\", \"c3\")")),
            ("api/versions/v1.py", "PREFIX = '/v1'\n"),
        ]);
        let [set] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((set.tool, set.name.as_str()), (MigrationTool::Alembic, "migrations/versions"));
        assert_eq!((set.heads.as_slice(), set.known.len()), (["d4".to_owned()].as_slice(), 4));
    }

    #[test]
    fn what_is_broken_is_left_out() {
        assert!(read(&[("shop/migrations/0001_initial.py", "clas Migration(:\n"), ("migrations/0001.py", "x = (")]).is_empty());
    }
}
