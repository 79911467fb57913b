// The fast extension (BEP 6) on the wire; what it changes for requests is in test/torrent/transfer.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, isFault, parseInfoHash } from '../../src/base/index.ts';
import { encodeWireHandshake, MESSAGE, parseWireHandshake } from '../../src/wire/index.ts';
import { frame, Recorder, words } from './frames.ts';

test('the fast extension is the third least significant bit of the last reserved byte', () => {
  const bytes = encodeWireHandshake(parseInfoHash('0'.repeat(40))!, new Uint8Array(20));
  assert.equal(bytes[27], 0x04);
  bytes[27] = 0;
  const parsed = parseWireHandshake(bytes);
  assert.ok(!isFault(parsed) && !parsed.hasFast);
});

const messages: [string, number, number, Uint8Array][] = [
  ['suggest piece', MESSAGE.suggest, 0x0d, words(5)],
  ['have all', MESSAGE.haveAll, 0x0e, words()],
  ['have none', MESSAGE.haveNone, 0x0f, words()],
  ['reject request', MESSAGE.reject, 0x10, words(1, 2, 3)],
  ['allowed fast', MESSAGE.allowedFast, 0x11, words(5)],
];
for (const [name, id, specified, payload] of messages) {
  test(`${name} has id ${specified} and exactly ${payload.length} bytes of payload`, () => {
    assert.equal(id, specified);
    assert.deepEqual(new Recorder().feed(frame(id, payload)), [`message ${id} ${hex(payload)}`]);
    assert.deepEqual(new Recorder().feed(frame(id, new Uint8Array(payload.length + 4))), [
      'fault message-wrong-length',
    ]);
  });
}
