/**
 * The log: one JSON object a line, readable lines on a terminal, a file that cannot outgrow its bound.
 * Texts from outside are cleaned before they are written, and fields named like secrets never are (SAFETY 9, 10).
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Config } from '../config/index.ts';
import { cleanText } from '../src/base/index.ts';

export type LogFields = Readonly<Record<string, unknown>>;

/** What every part of a node writes to: a sentence without values, and the values as fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogSink {
  /** @param line one JSON object with its newline */
  write(line: string): void;
}

/** One file of that size and one older generation. */
export const LOG_BYTES_MAX: number = 8 * 1024 * 1024;
const FIELD_LENGTH_MAX = 1000;
const SECRET_FIELDS = ['token', 'secret', 'secretKey', 'seed', 'password'];

/** Opens a log that writes what is at least as grave as `level`. */
export function openLog(level: Config['logLevel'], sink: LogSink): Log {
  const logger = pino(
    { level, base: null, redact: SECRET_FIELDS, formatters: { level: (label) => ({ level: label }) } },
    sink,
  );
  return {
    debug: (message, fields = {}) => logger.debug(cleanFields(fields), message),
    info: (message, fields = {}) => logger.info(cleanFields(fields), message),
    warn: (message, fields = {}) => logger.warn(cleanFields(fields), message),
    error: (message, fields = {}) => logger.error(cleanFields(fields), message),
  };
}

/** A sink for a file; past LOG_BYTES_MAX the file becomes `PATH.1` and a new one begins. */
export function openLogFile(path: string): LogSink {
  let file = openSync(path, 'a', 0o600);
  let size = fstatSync(file).size;
  return {
    write(line: string): void {
      try {
        if (size > LOG_BYTES_MAX) {
          closeSync(file);
          renameSync(path, `${path}.1`);
          file = openSync(path, 'a', 0o600);
          size = 0;
        }
        size += writeSync(file, line);
      } catch {
        // A full disk must not end the node, and there is nowhere left to say so.
      }
    },
  };
}

function cleanFields(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, cleanField(value)]));
}

function cleanField(value: unknown): unknown {
  if (value instanceof Error) return cleanText(value.message, FIELD_LENGTH_MAX);
  return typeof value === 'string' ? cleanText(value, FIELD_LENGTH_MAX) : value;
}
