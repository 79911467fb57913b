/**
 * The option table: the one source of every option's type, default, flag, variable, file key and help text.
 * The parser, the environment, `monsoon config` and docs/CONFIG.md are all made from it.
 */

interface OptionBase {
  /** Command-line flag with its placeholder, or undefined when only the file and the environment set it. */
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
  readonly pattern: RegExp;
}
export interface ChoiceOption<Choice extends string = string> extends OptionBase {
  readonly kind: 'choice';
  readonly default: Choice;
  readonly choices: readonly Choice[];
}
export interface SwitchOption extends OptionBase {
  readonly kind: 'switch';
  readonly default: boolean;
}
export interface ListOption extends OptionBase {
  readonly kind: 'list';
  readonly default: readonly string[];
  readonly pattern: RegExp;
  readonly itemsMax: number;
}
export type Option = IntegerOption | TextOption | ChoiceOption | SwitchOption | ListOption;

const integer = (flag: string, value: number, min: number, max: number, help: string): IntegerOption => ({
  kind: 'integer',
  flag,
  default: value,
  min,
  max,
  help,
});
const text = (flag: string, value: string, pattern: RegExp, help: string): TextOption => ({
  kind: 'text',
  flag,
  default: value,
  pattern,
  help,
});
const choice = <const Choice extends string>(
  flag: string,
  value: NoInfer<Choice>,
  choices: readonly Choice[],
  help: string,
): ChoiceOption<Choice> => ({ kind: 'choice', flag, default: value, choices, help });
const toggle = (flag: string, help: string): SwitchOption => ({ kind: 'switch', flag, default: false, help });
const list = (flag: string, pattern: RegExp, itemsMax: number, help: string): ListOption => ({
  kind: 'list',
  flag,
  default: [],
  pattern,
  itemsMax,
  help,
});

const HOST_PORT = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]{0,252}))(?::[0-9]{1,5})?$/i;

/** Every option monsoon has. Keys are the names in config.toml; the variable is MONSOON_ + SCREAMING_SNAKE. */
export const OPTIONS = {
  port: integer('--port <number>', 7373, 0, 65_535, 'TCP and UDP port of this node; 0 picks a free one'),
  bind: text('--bind <address>', '::', /^[0-9a-f:.]+$/i, 'address to listen on; :: means every address'),
  role: choice('--role <role>', 'auto', ['client', 'auto', 'supernode'], 'client, auto or supernode'),
  network: text('--network <name>', 'monsoon', /^[a-z0-9][a-z0-9._-]{0,31}$/, 'name of the network to be part of'),
  bootstrap: list('--bootstrap <host:port>', HOST_PORT, 50, 'a node to join by; may be given more than once'),
  zone: text('--zone <name>', '', /^$|^[a-z0-9](?:[a-z0-9.-]{0,252})$/i, 'DNS zone this node answers for'),
  dnsPort: integer('--dns-port <number>', 53, 0, 65_535, 'port of the DNS responder; 0 picks a free one'),
  allowLocal: toggle('--allow-local', 'dial loopback and private addresses (development and tests)'),
  downloadDir: text('--download-dir <dir>', '', /^[^\0]{0,4096}$/, 'where downloads go; empty means Downloads/monsoon'),
  linksMax: integer('--links-max <number>', 400, 1, 4000, 'most peer links of the whole node'),
  linksPerTorrentMax: integer('--links-per-torrent-max <number>', 80, 1, 200, 'most peer links of one torrent'),
  uploadSlots: integer('--upload-slots <number>', 8, 1, 200, 'peers of one torrent that are unchoked at a time'),
  dht: toggle('--dht', 'take part in the Mainline DHT'),
  dhtBootstrap: list('--dht-bootstrap <host:port>', HOST_PORT, 20, 'a Mainline DHT node to start from'),
  trackingBytesPerSecond: integer('--tracking-bytes <number>', 60_000, 1000, 2 ** 31, 'most bytes/s spent on tracking'),
  trackingHashes: integer('--tracking-hashes <number>', 200_000, 1, 10_000_000, 'most info hashes tracked'),
  trackingPeers: integer('--tracking-peers <number>', 1_000_000, 1, 50_000_000, 'most peers tracked'),
  logLevel: choice('--log-level <level>', 'info', ['debug', 'info', 'warn', 'error'], 'how much goes to the log'),
} as const;

export type OptionName = keyof typeof OPTIONS;
type ValueOf<O> = O extends { kind: 'integer' }
  ? number
  : O extends ChoiceOption<infer Choice>
    ? Choice
    : O extends { kind: 'switch' }
      ? boolean
      : O extends { kind: 'list' }
        ? readonly string[]
        : string;
/** Every option with its value. */
export type Config = { readonly [Name in OptionName]: ValueOf<(typeof OPTIONS)[Name]> };

export const OPTION_NAMES: readonly OptionName[] = Object.keys(OPTIONS) as OptionName[];

/** The environment variable of an option: `dnsPort` is MONSOON_DNS_PORT. */
export function variableOf(name: OptionName): string {
  return `MONSOON_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
