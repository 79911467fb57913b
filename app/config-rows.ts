/** The options as rows, for `monsoon config` and the settings of the page. */
import { OPTION_NAMES, OPTIONS, type OptionName, type Origin, type Resolved } from '../config/index.ts';

/** One row of `config --json`. */
export interface ConfigRow {
  readonly name: OptionName;
  readonly value: unknown;
  readonly origin: Origin;
  readonly help: string;
}

/** Every option with its value and where it came from, in the order of the table. */
export function configRows({ config, origins }: Resolved): readonly ConfigRow[] {
  return OPTION_NAMES.map((name) => ({ name, value: config[name], origin: origins[name], help: OPTIONS[name].help }));
}
