-- Why an instance of a rollout was not healthy.
ALTER TABLE rollouts ADD COLUMN diagnosis TEXT;
