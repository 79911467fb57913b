/**
 * The options as the page shows and changes them: what holds now, and what the file gives at the next start. What can
 * change while the node runs is changed too. A value is checked by the option table, like one on the command line.
 */
import {
  expectation,
  OPTION_NAMES,
  OPTIONS,
  type Option,
  type OptionName,
  parseOptionValue,
  parseRate,
  type Resolved,
} from '../../config/index.ts';
import { MonsoonError } from '../../src/base/index.ts';
import { loadConfig, setConfigValue } from '../config-file.ts';
import { type ConfigRow, configRows } from '../config-rows.ts';
import type { Home } from '../home.ts';
import type { RunningNode, WantedRole } from '../running-node.ts';

/** One option on the page. */
export interface SettingRow extends ConfigRow {
  /** What holds after the next plain start. */
  readonly next: unknown;
}

/** New values as texts, by option name. */
export type SettingChanges = Readonly<Record<string, string>>;

export class Settings {
  readonly #node: RunningNode;
  readonly #home: Home;
  readonly #resolved: Resolved;
  /** What was changed while the node ran. */
  readonly #now = new Map<OptionName, unknown>();

  constructor(node: RunningNode, home: Home, resolved: Resolved) {
    this.#node = node;
    this.#home = home;
    this.#resolved = resolved;
  }

  /** Every option, in the order of the table. */
  async rows(): Promise<readonly SettingRow[]> {
    const { config } = await loadConfig(this.#home, { flags: {}, environment: {} });
    return configRows(this.#resolved).map((row) => ({
      ...row,
      value: this.#now.has(row.name) ? this.#now.get(row.name) : row.value,
      next: config[row.name],
    }));
  }

  /** Writes the file, and changes what can be changed at once; rejects with a MonsoonError (`usage`) and changes nothing when a value is wrong. */
  async change(changes: SettingChanges): Promise<readonly SettingRow[]> {
    const values = Object.entries(changes).map(([name, text]) => [optionName(name), checkedValue(name, text)] as const);
    for (const [name, value] of values) {
      await setConfigValue(this.#home.configFile, name, value);
      if (this.#apply(name, value)) this.#now.set(name, value);
    }
    return this.rows();
  }

  /** True when the running node has taken it up. */
  #apply(name: OptionName, value: unknown): boolean {
    switch (name) {
      case 'downLimit':
        this.#node.limit({ down: parseRate(String(value)) ?? null });
        return true;
      case 'upLimit':
        this.#node.limit({ up: parseRate(String(value)) ?? null });
        return true;
      case 'role':
        this.#node.volunteer(value as WantedRole);
        return true;
      case 'trackingBytesPerSecond':
        this.#node.cap({ trackingBytesPerSecond: value as number });
        return true;
      case 'trackingHashes':
        this.#node.cap({ hashes: value as number });
        return true;
      case 'trackingPeers':
        this.#node.cap({ peers: value as number });
        return true;
      default:
        return false;
    }
  }
}

function optionName(text: string): OptionName {
  const name = OPTION_NAMES.find((each) => each === text);
  if (!name) throw new MonsoonError('usage', `There is no option "${text.slice(0, 40)}".`);
  return name;
}

function checkedValue(name: string, text: string) {
  const option: Option = OPTIONS[optionName(name)];
  const value = parseOptionValue(option, text);
  if (value === undefined) {
    throw new MonsoonError('usage', `${name}: ${expectation(option)}, not ${JSON.stringify(text.slice(0, 100))}.`);
  }
  return value;
}
