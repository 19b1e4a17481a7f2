//! What a source tree knows of its database's schema.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::MigrationTool;

/// The migrations of one Django app, or of one Alembic folder, as the source that was built has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Migrations {
    /// Whose they are.
    pub tool: MigrationTool,
    /// Django's label of the app; the folder of Alembic's versions.
    pub name: String,
    /// Those that no other one builds on: Django's leaf nodes, Alembic's heads.
    pub heads: Vec<String>,
    /// All, sorted: Django's names, Alembic's revisions.
    pub known: Vec<String>,
    /// Those that stand for several others (Django's squashed ones), with the names of the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaces: BTreeMap<String, Vec<String>>,
}

/// Returns the migrations of one source tree that another one does not know, named as their tools do: `shop.0007_customer`.
pub fn unknown_migrations(applied: &[Migrations], known: &[Migrations]) -> Vec<String> {
    let mut unknown = Vec::new();
    for set in applied {
        // Alembic's revisions are unique by themselves, and their folder may have moved.
        let same = |other: &&Migrations| other.tool == set.tool && (set.tool == MigrationTool::Alembic || other.name == set.name);
        let names: BTreeSet<&String> =
            known.iter().filter(same).flat_map(|other| other.known.iter().chain(other.replaces.values().flatten())).collect();
        let is_known = |migration: &String| {
            let parts = set.replaces.get(migration).filter(|parts| !parts.is_empty());
            names.contains(migration) || parts.is_some_and(|parts| parts.iter().all(|part| names.contains(part)))
        };
        unknown.extend(set.known.iter().filter(|migration| !is_known(migration)).map(|migration| match set.tool {
            MigrationTool::Alembic => migration.clone(),
            MigrationTool::Django | MigrationTool::Unknown => format!("{}.{migration}", set.name),
        }));
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn django(name: &str, known: &[&str]) -> Migrations {
        let known: Vec<String> = known.iter().map(|one| (*one).to_owned()).collect();
        Migrations { tool: MigrationTool::Django, name: name.to_owned(), heads: Vec::new(), known, replaces: BTreeMap::new() }
    }

    #[test]
    fn what_the_older_tree_lacks_is_named() {
        let new = [django("shop", &["0001_initial", "0002_price"]), django("blog", &["0001_initial"])];
        assert_eq!(unknown_migrations(&new, &[django("shop", &["0001_initial"])]), ["shop.0002_price", "blog.0001_initial"]);
        assert!(unknown_migrations(&[django("shop", &["0001_initial"])], &new).is_empty());
    }

    #[test]
    fn squashed_migrations_are_known_by_their_parts() {
        let parts = vec!["0001_initial".to_owned(), "0002_price".to_owned()];
        let squashed =
            Migrations { replaces: BTreeMap::from([("0001_squashed".to_owned(), parts)]), ..django("shop", &["0001_squashed"]) };
        let old = django("shop", &["0001_initial", "0002_price"]);
        let (squashed, old) = ([squashed], [old]);
        assert!(unknown_migrations(&squashed, &old).is_empty());
        assert!(unknown_migrations(&old, &squashed).is_empty());
    }

    #[test]
    fn alembics_folder_may_move() {
        let at = |name: &str, known: &[&str]| Migrations { tool: MigrationTool::Alembic, ..django(name, known) };
        assert!(unknown_migrations(&[at("db", &["ae10"])], &[at("migrations", &["ae10"])]).is_empty());
        assert_eq!(unknown_migrations(&[at("db", &["ae10", "be20"])], &[at("db", &["ae10"])]), ["be20"]);
    }
}
