import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HomeFacts, homeOf } from '../../app/home.ts';

const LINUX: HomeFacts = {
  environment: {},
  platform: 'linux',
  userHome: '/home/ada',
  tempDir: '/tmp',
  userId: 1000,
  cwd: '/srv',
};

test('MONSOON_HOME holds config, data, cache, state, downloads and control socket, also when it is relative', () => {
  assert.deepEqual(homeOf({ ...LINUX, environment: { MONSOON_HOME: 'here', XDG_DATA_HOME: '/elsewhere' } }), {
    configFile: '/srv/here/config.toml',
    dataDir: '/srv/here/data',
    cacheDir: '/srv/here/cache',
    stateDir: '/srv/here/state',
    downloadDir: '/srv/here/downloads',
    logFile: '/srv/here/state/monsoon.log',
    lockFile: '/srv/here/data/lock',
    controlSocket: '/srv/here/state/run/control.sock',
  });
});

test('without it the XDG folders count, and a relative one is no folder', () => {
  const environment = { XDG_CONFIG_HOME: '/etc/ada', XDG_CACHE_HOME: 'cache' };
  const home = homeOf({ ...LINUX, environment });
  assert.equal(home.configFile, '/etc/ada/monsoon/config.toml');
  assert.equal(home.cacheDir, '/home/ada/.cache/monsoon');
  assert.equal(home.dataDir, '/home/ada/.local/share/monsoon');
  assert.equal(home.controlSocket, '/home/ada/.local/state/monsoon/run/control.sock');
  assert.equal(home.downloadDir, '/home/ada/Downloads/monsoon');
});

test('W-10 macOS and Windows have their own folders, and Windows a pipe of its own for each home', () => {
  const mac = homeOf({ ...LINUX, platform: 'darwin', userHome: '/Users/ada' });
  assert.equal(mac.dataDir, '/Users/ada/Library/Application Support/monsoon/data');
  const windows = (home: string): string =>
    homeOf({ ...LINUX, platform: 'win32', cwd: 'C:\\', environment: { MONSOON_HOME: home } }).controlSocket;
  assert.match(windows('C:\\a'), /^\\\\\.\\pipe\\monsoon-[0-9a-f]{16}$/);
  assert.notEqual(windows('C:\\a'), windows('C:\\b'));
  const roaming = { APPDATA: 'C:\\Users\\ada\\Roaming' };
  const { configFile } = homeOf({
    ...LINUX,
    platform: 'win32',
    cwd: 'C:\\',
    userHome: 'C:\\Users\\ada',
    environment: roaming,
  });
  assert.equal(configFile, 'C:\\Users\\ada\\Roaming\\monsoon\\config.toml');
});

test('a control socket whose path is too long for the system lies in the temp folder, one for each home and user', () => {
  const deep = (last: string): HomeFacts => ({
    ...LINUX,
    environment: { MONSOON_HOME: `/${'d'.repeat(120)}/${last}` },
  });
  const { controlSocket } = homeOf(deep('a'));
  assert.match(controlSocket, /^\/tmp\/monsoon-1000-[0-9a-f]{16}\/control\.sock$/);
  assert.notEqual(homeOf(deep('b')).controlSocket, controlSocket);
  assert.notEqual(homeOf({ ...deep('a'), userId: 1001 }).controlSocket, controlSocket);
  assert.ok(homeOf({ ...deep('a'), tempDir: `/${'t'.repeat(90)}` }).controlSocket.startsWith('/tmp/'));
});
