// Server cookies against the vectors of RFC 9018, appendix A, and what they are good for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cookies } from '../../dns/index.ts';
import { emptyQuery, readQuery } from '../../dns/message.ts';
import { sipHash } from '../../dns/sip-hash.ts';
import { parseIp, wallSeconds } from '../../src/base/index.ts';
import { cookieOption, query, ZONE } from './fixtures.ts';

const SECRET = Buffer.from('e5e973e5a6b2a43f48e7dc849e37bfcf', 'hex');
const CLIENT = Buffer.from('2464c4abcf10c957', 'hex');
const IP = parseIp('198.51.100.100')!;
const MADE = wallSeconds(1_559_731_985);

test('SipHash-2-4 gives the values of its authors', () => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  const hashOf = (length: number): string =>
    Buffer.from(
      sipHash(
        key,
        Uint8Array.from({ length }, (_, i) => i),
      ),
    ).toString('hex');
  assert.equal(hashOf(0), '310e0edd47db6f72');
  assert.equal(hashOf(1), 'fd67dc93c539f874');
  assert.equal(hashOf(15), 'e545be4961ca29a1');
});

test('a server cookie is that of RFC 9018', () => {
  const made = new Cookies(SECRET).make(CLIENT, IP, MADE);
  assert.equal(Buffer.from(made).toString('hex'), '010000005cf79f111f8130c3eee29480');
});

test('a cookie proves the address it was made for, for an hour, and nothing else', () => {
  const cookies = new Cookies(SECRET);
  const proves = (cookie: Uint8Array, ip: string, secondsLater: number, by = cookies): boolean => {
    const asked = emptyQuery();
    assert.equal(readQuery(asked, query(ZONE, 1, 1232, { options: cookieOption(cookie) })), 0);
    return by.isProof(asked, parseIp(ip)!, wallSeconds(MADE + secondsLater));
  };
  const good = Buffer.concat([CLIENT, cookies.make(CLIENT, IP, MADE)]);
  assert.equal(proves(good, '198.51.100.100', 0), true);
  assert.equal(proves(good, '198.51.100.100', 3600), true);
  assert.equal(proves(good, '198.51.100.100', 3601), false);
  assert.equal(proves(good, '198.51.100.100', -301), false);
  assert.equal(proves(good, '198.51.100.101', 0), false);
  assert.equal(proves(good, '198.51.100.100', 0, new Cookies(Buffer.alloc(16))), false);
  assert.equal(proves(CLIENT, '198.51.100.100', 0), false);
  for (let at = 0; at < good.length; at++) {
    const changed = Buffer.from(good);
    changed[at]! ^= 1;
    assert.equal(proves(changed, '198.51.100.100', 0), false, `byte ${at}`);
  }
});
