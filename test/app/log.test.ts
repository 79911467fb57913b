import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LOG_BYTES_MAX, openLog, openLogFile } from '../../app/log.ts';
import { readableLogLine } from '../../app/show/log-line.ts';
import { placeFor } from './place.ts';

test('a log line is one line of JSON, cleaned, without secrets, and only when it is grave enough', () => {
  const lines: string[] = [];
  const log = openLog('info', { write: (line) => void lines.push(line) });
  log.debug('not this');
  log.warn('a peer went', { name: 'x\u202ey\n\u001b[2Jz', token: 'abc', error: new Error('gone\r'), peers: 3 });
  assert.equal(lines.length, 1);
  const { time, ...entry } = JSON.parse(lines[0]!);
  assert.ok(time > 0);
  const fields = { name: 'xy [2Jz', token: '[Redacted]', error: 'gone', peers: 3 };
  assert.deepEqual(entry, { level: 'warn', ...fields, msg: 'a peer went' });
});

test('a person reads time, level, sentence and values; what is no log line stays as it is', () => {
  const line = JSON.stringify({ level: 'info', time: 0, port: 80, name: 'a', msg: 'it serves' });
  assert.match(readableLogLine(line), /^\d\d:\d\d:\d\d info {2}it serves port=80 name=a$/);
  assert.equal(readableLogLine('    at stack (x.ts:1)\n'), '    at stack (x.ts:1)');
});

test('a log file that has reached its bound becomes the older generation', (t) => {
  const path = join(placeFor(t).root, 'monsoon.log');
  writeFileSync(path, Buffer.alloc(LOG_BYTES_MAX + 1));
  const sink = openLogFile(path);
  sink.write('first\n');
  sink.write('second\n');
  assert.equal(statSync(path).size, 'first\nsecond\n'.length);
  assert.equal(statSync(`${path}.1`).size, LOG_BYTES_MAX + 1);
  assert.equal(statSync(path).mode & 0o077, 0);
});
