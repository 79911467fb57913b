/**
 * How fast seeders fill one leecher, ours and other people's clients interleaved in one run (docs/BENCH.md). Prints one
 * JSON line per row: medians, and ratios to the fastest client that is not ours in the same run. Linux, root.
 * Options: --runs N (5), --mib N (1024), --piece-mib N (1, a power of two), --rows NAME,NAME (all that are installed),
 * --encryption plain,rc4,tls, --seeders 1,4, --disturbed (keep runs in which other processes used the cores: to see that it
 * works, never to compare).
 */
import { parseArgs } from 'node:util';
import { textOfError } from '../src/base/index.ts';
import { writeRandomFile } from '../test/interop/content.ts';
import { TestBed } from '../test/interop/test-bed.ts';
import { machineFacts, median, shareAmongThreads } from './machine.ts';
import { installedRows, type Row, type RowEncryption } from './transfer-rows.ts';
import { layTrack, type Measurement, measureTransfer, type Track } from './transfer-run.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const OTHERS_CORES_MAX = 0.1;
/** Transfers that other processes disturbed are measured again, up to this many times the runs wanted. */
const ATTEMPTS_PER_RUN_MAX = 3;

interface Result {
  readonly row: Row;
  readonly kept: Measurement[];
  discarded: number;
  /** Why there will be no more of it: the others are measured all the same. */
  failure: string | undefined;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    mib: { type: 'string', default: '1024' },
    'piece-mib': { type: 'string', default: '1' },
    rows: { type: 'string' },
    encryption: { type: 'string' },
    seeders: { type: 'string' },
    disturbed: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const size = Number(values.mib) * MIB;
const pieceMib = Number(values['piece-mib']);

function isWanted({ name, encryption, seeders }: Row): boolean {
  const isAmong = (list: string | undefined, value: string): boolean => list?.split(',').includes(value) ?? true;
  return isAmong(values.rows, name) && isAmong(values.encryption, encryption) && isAmong(values.seeders, `${seeders}`);
}

/** Measures every row once per round, so that what changes on the machine changes for all. */
async function measureAll(rows: readonly Row[]): Promise<readonly Result[]> {
  const removals: (() => unknown)[] = [shareAmongThreads()];
  const bed = await TestBed.create({ after: (remove) => removals.push(remove as () => unknown) });
  try {
    if (!bed.isInMemory) throw new Error('/dev/shm is too small: the disk would be measured');
    const parent = await bed.directory('content');
    await writeRandomFile(`${parent}/random`, size, 1);
    const seedersMax = Math.max(...rows.map(({ seeders }) => seeders));
    const track = await layTrack(bed, { parent, name: 'random', size }, seedersMax, pieceMib * MIB);
    const results = rows.map((row): Result => ({ row, kept: [], discarded: 0, failure: undefined }));
    for (let attempt = 0; attempt < runs * ATTEMPTS_PER_RUN_MAX; attempt++) {
      for (const result of results) {
        if (result.kept.length < runs && result.failure === undefined) await measureOnce(track, result);
      }
    }
    return results;
  } finally {
    for (const remove of removals) await remove();
  }
}

async function measureOnce(track: Track, result: Result): Promise<void> {
  try {
    const measurement = await measureTransfer(track, result.row);
    console.error(progressLine(result.row, measurement));
    if (measurement.coresUsedByOthers > OTHERS_CORES_MAX && !values.disturbed) result.discarded++;
    else result.kept.push(measurement);
  } catch (error) {
    result.failure = textOfError(error);
    console.error(`${result.row.name} ${result.row.encryption} x${result.row.seeders}: ${result.failure}`);
  }
}

/** A run takes minutes: whoever waits sees that it goes on. */
function progressLine({ name, encryption, seeders }: Row, { seconds, coresUsedByOthers }: Measurement): string {
  const rate = Math.round(size / MIB / seconds);
  return `${name} ${encryption} x${seeders}: ${rate} MiB/s, ${coresUsedByOthers.toFixed(2)} cores used by others`;
}

const rateOf = ({ kept }: Result): number => size / MIB / median(kept.map(({ seconds }) => seconds));

/** How a rate compares with the fastest peer's that hides its bytes so; undefined where none was measured. */
function ofFastest(result: Result, encryption: RowEncryption, seeders: number): number | undefined {
  const rates = results
    .filter(
      ({ row, kept }) => row.isPeer && row.encryption === encryption && row.seeders === seeders && kept.length > 0,
    )
    .map(rateOf);
  return rates.length > 0 ? Number((rateOf(result) / Math.max(...rates)).toFixed(2)) : undefined;
}

/** The medians of a row; nothing where every run was disturbed. */
function figuresOf(result: Result): object {
  const { kept, row } = result;
  if (kept.length === 0) return {};
  const of = (take: (measurement: Measurement) => number, digits = 2): number =>
    Number(median(kept.map(take)).toFixed(digits));
  const isTls = row.encryption === 'tls';
  return {
    mibPerSecond: Math.round(rateOf(result)),
    ofFastestPeer: isTls ? undefined : ofFastest(result, row.encryption, row.seeders),
    ofFastestPlainPeer: isTls ? ofFastest(result, 'plain', row.seeders) : undefined,
    ofFastestRc4Peer: isTls ? ofFastest(result, 'rc4', 1) : undefined,
    msToFirstBlocks: of((run) => run.msToFirstBlocks, 0),
    leecherCpuSecondsPerGib: of((run) => (run.leecherCpuSeconds * GIB) / size),
    seederCpuSecondsPerGib: of((run) => (run.seederCpuSeconds * GIB) / size),
    leecherPeakRssMib: of((run) => run.leecherMemory.peakRssBytes / MIB, 0),
    seederPeakRssMib: of((run) => run.seederMemory.peakRssBytes / MIB, 0),
    leecherAnonymousMib: of((run) => run.leecherMemory.anonymousRssBytes / MIB, 0),
    seederAnonymousMib: of((run) => run.seederMemory.anonymousRssBytes / MIB, 0),
  };
}

console.log(JSON.stringify({ bench: 'transfer', machine: machineFacts() }));
const results = await measureAll((await installedRows()).filter(isWanted));
for (const result of results) {
  const { row, kept, discarded, failure } = result;
  const { name, encryption, seeders } = row;
  const said = {
    bench: 'transfer',
    row: name,
    encryption,
    seeders,
    mib: size / MIB,
    pieceMib,
    runs: kept.length,
    discarded,
  };
  const failed = failure?.split('\n')[0];
  console.log(JSON.stringify({ ...said, failed, ...figuresOf(result) }));
}
