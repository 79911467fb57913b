/**
 * Where a node keeps its things: MONSOON_HOME, or the places this platform has for them. Two processes with the same
 * home see the same paths, so nothing here depends on a login session.
 * Refuses to know what is in the files.
 */
import { chmod, lstat } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { posix, win32 } from 'node:path';
import { MonsoonError } from '../src/base/index.ts';
import { makeFolders } from '../src/io/make-folders.ts';

/** Absolute paths of one node. */
export interface Home {
  readonly configFile: string;
  /** What must not be lost: identity, listing, torrents and their resume state. */
  readonly dataDir: string;
  /** What can be made again. */
  readonly cacheDir: string;
  readonly stateDir: string;
  /** Where downloads go when the option `downloadDir` is empty. */
  readonly downloadDir: string;
  readonly logFile: string;
  readonly lockFile: string;
  /** Path of a unix socket, or the name of a pipe on Windows. */
  readonly controlSocket: string;
}

/** What the paths depend on. */
export interface HomeFacts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly userHome: string;
  readonly tempDir: string;
  /** -1 where users have no numbers. */
  readonly userId: number;
  readonly cwd: string;
}

// sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
const SOCKET_PATH_BYTES_MAX = 100;

/** The home of this process. */
export function currentHome(): Home {
  return homeOf({
    environment: process.env,
    platform: process.platform,
    userHome: homedir(),
    tempDir: tmpdir(),
    userId: userInfo().uid,
    cwd: process.cwd(),
  });
}

/** Works out every path; touches nothing. */
export function homeOf(facts: HomeFacts): Home {
  const { join } = facts.platform === 'win32' ? win32 : posix;
  const { configDir, dataDir, cacheDir, stateDir, downloadDir } = foldersOf(facts);
  return {
    configFile: join(configDir, 'config.toml'),
    dataDir,
    cacheDir,
    stateDir,
    downloadDir,
    logFile: join(stateDir, 'monsoon.log'),
    lockFile: join(dataDir, 'lock'),
    controlSocket: controlSocketOf(facts, stateDir),
  };
}

/**
 * Makes the folders that a daemon needs, each for this user only.
 * Rejects with a MonsoonError when the socket's folder is somebody else's.
 */
export async function prepareHome(home: Home): Promise<void> {
  for (const folder of [home.dataDir, home.cacheDir, home.stateDir]) await makeFolders(folder, 0o700);
  if (process.platform === 'win32') return;
  const folder = posix.dirname(home.controlSocket);
  await makeFolders(folder, 0o700);
  const found = await lstat(folder);
  // In a shared temp folder anybody could have made it first, and would then own the way to this node.
  if (!found.isDirectory() || found.uid !== process.getuid!()) {
    throw new MonsoonError(
      'permission',
      `${folder} belongs to another user: remove it, or set MONSOON_HOME to a shorter path.`,
    );
  }
  await chmod(folder, 0o700);
}

interface Folders {
  readonly configDir: string;
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly stateDir: string;
  readonly downloadDir: string;
}

function foldersOf(facts: HomeFacts): Folders {
  const { join, resolve, isAbsolute } = facts.platform === 'win32' ? win32 : posix;
  const chosen = facts.environment.MONSOON_HOME;
  if (chosen) {
    const root = resolve(facts.cwd, chosen);
    return {
      configDir: root,
      dataDir: join(root, 'data'),
      cacheDir: join(root, 'cache'),
      stateDir: join(root, 'state'),
      downloadDir: join(root, 'downloads'),
    };
  }
  // The XDG specification says that a relative path counts as unset.
  const folder = (variable: string, ...fallback: string[]): string => {
    const value = facts.environment[variable];
    return join(value && isAbsolute(value) ? value : join(facts.userHome, ...fallback), 'monsoon');
  };
  const downloadDir = join(facts.userHome, 'Downloads', 'monsoon');
  if (facts.platform === 'darwin') {
    const support = join(facts.userHome, 'Library', 'Application Support', 'monsoon');
    const cacheDir = join(facts.userHome, 'Library', 'Caches', 'monsoon');
    return {
      configDir: support,
      dataDir: join(support, 'data'),
      cacheDir,
      stateDir: join(support, 'state'),
      downloadDir,
    };
  }
  if (facts.platform === 'win32') {
    const local = folder('LOCALAPPDATA', 'AppData', 'Local');
    const configDir = folder('APPDATA', 'AppData', 'Roaming');
    return {
      configDir,
      dataDir: join(local, 'data'),
      cacheDir: join(local, 'cache'),
      stateDir: join(local, 'state'),
      downloadDir,
    };
  }
  return {
    configDir: folder('XDG_CONFIG_HOME', '.config'),
    dataDir: folder('XDG_DATA_HOME', '.local', 'share'),
    cacheDir: folder('XDG_CACHE_HOME', '.cache'),
    stateDir: folder('XDG_STATE_HOME', '.local', 'state'),
    downloadDir,
  };
}

function controlSocketOf(facts: HomeFacts, stateDir: string): string {
  if (facts.platform === 'win32') return `\\\\.\\pipe\\monsoon-${idOf(stateDir)}`;
  const path = posix.join(stateDir, 'run', 'control.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  const short = (folder: string): string =>
    posix.join(folder, `monsoon-${facts.userId}-${idOf(stateDir)}`, 'control.sock');
  return Buffer.byteLength(short(facts.tempDir)) <= SOCKET_PATH_BYTES_MAX ? short(facts.tempDir) : short('/tmp');
}

/** Tells a home from all others. The runtime's hashes are loaded for nobody else: 12 ms of a verb. */
function idOf(stateDir: string): string {
  const { hash } = process.getBuiltinModule('node:crypto');
  return hash('sha256', stateDir).slice(0, 16);
}
