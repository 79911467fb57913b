/**
 * Who is measured against whom: every client as both ends of a transfer, by how its bytes are hidden and from how many
 * seeders they come. Two nodes of ours speak RC4 to each other only where the network lets no TLS through; that is
 * measured there, and with rtorrent at either end.
 */
import { aria2 } from '../test/interop/clients/aria2.ts';
import type { ClientKind, ClientSettings } from '../test/interop/clients/client.ts';
import { hasLibtorrent, libtorrentTuned } from '../test/interop/clients/libtorrent.ts';
import { monsoonAlone, monsoonWith } from '../test/interop/clients/monsoon.ts';
import { rtorrent } from '../test/interop/clients/rtorrent.ts';
import { transmission } from '../test/interop/clients/transmission.ts';
import { TLS_RESET_PROGRAM } from '../test/interop/tls-reset.ts';
import { isInstalled } from '../test/require.ts';

export type RowEncryption = 'plain' | 'rc4' | 'tls';

/** What one row measures; `name` is the client's, or seeder and leecher where they differ. */
export interface Row {
  readonly name: string;
  readonly encryption: RowEncryption;
  readonly seeders: number;
  readonly seeder: ClientKind;
  readonly leecher: ClientKind;
  /** Not ours at either end: what ours is compared with. */
  readonly isPeer: boolean;
  /** Whether the network hangs up on TLS. */
  readonly isTlsReset: boolean;
}

const SEEDERS_MANY = 4;
const STOCK: readonly ClientKind[] = [rtorrent, aria2, libtorrentTuned, transmission];
const STOCK_ENCRYPTION = { plain: 'off', rc4: 'require' } as const;

/** The rows whose programs are installed. */
export async function installedRows(): Promise<readonly Row[]> {
  const hasBinding = await hasLibtorrent();
  const isThere = (kind: ClientKind): boolean => isInstalled(kind.requires) && (kind !== libtorrentTuned || hasBinding);
  return [...ownRows(), ...STOCK.filter(isThere).flatMap(stockRows), ...(isThere(rtorrent) ? mixedRows() : [])];
}

function ownRows(): Row[] {
  const ways = [
    { kind: monsoonAlone, encryption: 'tls' },
    { kind: monsoonWith({ encryption: 'off' }), encryption: 'plain' },
  ] as const;
  const rows = [1, SEEDERS_MANY].flatMap((seeders) =>
    ways.map(({ kind, encryption }) => rowOf(kind, kind, encryption, seeders)),
  );
  const hidden = monsoonWith({ encryption: 'require' });
  return isInstalled(TLS_RESET_PROGRAM) ? [...rows, { ...rowOf(hidden, hidden, 'rc4', 1), isTlsReset: true }] : rows;
}

function stockRows(kind: ClientKind): Row[] {
  const [plain, rc4] = [speaking(kind, 'plain'), speaking(kind, 'rc4')];
  return [rowOf(plain, plain, 'plain', 1), rowOf(plain, plain, 'plain', SEEDERS_MANY), rowOf(rc4, rc4, 'rc4', 1)];
}

function mixedRows(): Row[] {
  const [ours, theirs] = [monsoonWith({ encryption: 'require' }), speaking(rtorrent, 'rc4')];
  return [rowOf(theirs, ours, 'rc4', 1), rowOf(ours, theirs, 'rc4', 1)];
}

function rowOf(seeder: ClientKind, leecher: ClientKind, encryption: RowEncryption, seeders: number): Row {
  const name = seeder === leecher ? seeder.name : `${seeder.name} to ${leecher.name}`;
  return { name, encryption, seeders, seeder, leecher, isPeer: !name.includes(monsoonAlone.name), isTlsReset: false };
}

/** The client with nothing but these links. */
function speaking(kind: ClientKind, encryption: keyof typeof STOCK_ENCRYPTION): ClientKind {
  return {
    ...kind,
    start: (place, settings: ClientSettings = {}) =>
      kind.start(place, { ...settings, encryption: STOCK_ENCRYPTION[encryption] }),
  };
}
