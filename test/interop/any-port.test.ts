// One port of the user's choice, whatever its number: the lowest, the web's, the highest.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeWireHandshake, HANDSHAKE_BYTES, parseWireHandshake } from '../../src/wire/index.ts';
import { startMonsoon } from './clients/monsoon.ts';
import { makeContent, treeHash } from './content.ts';
import { type Host, inNamespace } from './network.ts';
import { run } from './program.ts';
import { hasWhatItTakes, TestBed } from './test-bed.ts';

const SIZE = 2 ** 20;
const FETCH_SECONDS_MAX = 30;

/** The ports of a host at which somebody listens, or that have taken no other end. */
async function listeners(host: Host, protocol: 'tcp' | 'udp'): Promise<Set<number>> {
  const listening = await run(inNamespace(host, ['ss', ['-Hln', `--${protocol}`]]));
  return new Set(listening.match(/(?<=:)\d+(?=\s+\S+\s*$)/gm)?.map(Number));
}

for (const port of [1, 443, 65_535]) {
  test(`N-20 on port ${port} alone a node tracks, joins others and serves peers, by one listener of TCP and one of UDP`, async (t) => {
    if (!(await hasWhatItTakes(t, ['ss']))) return;
    const bed = await TestBed.create(t);
    const place = await bed.place('node');
    const node = await startMonsoon(place, { role: 'supernode', listenPort: port });
    const sharer = await startMonsoon(await bed.place('sharer'), { bootstrap: [node.contact] });
    const content = await makeContent(await bed.directory('content'), 'a folder', SIZE, 7);
    const shared = await sharer.share(join(content.parent, content.name));
    const into = await bed.directory('fetched');
    await node.fetch(shared.infoHash, into);
    assert.equal((await node.fetched(FETCH_SECONDS_MAX)).size, content.size);
    assert.deepEqual(await treeHash(join(into, content.name)), await treeHash(join(content.parent, content.name)));

    const socket = connect({ host: place.host.address, port });
    socket.write(encodeWireHandshake(shared.infoHash as never, Buffer.from('-XX0000-000000000000')));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    const handshake = parseWireHandshake(answer.subarray(0, HANDSHAKE_BYTES));
    assert.equal('infoHash' in handshake && handshake.infoHash, shared.infoHash);

    const numbers = await listeners(place.host, 'tcp');
    const ofThePage = Number(new URL((await node.status()).ui).port);
    assert.deepEqual(
      [...numbers].filter((number) => number !== ofThePage),
      [port],
    );
    // A router would be asked from a port of its own; here is none.
    assert.deepEqual([...(await listeners(place.host, 'udp'))], [port]);
  });
}
