// Queries with forged sources: what they draw to whom they name, and who gets through beside him.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { query, ZONE } from '../dns/fixtures.ts';
import { type Host, inNamespace } from './network.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';

const run = promisify(execFile);
const VICTIM_PORT = 5300;
const UNDER_THE_LIMIT = 150;
const FLOOD = 60_000;
const FLOOD_SECONDS_MAX = 60;
/** Bytes of answer for each byte of query, without headers. */
const UNDER_RATIO_MAX = 3;
const FLOOD_RATIO_MAX = 0.1;

// Python, because it has raw sockets: sends COUNT queries in turn as if VICTIM had, then says so to the victim.
const ATTACKER = `
import socket, struct, sys
server, victim, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
queries = [bytes.fromhex(text) for text in sys.argv[5:]]
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
def packet(query):
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(query), 0, 0, 64, 17, 0, socket.inet_aton(victim), socket.inet_aton(server))
    return ip + struct.pack('!HHHH', port, 53, 8 + len(query), 0) + query
packets = [packet(query) for query in queries]
for i in range(count):
    raw.sendto(packets[i % len(packets)], (server, 0))
print(sum(len(queries[i % len(queries)]) for i in range(count)))
`;
// Counts what comes until nothing has come for a second after the word of the end.
const VICTIM = `
import socket, sys
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
heard.bind(('0.0.0.0', int(sys.argv[1])))
print('ready', flush=True)
total = 0
while True:
    try:
        data = heard.recv(65535)
    except socket.timeout:
        break
    if data == b'end':
        heard.settimeout(1)
        continue
    total += len(data)
print(total, flush=True)
`;

async function startOn(t: TestContext, host: Host, command: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(...inNamespace(host, [command, [...args]]), { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => void child.kill('SIGKILL'));
  await once(child.stdout!, 'data', { signal: AbortSignal.timeout(FLOOD_SECONDS_MAX * 1000) });
  return child;
}

test('N-30 forged queries draw three bytes for one, a flood a tenth, and who is beside the victim gets through', async (t) => {
  if (!(await hasWhatItTakes(t, ['dig', 'python3']))) return;
  const bed = await TestBed.create(t, 'public');
  const [server, attacker, victim, honest] = [
    await bed.network.addHost(),
    await bed.network.addHost(),
    await bed.network.addHost(),
    await bed.network.addHost(),
  ];
  const scratch = await bed.directory('scripts');
  const attackerFile = join(scratch, 'attacker.py');
  const victimFile = join(scratch, 'victim.py');
  writeFileSync(attackerFile, ATTACKER);
  writeFileSync(victimFile, VICTIM);
  const serverFile = fileURLToPath(new URL('dns-server.ts', import.meta.url));
  await startOn(t, server, process.execPath, [serverFile, server.address, '53', '200']);
  const queries = [1, 28, 16, 2, 6, 255, 15].map((type) => query(ZONE, type, 4096).toString('hex'));

  const attack = async (count: number, meanwhile: () => Promise<void>): Promise<number> => {
    const hearing = await startOn(t, victim, 'python3', [victimFile, String(VICTIM_PORT)]);
    const drawn = text(hearing.stdout!);
    const words = [server.address, victim.address, String(VICTIM_PORT), String(count), ...queries];
    const attacking = run(...inNamespace(attacker, ['python3', [attackerFile, ...words]]));
    await meanwhile();
    const sentBytes = Number((await attacking).stdout);
    // What the server still has to answer comes before this: it asks and is answered in turn.
    await look();
    const end = `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'end', ('${victim.address}', ${VICTIM_PORT}))`;
    await run(...inNamespace(honest, ['python3', ['-c', end]]));
    return Number((await drawn).trim()) / sentBytes;
  };
  const look = async (): Promise<string> => {
    const ask = [`@${server.address}`, '+short', '+time=5', '+tries=4', '+nocookie', ZONE, 'A'];
    return (await run(...inNamespace(honest, ['dig', ask]))).stdout;
  };

  const under = await attack(UNDER_THE_LIMIT, async () => undefined);
  t.diagnostic(`${under} bytes for one under the limit`);
  assert.ok(under > 0.5 && under <= UNDER_RATIO_MAX, `${under} under the limit`);
  const flood = await attack(FLOOD, async () => {
    const found = await look();
    assert.equal(found.trim().split('\n').length, 16, found);
  });
  t.diagnostic(`${flood} bytes for one in a flood`);
  assert.ok(flood > 0 && flood <= FLOOD_RATIO_MAX, `${flood} in a flood`);
});
