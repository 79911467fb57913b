/** `dns`: what the zone of this node says, and how to have it served: by the parent's delegation, or from a file. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { zoneFile } from '../../dns/index.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { writeFileAtomically } from '../../src/io/atomic-file.ts';
import type { ControlClient } from '../control/client.ts';
import type { ZoneReport } from '../running-node.ts';
import { type Column, formatFacts } from '../show/table.ts';
import { answer, tableOf } from './answer.ts';
import { withClient } from './daemon-process.ts';
import { type Call, type CliContext, EXIT, type ExitCode, type Verb } from './verb.ts';

const EVERY_MIN_SECONDS = 1;
const EVERY_MAX_SECONDS = 86_400;
const FILE_MODE = 0o644;

export const dns: Verb = {
  name: 'dns',
  parameters: ['<records|zone|export>', '[file]'],
  summary: 'show the DNS zone of this node, or write it as a file for another name server',
  options: [
    { name: 'every', flag: '--every <seconds>', help: 'with export: write the file again when the zone changed' },
  ],
  run(call, context) {
    const [order] = call.arguments;
    const every = everyOf(call);
    return withClient(context, async (client) => {
      if (order === 'records') return showRecords(call, context, await client.zone());
      if (order === 'zone') return showZone(call, context, await client.zone());
      if (order === 'export') return exportZone(call, context, client, every);
      throw new MonsoonError('usage', `expected records, zone or export, not ${JSON.stringify(order)}.`);
    });
  },
};

const COLUMNS: readonly Column[] = [
  { title: 'Name' },
  { title: 'TTL', isNumber: true },
  { title: 'Type' },
  { title: 'Data', shrinks: true },
];

function showRecords(call: Call, context: CliContext, { records }: ZoneReport): ExitCode {
  const rows = records.map(({ name, ttlSeconds, type, data }) => [name, String(ttlSeconds), type, data]);
  return answer(call, context, records, () => tableOf(context, COLUMNS, rows));
}

function showZone(call: Call, context: CliContext, report: ZoneReport): ExitCode {
  const { records: _records, ...facts } = report;
  return answer(call, context, facts, () =>
    formatFacts([
      ['Zone', report.zone],
      ['Port', String(report.port)],
      ['Serial', String(report.serial)],
      ['TTL', `${report.ttlSeconds} s`],
      ['Supernodes', String(report.supernodes)],
      ...report.nameServers.map((name): [string, string] => ['Name server', name]),
      // What whoever owns the parent's zone has to enter there.
      ...report.delegation.map((line): [string, string] => ['In the parent', line]),
    ]),
  );
}

async function exportZone(
  call: Call,
  context: CliContext,
  client: ControlClient,
  everySeconds: number | undefined,
): Promise<ExitCode> {
  const [, file] = call.arguments;
  if (file === undefined) {
    if (everySeconds !== undefined) throw new MonsoonError('usage', '--every needs a file to write to.');
    context.data.write(zoneFile((await client.zone()).records));
    return EXIT.ok;
  }
  const path = resolve(context.cwd, file);
  let written: number | undefined;
  for (;;) {
    const { serial, records } = await client.zone();
    if (serial !== written) {
      await writeFileAtomically(path, Buffer.from(zoneFile(records)), { mode: FILE_MODE });
      answer(call, context, { file: path, serial }, () => `${path} has serial ${serial}.\n`);
    }
    written = serial;
    if (everySeconds === undefined) return EXIT.ok;
    await sleep(everySeconds * 1000, undefined, { signal: context.interrupt });
  }
}

function everyOf({ options }: Call): number | undefined {
  const { every } = options;
  if (typeof every !== 'string') return undefined;
  const seconds = /^[0-9]{1,5}$/.test(every) ? Number(every) : 0;
  if (seconds >= EVERY_MIN_SECONDS && seconds <= EVERY_MAX_SECONDS) return seconds;
  throw new MonsoonError('usage', `--every: expected 1 to ${EVERY_MAX_SECONDS} seconds, not ${JSON.stringify(every)}.`);
}
