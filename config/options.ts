/**
 * The option table: the one source of every option's type, default, flag, variable, file key and help text.
 * The parser, the environment, `monsoon config` and docs/CONFIG.md are all made from it.
 */

import { NETWORK_NAME } from './network-name.ts';
import { RATE_OR_EMPTY } from './rate.ts';

/** What texts must look like, by name. */
export const PATTERNS: Readonly<Record<PatternName, RegExp>> = {
  bind: /^[^\0-\x1f/]{1,64}$/,
  networkName: NETWORK_NAME,
  hostPort: /^(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]{0,252}))(?::[0-9]{1,5})?$/i,
  ipPortOrEmpty: /^$|^(?:\[[0-9a-f:.]+\]|[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[0-9]{1,5})?$/i,
  domainOrEmpty: /^$|^[a-z0-9](?:[a-z0-9.-]{0,252})$/i,
  path: /^[^\0]{0,4096}$/,
  rateOrEmpty: RATE_OR_EMPTY,
};
type PatternName = 'bind' | 'networkName' | 'hostPort' | 'ipPortOrEmpty' | 'domainOrEmpty' | 'path' | 'rateOrEmpty';

interface OptionBase {
  /** The command-line flag with its placeholder. */
  readonly flag: string;
  readonly help: string;
}
export interface IntegerOption extends OptionBase {
  readonly kind: 'integer';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}
export interface TextOption extends OptionBase {
  readonly kind: 'text';
  readonly default: string;
  /** The name of the pattern in PATTERNS that each value must match. */
  readonly pattern: PatternName;
}
export interface ChoiceOption extends OptionBase {
  readonly kind: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
}
export interface SwitchOption extends OptionBase {
  readonly kind: 'switch';
  readonly default: boolean;
}
export interface ListOption extends OptionBase {
  readonly kind: 'list';
  readonly default: readonly string[];
  readonly pattern: PatternName;
  readonly itemsMax: number;
}
export type Option = IntegerOption | TextOption | ChoiceOption | SwitchOption | ListOption;

/** Every option monsoon has. Keys are the names in config.toml; the variable is MONSOON_ + SCREAMING_SNAKE. */
// biome-ignore format: one option a line is a table; wrapped it is not
export const OPTIONS = {
  port: { kind: 'integer', flag: '--port <number>', default: 7373, min: 0, max: 65_535, help: 'TCP and UDP port of this node; 0 picks a free one' },
  bind: { kind: 'text', flag: '--bind <address>', default: '::', pattern: 'bind', help: 'the address or interface to use for everything, and no other; :: means every address' },
  portMapping: { kind: 'choice', flag: '--port-mapping <way>', default: 'auto', choices: ['auto', 'pcp', 'nat-pmp', 'upnp', 'off'], help: 'how the router is asked to pass the port on: one way, all in turn (auto) or none (off)' },
  role: { kind: 'choice', flag: '--role <role>', default: 'auto', choices: ['client', 'auto', 'supernode'], help: 'whether this node serves others: a client never, auto when it is elected, a supernode is elected first' },
  network: { kind: 'text', flag: '--network <name>', default: 'monsoon', pattern: 'networkName', help: 'the name of the network to be part of' },
  bootstrap: { kind: 'list', flag: '--bootstrap <host:port>', default: [], pattern: 'hostPort', itemsMax: 50, help: 'a node to join by; may be given more than once' },
  dnsServer: { kind: 'text', flag: '--dns-server <address:port>', default: '', pattern: 'ipPortOrEmpty', help: 'the DNS server to ask for bootstrap names; empty means those of the system' },
  zone: { kind: 'text', flag: '--zone <name>', default: '', pattern: 'domainOrEmpty', help: 'the DNS zone this node answers for' },
  dnsPort: { kind: 'integer', flag: '--dns-port <number>', default: 53, min: 0, max: 65_535, help: 'port of the DNS responder; 0 picks a free one' },
  dnsTtl: { kind: 'integer', flag: '--dns-ttl <seconds>', default: 60, min: 5, max: 86_400, help: 'how long resolvers may keep what the zone says' },
  dnsRate: { kind: 'integer', flag: '--dns-rate <number>', default: 200, min: 0, max: 1_000_000, help: 'most DNS answers a second over UDP to one /24 or /48 that has proved nothing; 0 means any number' },
  dnsSecondaries: { kind: 'list', flag: '--dns-secondary <ip:port>', default: [], pattern: 'hostPort', itemsMax: 16, help: 'a name server that may fetch the zone and is told of changes' },
  dnsKeyFile: { kind: 'text', flag: '--dns-key-file <file>', default: '', pattern: 'path', help: 'file with one line hmac-sha256:NAME:SECRET; who signs with this key may fetch the zone too' },
  allowLocal: { kind: 'switch', flag: '--allow-local', default: false, help: 'dial loopback and private addresses (development and tests)' },
  encryption: { kind: 'choice', flag: '--encryption <policy>', default: 'prefer', choices: ['require', 'prefer', 'off'], help: 'of peer links: require means TLS or RC4, prefer takes plain ones where a peer has no other, off opens plain ones' },
  encryptionIn: { kind: 'choice', flag: '--encryption-in <policy>', default: 'same', choices: ['same', 'require', 'prefer', 'off'], help: 'the same for links that peers open, when it is to differ' },
  encryptionOut: { kind: 'choice', flag: '--encryption-out <policy>', default: 'same', choices: ['same', 'require', 'prefer', 'off'], help: 'the same for links that this node opens' },
  webCertificate: { kind: 'text', flag: '--web-certificate <file>', default: '', pattern: 'path', help: 'PEM file of the certificate that browsers are shown on the port, chain included; empty means one made at each start' },
  webKey: { kind: 'text', flag: '--web-key <file>', default: '', pattern: 'path', help: 'PEM file of its key, which is no Ed25519 key' },
  downloadDir: { kind: 'text', flag: '--download-dir <dir>', default: '', pattern: 'path', help: 'where downloads go; empty means Downloads/monsoon in your home' },
  linksMax: { kind: 'integer', flag: '--links-max <number>', default: 400, min: 1, max: 4000, help: 'most peer links of the whole node' },
  linksPerTorrentMax: { kind: 'integer', flag: '--links-per-torrent-max <number>', default: 80, min: 1, max: 200, help: 'most peer links of one torrent' },
  uploadSlots: { kind: 'integer', flag: '--upload-slots <number>', default: 8, min: 1, max: 200, help: 'most peers of one torrent that are unchoked at a time' },
  downLimit: { kind: 'text', flag: '--down-limit <rate>', default: '', pattern: 'rateOrEmpty', help: 'most bytes per second that all downloads take together, as 500K or 2M; empty means no limit, 0 stops them' },
  upLimit: { kind: 'text', flag: '--up-limit <rate>', default: '', pattern: 'rateOrEmpty', help: 'most bytes per second that all uploads take together; tracking is counted apart' },
  downloadsMax: { kind: 'integer', flag: '--downloads-max <number>', default: 8, min: 0, max: 10_000, help: 'most downloads that run at a time, the others wait in a queue; 0 means any number' },
  dht: { kind: 'switch', flag: '--dht', default: false, help: 'take part in the Mainline DHT' },
  dhtBootstrap: { kind: 'list', flag: '--dht-bootstrap <host:port>', default: [], pattern: 'hostPort', itemsMax: 20, help: 'a Mainline DHT node to start from, on port 6881 where none is given; who names none waits until others ask it' },
  lan: { kind: 'switch', flag: '--lan', default: true, help: 'find nodes of the same network on the local network, and be found there' },
  lsd: { kind: 'switch', flag: '--lsd', default: false, help: 'call out torrents on the local network, in clear, to find peers there' },
  trackingBytesPerSecond: { kind: 'integer', flag: '--tracking-bytes <number>', default: 60_000, min: 1000, max: 2_000_000_000, help: 'most bytes per second spent on tracking' },
  trackingHashes: { kind: 'integer', flag: '--tracking-hashes <number>', default: 200_000, min: 1, max: 10_000_000, help: 'most info hashes tracked' },
  trackingPeers: { kind: 'integer', flag: '--tracking-peers <number>', default: 1_000_000, min: 1, max: 50_000_000, help: 'most peers tracked' },
  listingRows: { kind: 'integer', flag: '--listing-rows <number>', default: 200_000, min: 1000, max: 10_000_000, help: 'most rows of the listing that are kept, about 300 bytes each on disk and 50 in memory' },
  listingBytesPerSecond: { kind: 'integer', flag: '--listing-bytes <number>', default: 125_000, min: 1000, max: 2_000_000_000, help: 'most bytes per second that keeping the listing up to date takes' },
  listingWorkPercent: { kind: 'integer', flag: '--listing-work <percent>', default: 25, min: 1, max: 100, help: 'most of one processor that keeping the listing up to date takes' },
  logLevel: { kind: 'choice', flag: '--log-level <level>', default: 'info', choices: ['debug', 'info', 'warn', 'error'], help: 'how much goes to the log' },
} as const;

export type OptionName = keyof typeof OPTIONS;
type ValueOf<O> = O extends { kind: 'integer' }
  ? number
  : O extends { kind: 'choice'; choices: readonly (infer Choice)[] }
    ? Choice
    : O extends { kind: 'switch' }
      ? boolean
      : O extends { kind: 'list' }
        ? readonly string[]
        : string;
/** Every option with its value. */
export type Config = { readonly [Name in OptionName]: ValueOf<(typeof OPTIONS)[Name]> };

export const OPTION_NAMES: readonly OptionName[] = Object.keys(OPTIONS) as OptionName[];

/** The encryption policy for each direction. */
export function encryptionOf(config: Config): Record<'in' | 'out', Config['encryption']> {
  const { encryption, encryptionIn, encryptionOut } = config;
  return {
    in: encryptionIn === 'same' ? encryption : encryptionIn,
    out: encryptionOut === 'same' ? encryption : encryptionOut,
  };
}

/** The environment variable of an option: `dnsPort` is MONSOON_DNS_PORT. */
export function variableOf(name: OptionName): string {
  return `MONSOON_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
