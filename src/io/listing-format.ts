/** The tables of the listing's file, and what becomes of a file of an earlier or later format. */
import { MonsoonError } from '../base/index.ts';
import { WORDS_SCHEMA } from './listing-words.ts';
import type { Sql } from './sql.ts';

const FORMAT = 2;
const LISTING_SCHEMA = `
  CREATE TABLE meta (generation TEXT NOT NULL, change INTEGER NOT NULL) STRICT;
  CREATE TABLE source (id INTEGER PRIMARY KEY, node BLOB NOT NULL UNIQUE) STRICT;
  CREATE TABLE publisher (id INTEGER PRIMARY KEY, node BLOB NOT NULL UNIQUE) STRICT;
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY, start INTEGER NOT NULL, rest BLOB NOT NULL, publisher INTEGER NOT NULL,
    change INTEGER NOT NULL, flags INTEGER NOT NULL, published INTEGER NOT NULL, sequence INTEGER NOT NULL,
    size INTEGER NOT NULL, files INTEGER NOT NULL, name TEXT NOT NULL, claims TEXT NOT NULL, sealed BLOB NOT NULL,
    seeders INTEGER, leechers INTEGER, completions INTEGER, source INTEGER, counted INTEGER
  ) STRICT;
  CREATE INDEX entry_start ON entry (start);
  CREATE INDEX entry_change ON entry (change);
  CREATE TABLE IF NOT EXISTS info (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, raw BLOB NOT NULL) STRICT;
`;
/** Moves the tables of the first format, whose entries had another shape, out of the way. */
const FIRST_FORMAT_AWAY = `
  DROP INDEX entry_hash; DROP INDEX entry_change; DROP INDEX entry_age; DROP INDEX entry_seeds;
  ALTER TABLE entry RENAME TO first_entry;
  DROP TABLE meta; DROP TABLE source;
`;

/**
 * Makes the tables where there are none, and returns the format that was found: 0 for an empty file. After 1 a
 * transaction is open: the first format's entries lie in `first_entry`, and who takes them over ends it.
 */
export function prepareTables(sql: Sql, generation: string): number {
  const format = sql.number('PRAGMA user_version');
  if (format === FORMAT) return format;
  if (format > FORMAT) {
    throw new MonsoonError('config', `the listing was written by a newer monsoon (format ${format}): update monsoon`);
  }
  sql.exec(`BEGIN IMMEDIATE; ${format === 0 ? '' : FIRST_FORMAT_AWAY} ${LISTING_SCHEMA} ${WORDS_SCHEMA}
    INSERT INTO meta VALUES ('${generation}', 0); PRAGMA user_version = ${FORMAT}`);
  if (format === 0) sql.exec('COMMIT');
  return format;
}
