-- Whether people were told of an exception, or need not be: 1 in any of its rows is enough.
ALTER TABLE exceptions ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
