/** From four sources to one configuration: flag before variable before file before default, each value checked. */
import { type Config, OPTION_NAMES, OPTIONS, type Option, type OptionName, PATTERNS, variableOf } from './options.ts';

/** Where a value came from. */
export type Origin = 'flag' | 'environment' | 'file' | 'default';

export interface Sources {
  /** Values from the command line by option name. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The process environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The parsed config file. */
  readonly file: Readonly<Record<string, unknown>>;
}

export interface Resolved {
  readonly config: Config;
  readonly origins: Readonly<Record<OptionName, Origin>>;
  /** One line per wrong value or unknown key; when there is any, `config` holds the defaults in those places. */
  readonly problems: readonly string[];
}

/** Resolves every option; never throws. */
export function resolveConfig(sources: Sources): Resolved {
  const values: Record<string, unknown> = {};
  const origins = {} as Record<OptionName, Origin>;
  const problems = Object.keys(sources.file)
    .filter((key) => !Object.hasOwn(OPTIONS, key))
    .map((key) => `config file: there is no option "${key}"`);
  for (const name of OPTION_NAMES) {
    const option: Option = OPTIONS[name];
    const [given, origin] = firstGiven(name, sources);
    const value = given === undefined ? option.default : parseOptionValue(option, given);
    if (value === undefined) problems.push(`${origin} ${name}: ${expectation(option)}, not ${shown(given)}`);
    values[name] = value ?? option.default;
    origins[name] = value === undefined ? 'default' : origin;
  }
  return { config: values as Config, origins, problems };
}

/** Checks one value, given as text or typed; undefined when it is not one that the option takes. */
export function parseOptionValue(option: Option, given: unknown): Config[OptionName] | undefined {
  switch (option.kind) {
    case 'integer': {
      const value = typeof given === 'string' && /^[0-9]+$/.test(given) ? Number(given) : given;
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= option.min && value <= option.max
        ? value
        : undefined;
    }
    case 'switch':
      if (given === true || given === 'true' || given === '1' || given === 'on') return true;
      return given === false || given === 'false' || given === '0' || given === 'off' ? false : undefined;
    case 'choice':
      return option.choices.includes(given as string) ? (given as Config['role']) : undefined;
    case 'text':
      return typeof given === 'string' && PATTERNS[option.pattern].test(given) ? given : undefined;
    case 'list': {
      const items = typeof given === 'string' ? given.split(/[\s,]+/).filter((item) => item !== '') : given;
      if (!Array.isArray(items) || items.length > option.itemsMax) return undefined;
      return items.every((item) => typeof item === 'string' && PATTERNS[option.pattern].test(item)) ? items : undefined;
    }
  }
}

/** What an option takes, for an error text. */
export function expectation(option: Option): string {
  switch (option.kind) {
    case 'integer':
      return `expected a whole number from ${option.min} to ${option.max}`;
    case 'switch':
      return 'expected true or false';
    case 'choice':
      return `expected one of ${option.choices.join(', ')}`;
    case 'text':
      return `expected ${option.help}`;
    case 'list':
      return `expected at most ${option.itemsMax} of: ${option.help}`;
  }
}

/** Files hold dates and numbers of any size too. */
function shown(given: unknown): string {
  return typeof given === 'bigint' ? `${given}` : (JSON.stringify(given) ?? typeof given);
}

function firstGiven(name: OptionName, sources: Sources): [unknown, Origin] {
  const flag = sources.flags[name];
  if (flag !== undefined) return [flag, 'flag'];
  const variable = sources.environment[variableOf(name)];
  if (variable !== undefined && variable !== '') return [variable, 'environment'];
  const entry = sources.file[name];
  return entry === undefined ? [undefined, 'default'] : [entry, 'file'];
}
