/**
 * The adapter of the parse-torrent package: it takes magnets and the remarks of torrent files apart. It trusts its
 * input (it throws, allocates for a range, and takes any text for a hash), so it sees only what src/torrent checked
 * and rewrote, and src/torrent types what it returns. Info dictionaries never reach it: it would hash a re-encoding.
 */
import { registerHooks } from 'node:module';
import { type Fault, fault, isFault } from '../base/index.ts';
import {
  checkMagnet,
  type Magnet,
  type MagnetFault,
  type Metainfo,
  type MetainfoFault,
  magnetOf,
  metainfoSteps,
  type Remarks,
  remarksOf,
} from '../torrent/index.ts';
import { sha1 } from './hash.ts';
import { inTurns } from './in-turns.ts';

/** What it fetches torrents from the web with, which we never let it do; the runtime's second HTTP client comes with it. */
const ITS_HTTP_CLIENT = 'cross-fetch-ponyfill';
const parseTorrent = await loadPackage();

/** Reads a magnet link (BEP 9, 53). */
export async function parseMagnet(text: string): Promise<Magnet | MagnetFault> {
  const checked = checkMagnet(text);
  if (isFault(checked)) return checked;
  const parsed = await partsOf(checked.link);
  return isFault(parsed) ? fault('magnet-malformed', parsed.text) : magnetOf(parsed, checked.name);
}

/** Reads a torrent file of at most METAINFO_BYTES_MAX bytes, with what its author wrote for people. */
export async function parseTorrentFile(bytes: Uint8Array): Promise<(Metainfo & Remarks) | MetainfoFault> {
  const metainfo = await inTurns(metainfoSteps(bytes, sha1));
  if (isFault(metainfo)) return metainfo;
  const parsed = await partsOf(metainfo.remarks);
  return isFault(parsed) ? metainfo : { ...metainfo, ...remarksOf(parsed) };
}

async function loadPackage(): Promise<(torrent: string | Uint8Array) => Promise<unknown>> {
  const hooks = registerHooks({
    resolve: (name, context, next) =>
      name === ITS_HTTP_CLIENT
        ? { url: 'data:text/javascript,export default undefined', format: 'module', shortCircuit: true }
        : next(name, context),
  });
  try {
    return (await import('parse-torrent')).default;
  } finally {
    hooks.deregister();
  }
}

async function partsOf(checked: string | Uint8Array): Promise<unknown> {
  try {
    return await parseTorrent(checked);
  } catch (error) {
    return packageFault(error);
  }
}

function packageFault(error: unknown): Fault<'unreadable'> {
  return fault('unreadable', error instanceof Error ? error.message : String(error));
}
