-- Whether people were told of an exception, or need not be. Every release that raises it later takes it over.
ALTER TABLE exceptions ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
-- Whoever kept these told of them.
UPDATE exceptions SET told = 1;
CREATE INDEX exceptions_untold ON exceptions (environment, fingerprint) WHERE told = 0;
