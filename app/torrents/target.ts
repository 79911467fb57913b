/** What a person means by "get this": a magnet, a hash or part of one, a .torrent file, or a listed name. */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { isFault, MonsoonError, parseInfoHash } from '../../src/base/index.ts';
import { wallNow } from '../../src/io/alarm-clock.ts';
import { type ListingStore, parseMagnet, parseTorrentFile } from '../../src/io/index.ts';
import type { Torrent } from '../../src/io/torrent.ts';
import type { TorrentSpec } from '../../src/io/torrent-spec.ts';
import type { Torrents } from '../../src/io/torrents.ts';
import { type Magnet, METAINFO_BYTES_MAX } from '../../src/torrent/index.ts';

/** Enough of a torrent to start it; peers are those a magnet names. */
export type Target = Pick<TorrentSpec, 'infoHash' | 'name' | 'info' | 'trackers' | 'webSeeds'> &
  Pick<Magnet, 'peers' | 'selectedFiles'>;

/**
 * Finds out what is meant; rejects with a MonsoonError that says what was looked for.
 * @param isToFetch a name means what is listed now, before what is here
 */
export async function resolveTarget(
  what: string,
  torrents: Torrents,
  store: ListingStore,
  isToFetch: boolean = false,
): Promise<Target> {
  if (/^magnet:/i.test(what)) return targetOfMagnet(what);
  if (/^[a-z]+:\/\//i.test(what)) {
    throw new MonsoonError('usage', 'Addresses are not fetched. Save the .torrent file there, and get the file.');
  }
  // A name may end like that too; whoever means a file says all of its path, for this process is in a folder of its own.
  if (/\.torrent$/i.test(what) && isAbsolute(what)) return targetOfFile(what);
  const infoHash = parseInfoHash(what);
  if (infoHash) return { infoHash, name: infoHash, info: undefined, trackers: [], webSeeds: [], peers: [] };
  const byHash = HASH_PREFIX.test(what) ? await byPrefix(what.toLowerCase(), torrents, store) : [];
  const found = byHash.length > 0 ? byHash : await byName(what, torrents, store, isToFetch);
  const [first] = found;
  if (!first) {
    throw new MonsoonError(
      'not-found',
      `Nothing listed or here matches "${what}". "monsoon list" and "monsoon ps" show what there is.`,
    );
  }
  if (found.length > 1) {
    throw notUnique(what, found);
  }
  return { infoHash: first.infoHash, name: first.name, info: undefined, trackers: [], webSeeds: [], peers: [] };
}

/** So few digits are enough where they are unique. */
const HASH_PREFIX = /^[0-9a-f]{4,39}$/i;

type Named = Pick<Target, 'infoHash' | 'name'>;

/** The torrent of this node that a hash, a unique part of one, or a name means; throws a MonsoonError otherwise. */
export function heldTorrent(what: string, torrents: Torrents): Torrent {
  const infoHash = parseInfoHash(what);
  const exact = infoHash && torrents.get(infoHash);
  if (exact) return exact;
  const prefix = what.toLowerCase();
  const byHash = HASH_PREFIX.test(what) ? torrents.all().filter(({ spec }) => spec.infoHash.startsWith(prefix)) : [];
  const found = byHash.length > 0 ? byHash : torrents.all().filter((torrent) => nameOf(torrent) === what);
  if (found.length === 1) return found[0]!;
  if (found.length > 1) throw notUnique(what, found.map(namedOf));
  throw new MonsoonError('not-found', `This node has no torrent ${what}. Run "monsoon ps".`);
}

async function byPrefix(prefix: string, torrents: Torrents, store: ListingStore): Promise<Named[]> {
  const listed: Named[] = await store.findByPrefix(prefix, wallNow());
  const held = torrents.all().filter(({ spec }) => spec.infoHash.startsWith(prefix));
  return onceEach([...held.map(namedOf), ...listed]);
}

async function byName(name: string, torrents: Torrents, store: ListingStore, isToFetch: boolean): Promise<Named[]> {
  const listed: Named[] = await store.findByName(name, wallNow());
  // What is here under that name may be what it was before it changed.
  if (isToFetch && listed.length === 1) return listed;
  const held = torrents.all().filter((torrent) => nameOf(torrent) === name);
  return onceEach([...held.map(namedOf), ...listed]);
}

function onceEach(named: readonly Named[]): Named[] {
  return [...new Map(named.map((each) => [each.infoHash, each])).values()];
}

function namedOf(torrent: Torrent): Named {
  return { infoHash: torrent.spec.infoHash, name: nameOf(torrent) };
}

/** A magnet may have had no name, or another one. */
function nameOf({ spec, info }: Torrent): string {
  return (info ?? spec).name;
}

function notUnique(what: string, found: readonly Named[]): MonsoonError {
  const choices = found.slice(0, 5).map((row) => `${row.infoHash}  ${row.name}`);
  return new MonsoonError(
    'usage',
    `"${what}" is not unique:\n${choices.join('\n')}\nUse one of these hashes, or enough of its digits.`,
  );
}

async function targetOfMagnet(text: string): Promise<Target> {
  const magnet = await parseMagnet(text);
  if (isFault(magnet)) throw new MonsoonError('usage', `That magnet link cannot be used: ${magnet.text}.`);
  const { infoHash, name = infoHash, trackers, webSeeds, peers, selectedFiles } = magnet;
  const tiers = trackers.map((tracker) => [tracker]);
  return { infoHash, name, info: undefined, trackers: tiers, webSeeds, peers, ...(selectedFiles && { selectedFiles }) };
}

async function targetOfFile(path: string): Promise<Target> {
  const file = await stat(path).catch((cause) => {
    throw new MonsoonError('not-found', `There is no file ${path}.`, cause);
  });
  if (file.size > METAINFO_BYTES_MAX) throw new MonsoonError('usage', `${path} is too large for a torrent file.`);
  return targetOfBytes(await readFile(path), path);
}

/** What the bytes of a torrent file describe; rejects with a MonsoonError that calls them by `name`. */
export async function targetOfBytes(bytes: Uint8Array, name: string): Promise<Target> {
  const metainfo = await parseTorrentFile(bytes);
  if (isFault(metainfo)) throw new MonsoonError('usage', `${name} cannot be used: ${metainfo.text}.`);
  const { info, trackers, webSeeds } = metainfo;
  return { infoHash: info.infoHash, name: info.name, info, trackers, webSeeds, peers: [] };
}
