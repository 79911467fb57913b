/** The key that secondaries share with us: one line `hmac-sha256:NAME:SECRET`, as `kdig -k` and `dig -y` take it. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { bytesOfLatin1, MonsoonError } from '../../src/base/index.ts';
import { type Hmac, Tsig, wireName } from '../index.ts';

const SECRET_BYTES_MIN = 16;
const LINE = /^hmac-sha256:([a-z0-9._-]+):([A-Za-z0-9+/]+=*)$/i;

const hmac: Hmac = (key, message) => createHmac('sha256', key).update(message).digest();

/** Reads a key; rejects with a MonsoonError that never repeats what is in the file. */
export async function readTsig(path: string): Promise<Tsig> {
  let text: string;
  try {
    text = await readFile(path, 'latin1');
  } catch (cause) {
    throw new MonsoonError(
      'config',
      `Cannot read the key of --dns-key-file ${path}: ${(cause as Error).message}.`,
      cause,
    );
  }
  const [, name, secret] = LINE.exec(text.trim()) ?? [];
  const bytes = Buffer.from(secret ?? '', 'base64');
  if (name === undefined || wireName(name) === undefined || bytes.length < SECRET_BYTES_MIN) {
    const form =
      'one line hmac-sha256:NAME:SECRET with at least 16 bytes of secret in base64 ("keymgr -t NAME" makes one)';
    throw new MonsoonError('config', `--dns-key-file ${path}: expected ${form}.`);
  }
  return makeTsig(name, bytes);
}

export function makeTsig(name: string, secret: Uint8Array): Tsig {
  return new Tsig({ name, secret: secret.length > 0 ? secret : bytesOfLatin1('') }, hmac);
}
