/** The database's schema, as steps from each version to the next; forward only. */
import type { Database } from 'better-sqlite3';

/** Step n brings version n - 1 to version n. Never change one that was released. */
const steps: readonly string[] = [
  `CREATE TABLE logs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE blocks (
     log INTEGER NOT NULL REFERENCES logs (id), first INTEGER NOT NULL, last INTEGER NOT NULL,
     lowest_id TEXT NOT NULL, highest_id TEXT NOT NULL, records TEXT NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX blocks_by_number ON blocks (log, last);
   CREATE INDEX blocks_by_id ON blocks (log, highest_id, lowest_id);
   CREATE TABLE absorbed (one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER NOT NULL, offset INTEGER NOT NULL) STRICT;
   INSERT INTO absorbed VALUES (1, 0, 0);
   CREATE TABLE accounts (name TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE rooms (address TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE keys (space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (space, key)) STRICT, WITHOUT ROWID;`,
];

/** Brings the database to this version. @throws Error when it comes from a newer one */
export function migrate(database: Database): void {
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version > steps.length) {
    throw new Error(
      `it was written by a newer version of this server (schema ${version}, this one knows up to ${steps.length}); update the server, or restore an older copy`,
    );
  }
  for (let step = version; step < steps.length; step++) {
    database.transaction(() => {
      database.exec(steps[step]!);
      database.pragma(`user_version = ${step + 1}`);
    })();
  }
}
