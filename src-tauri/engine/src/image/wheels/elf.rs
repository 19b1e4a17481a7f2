//! Which shared libraries the programs of a layer need, and whether anything has them (ELF, dynamic section).

use std::collections::{BTreeMap, BTreeSet};

use object::elf::FileHeader64;
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::{Endianness, elf};

/// A shared library or program of a wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// The wheel that it came with.
    wheel: String,
    /// Names of the libraries that it needs.
    needs: Vec<String>,
    /// Its own name, as others need it.
    name: Option<String>,
}

impl Object {
    /// Reads an object; one that is for another kind of machine, or broken, is nobody's concern here.
    pub(crate) fn read(bytes: &[u8], wheel: &str) -> Option<Self> {
        let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, bytes).ok()?;
        let dynamic = segments.iter().find_map(|segment| segment.dynamic(endian, bytes).ok().flatten())?;
        let value = |tag| dynamic.iter().find(|entry| entry.d_tag(endian) == tag).map(|entry| entry.d_val(endian));
        let (address, size) = (value(elf::DT_STRTAB)?, value(elf::DT_STRSZ)?);
        let strings = segments.iter().find_map(|segment| segment.data_range(endian, bytes, address, size).ok().flatten())?;
        let text = |offset: u64| {
            let rest = strings.get(usize::try_from(offset).ok()?..)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            std::str::from_utf8(rest.get(..end)?).ok().map(str::to_owned)
        };
        let named = |tag| dynamic.iter().filter(move |entry| entry.d_tag(endian) == tag).map(|entry| entry.d_val(endian));
        let needs = named(elf::DT_NEEDED).filter_map(text).collect();
        let name = named(elf::DT_SONAME).find_map(text);
        Some(Self { wheel: wheel.to_owned(), needs, name })
    }
}

/// Tells whether a file begins as ELF files do.
pub(crate) fn begins_as_elf(start: &[u8]) -> bool {
    start == b"\x7fELF"
}

/// Tells whether a path is named like a shared library.
pub(crate) fn is_library(path: &str) -> bool {
    let name = file_name(path);
    name.ends_with(".so") || name.contains(".so.")
}

/// Returns the last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Says which libraries nobody has: neither the wheels, whose files are `names`, nor the base.
pub(crate) fn warnings(objects: &[Object], names: &BTreeSet<String>, base: &BTreeSet<String>) -> Vec<String> {
    if base.is_empty() {
        return Vec::new();
    }
    let own: BTreeSet<&str> = objects.iter().filter_map(|object| object.name.as_deref()).collect();
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for object in objects {
        let absent = |name: &&String| {
            !names.contains(*name) && !own.contains(name.as_str()) && !base.contains(*name) && !name.starts_with("libpython")
        };
        for name in object.needs.iter().filter(absent) {
            missing.entry(&object.wheel).or_default().insert(name);
        }
    }
    missing
        .into_iter()
        .map(|(wheel, names)| {
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            format!("`{wheel}` needs {names}, the base lacks it; choose a base that has it")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_neither_wheels_nor_base_have_is_told() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let object = |wheel: &str, needs: &[&str], name: Option<&str>| Object {
            wheel: wheel.to_owned(),
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            name: name.map(str::to_owned),
        };
        let objects = [
            object("psycopg.whl", &["libpq.so.5", "libc.so.6", "libown.so"], None),
            object("own.whl", &["libpython3.13.so.1.0", "libbundled-1a2b.so.3"], Some("libown.so")),
        ];
        let names = set(&["libbundled-1a2b.so.3", "_psycopg.so"]);
        let told = warnings(&objects, &names, &set(&["libc.so.6"]));
        assert_eq!(told, ["`psycopg.whl` needs libpq.so.5, the base lacks it; choose a base that has it"]);
        assert!(warnings(&objects, &names, &BTreeSet::new()).is_empty());
    }

    #[test]
    fn a_real_program_names_what_it_needs() {
        let program = std::env::current_exe().and_then(std::fs::read).unwrap_or_default();
        let object = Object::read(&program, "x");
        assert!(object.is_some_and(|object| object.needs.iter().any(|name| name.starts_with("libc"))));
        assert_eq!(Object::read(b"\x7fELF and nothing else", "x"), None);
    }
}
