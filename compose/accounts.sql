-- Read once, by the postgres image, when its volume is new: the table that tracking-httpd would make itself, and the
-- accounts to begin with. Later changes: `./client accounts` in the client's container, or SQL.
CREATE TABLE accounts (
  id bigint PRIMARY KEY CHECK (id > 0),
  name text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO accounts (id, name, is_active) VALUES
  (1, 'one', true),
  (2, 'two', false),
  (3, 'three', true),
  (4, 'four', true);
