/**
 * config.toml, and the one place where flags, variables, file and defaults come together.
 * A wrong value is never passed over: it is named with what was expected. A change keeps what else is in the file.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify, type TomlTable, type TomlValue } from 'smol-toml';
import { type Config, type OptionName, type Resolved, resolveConfig } from '../config/index.ts';
import { MonsoonError } from '../src/base/index.ts';
import { writeFileAtomically } from '../src/io/atomic-file.ts';
import { makeFolders } from '../src/io/make-folders.ts';
import type { Home } from './home.ts';

export interface GivenValues {
  /** From the command line, by option name. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Every option's value and origin. Rejects with a MonsoonError that names every wrong value. */
export async function loadConfig(home: Home, { flags, environment }: GivenValues): Promise<Resolved> {
  const file = parseConfig(home.configFile, await readConfig(home.configFile));
  const resolved = resolveConfig({ flags, environment, file });
  if (resolved.problems.length > 0) {
    const isUsage = resolved.problems.every((problem) => problem.startsWith('flag '));
    const advice = isUsage ? 'Run "monsoon start --help".' : `The file is ${home.configFile}.`;
    throw new MonsoonError(isUsage ? 'usage' : 'config', `${resolved.problems.join('\n')}\n${advice}`);
  }
  return resolved;
}

/** Sets one option in the file, which is made when there is none; comments and other keys stay. */
export async function setConfigValue(path: string, name: OptionName, value: Config[OptionName]): Promise<void> {
  const text = await readConfig(path);
  const wanted = { ...parseConfig(path, text), [name]: value as TomlValue };
  await makeFolders(dirname(path), 0o700);
  await writeFileAtomically(path, Buffer.from(withValue(text, name, wanted)), { mode: 0o600 });
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new MonsoonError('config', `Cannot read ${path}: ${(cause as Error).message}.`, cause);
  }
}

function parseConfig(path: string, text: string): TomlTable {
  try {
    return parse(text);
  } catch (cause) {
    throw new MonsoonError('config', `${path} is not valid TOML: ${(cause as Error).message.trim()}`, cause);
  }
}

/** Edits the one line when that gives what is wanted; anything trickier is written anew, without its comments. */
function withValue(text: string, name: OptionName, wanted: TomlTable): string {
  const line = stringify({ [name]: wanted[name]! }).trimEnd();
  const old = new RegExp(`^[ \\t]*${name}[ \\t]*=.*$`, 'm');
  // A function, because `$` in a value must stay what it is.
  const edited = old.test(text) ? text.replace(old, () => line) : `${line}\n${text}`;
  try {
    if (isDeepStrictEqual({ ...parse(edited) }, { ...wanted })) return edited;
  } catch {
    // The old value went over several lines; the whole table below holds the same.
  }
  return stringify(wanted);
}
