// A process that touches three pieces, claims one of them, and saves, each with the journal of its own.
import type { InfoHash } from '../../src/base/index.ts';
import { ResumeFile } from '../../src/io/resume-file.ts';
import { NO_WISHES } from '../../src/torrent/index.ts';

const [directory, infoHash] = process.argv.slice(2) as [string, InfoHash];
const resume = new ResumeFile(directory, infoHash);
const snapshot = {
  ...{ metainfo: undefined, magnet: '', directory, sourcePaths: [], wishes: NO_WISHES },
  ...{ modifiedMs: [], addedSeconds: 0, completedSeconds: 0 },
};
await resume.save({ ...snapshot, have: Uint8Array.of(0) });
for (const piece of [0, 1, 2]) resume.touched(piece);
resume.claimed([0]);
process.stdout.write('touched\n');
await resume.save({ ...snapshot, have: Uint8Array.of(0x80) });
