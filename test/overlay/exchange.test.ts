import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBencode, formatAddress, isFault, parseAddress, utf8 } from '../../src/base/index.ts';
import {
  EXCHANGE_BYTES_MAX,
  EXCHANGE_DESCRIPTORS_MAX,
  encodeExchange,
  parseExchange,
} from '../../src/overlay/index.ts';

const codeOf = (bytes: Uint8Array): string => {
  const parsed = parseExchange(bytes, 'monsoon');
  return isFault(parsed) ? parsed.code : 'parsed';
};

test('an exchange carries descriptors and the address of the asker', () => {
  const you = parseAddress('[2a00::1]:7373')!;
  const parsed = parseExchange(
    encodeExchange({ network: 'monsoon', supernodes: [utf8('one'), utf8('two')], you }),
    'monsoon',
  );
  assert.ok(!isFault(parsed));
  assert.deepEqual(
    parsed.supernodes.map((record) => new TextDecoder().decode(record)),
    ['one', 'two'],
  );
  assert.equal(formatAddress(parsed.you!), formatAddress(you));
});

test('the largest exchange fits its bound', () => {
  const supernodes = Array.from({ length: EXCHANGE_DESCRIPTORS_MAX }, () => new Uint8Array(1000));
  const you = parseAddress('[2a00::1]:7373')!;
  const bytes = encodeExchange({ network: 'n'.repeat(32), supernodes, you });
  assert.ok(bytes.length <= EXCHANGE_BYTES_MAX);
  assert.ok(!isFault(parseExchange(bytes, 'n'.repeat(32))));
});

test('an address that is missing or none is only left out', () => {
  for (const you of [undefined, 5, 'x', new Uint8Array(6)]) {
    const parsed = parseExchange(encodeBencode({ network: 'monsoon', supernodes: [], you }), 'monsoon');
    assert.ok(!isFault(parsed));
    assert.equal(parsed.you, undefined);
  }
});

test('what is no exchange of this network is refused', () => {
  const of = (body: object): string => codeOf(encodeBencode({ network: 'monsoon', supernodes: [], ...body }));
  assert.equal(of({ network: 'typhoon' }), 'exchange-other-network');
  assert.equal(of({ network: 7 }), 'exchange-malformed');
  assert.equal(of({ supernodes: 'x' }), 'exchange-malformed');
  assert.equal(of({ supernodes: [1] }), 'exchange-malformed');
  assert.equal(of({ supernodes: [new Uint8Array(1001)] }), 'exchange-malformed');
  assert.equal(of({ supernodes: Array(EXCHANGE_DESCRIPTORS_MAX + 1).fill('') }), 'exchange-malformed');
  assert.equal(codeOf(encodeBencode([])), 'exchange-malformed');
  assert.equal(of({ z: Array(1000).fill(1) }), 'exchange-malformed');
  assert.equal(codeOf(utf8('<html>')), 'exchange-malformed');
  assert.equal(codeOf(new Uint8Array(EXCHANGE_BYTES_MAX + 1)), 'exchange-too-large');
});
