/**
 * How fast one seeder fills one leecher, ours and other people's clients interleaved in one run (docs/BENCH.md).
 * Prints one JSON line per row: medians, and the ratio of rates to rtorrent's. Linux, root.
 * Options: --runs N (5), --mib N (1024), --rows NAME,NAME (all that are installed), --disturbed (keep runs in which
 * other processes used the cores: to see that it works, never to compare).
 */
import { parseArgs } from 'node:util';
import { aria2 } from '../test/interop/clients/aria2.ts';
import type { ClientKind } from '../test/interop/clients/client.ts';
import { monsoonAlone, monsoonWith } from '../test/interop/clients/monsoon.ts';
import { rtorrent } from '../test/interop/clients/rtorrent.ts';
import { writeRandomFile } from '../test/interop/content.ts';
import { TestBed } from '../test/interop/test-bed.ts';
import { isInstalled } from '../test/require.ts';
import { machineFacts, median } from './machine.ts';
import { layTrack, type Measurement, measureTransfer } from './transfer-run.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const OTHERS_CORES_MAX = 0.1;
/** Transfers that other processes disturbed are measured again, up to this many times the runs wanted. */
const ATTEMPTS_PER_RUN_MAX = 3;
const REFERENCE = 'rtorrent';

interface Row {
  readonly name: string;
  readonly encryption: 'plain' | 'tls';
  readonly seeder: ClientKind;
  readonly leecher: ClientKind;
}
const rowOf = (kind: ClientKind, encryption: Row['encryption']): Row => ({
  name: kind.name,
  encryption,
  seeder: kind,
  leecher: kind,
});
const ROWS: readonly Row[] = [
  rowOf(monsoonWith({ encryption: 'off' }), 'plain'),
  rowOf(monsoonAlone, 'tls'),
  rowOf(rtorrent, 'plain'),
  rowOf(aria2, 'plain'),
];

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    mib: { type: 'string', default: '1024' },
    rows: { type: 'string' },
    disturbed: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const size = Number(values.mib) * MIB;
const isWanted = ({ name, seeder, leecher }: Row): boolean =>
  (values.rows?.split(',').includes(name) ?? true) && [seeder, leecher].every((kind) => isInstalled(kind.requires));

/** Measures every row once per round, so that what changes on the machine changes for all. */
async function measureAll(rows: readonly Row[]): Promise<Map<Row, { kept: Measurement[]; discarded: number }>> {
  const removals: (() => unknown)[] = [];
  const bed = await TestBed.create({ after: (remove) => removals.push(remove as () => unknown) });
  try {
    if (!bed.isInMemory) throw new Error('/dev/shm is too small: the disk would be measured');
    const parent = await bed.directory('content');
    await writeRandomFile(`${parent}/random`, size, 1);
    const track = await layTrack(bed, { parent, name: 'random', size });
    const results = new Map(rows.map((row) => [row, { kept: [] as Measurement[], discarded: 0 }]));
    for (let attempt = 0; attempt < runs * ATTEMPTS_PER_RUN_MAX; attempt++) {
      for (const [row, result] of results) {
        if (result.kept.length === runs) continue;
        const measurement = await measureTransfer(track, row);
        if (measurement.coresUsedByOthers > OTHERS_CORES_MAX && !values.disturbed) result.discarded++;
        else result.kept.push(measurement);
      }
    }
    return results;
  } finally {
    for (const remove of removals) await remove();
  }
}

console.log(JSON.stringify({ bench: 'transfer', machine: machineFacts() }));
const results = await measureAll(ROWS.filter(isWanted));
const rateOf = (kept: readonly Measurement[]): number => size / MIB / median(kept.map(({ seconds }) => seconds));
const reference = [...results].find(([{ name }]) => name === REFERENCE)?.[1].kept ?? [];
for (const [{ name, encryption }, { kept, discarded }] of results) {
  const of = (take: (measurement: Measurement) => number, digits = 2): number =>
    Number(median(kept.map(take)).toFixed(digits));
  const row = {
    bench: 'transfer',
    row: name,
    encryption,
    mib: size / MIB,
    runs: kept.length,
    discarded,
    ...(kept.length > 0 && {
      mibPerSecond: Math.round(rateOf(kept)),
      ofRtorrent: reference.length > 0 ? Number((rateOf(kept) / rateOf(reference)).toFixed(2)) : null,
      leecherCpuSecondsPerGib: of((run) => (run.leecherCpuSeconds * GIB) / size),
      seederCpuSecondsPerGib: of((run) => (run.seederCpuSeconds * GIB) / size),
      leecherPeakRssMib: of((run) => run.leecherMemory.peakRssBytes / MIB, 0),
      seederPeakRssMib: of((run) => run.seederMemory.peakRssBytes / MIB, 0),
      leecherAnonymousMib: of((run) => run.leecherMemory.anonymousRssBytes / MIB, 0),
      seederAnonymousMib: of((run) => run.seederMemory.anonymousRssBytes / MIB, 0),
    }),
  };
  console.log(JSON.stringify(row));
}
