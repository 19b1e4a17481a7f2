//! What is remembered of vaults: which kind a person chose, and what is kept in each, without a value.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};

const CHOICE: &str = "vault";
const REVISION: &str = "vault_revision";
const OUTLINE: &str = "vault:";

impl Store {
    /// Returns the kind of vault that a person chose, as it was written.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vault_choice(&self) -> Result<Option<String>, StoreError> {
        self.meta_text(CHOICE)
    }

    /// Remembers the kind of vault that a person chose.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn choose_vault(&self, choice: &str) -> Result<(), StoreError> {
        self.set_meta_text(CHOICE, choice)
    }

    /// Returns what is remembered of a vault's content: JSON without a value.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vault_outline(&self, vault: &str) -> Result<Option<String>, StoreError> {
        self.meta_text(&format!("{OUTLINE}{vault}"))
    }

    /// Remembers what a vault keeps.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn outline_vault(&self, vault: &str, outline: &str) -> Result<(), StoreError> {
        self.set_meta_text(&format!("{OUTLINE}{vault}"), outline)
    }

    /// Lists the vaults that something is remembered of.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn outlined_vaults(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("SELECT substr(key, length(?1) + 1) FROM meta WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key")?;
        let rows = statement.query_map([OUTLINE], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns how often a vault of this home was changed: whoever read before the last change reads again.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn vault_revision(&self) -> Result<u64, StoreError> {
        Ok(self.meta_text(REVISION)?.and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    /// Counts a change of a vault.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn count_vault_change(&self) -> Result<u64, StoreError> {
        let next = self.vault_revision()?.saturating_add(1);
        self.set_meta_text(REVISION, &next.to_string())?;
        Ok(next)
    }

    fn meta_text(&self, key: &str) -> Result<Option<String>, StoreError> {
        let stored: Option<Vec<u8>> =
            self.connection().query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
        stored
            .map(|bytes| String::from_utf8(bytes).map_err(|_| StoreError::Shape { reason: format!("`{key}` is no text") }))
            .transpose()
    }

    fn set_meta_text(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![key, value.as_bytes()],
        )?;
        Ok(())
    }
}
