-- When the process started, in the kernel's ticks since boot; 0 where that is not known. Ids are given again.
ALTER TABLE runs ADD COLUMN pid_started INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_runs ADD COLUMN pid_started INTEGER NOT NULL DEFAULT 0;
