/** The local API as two functions. Both throw an Error whose message may be shown as it is. */

const token = document.querySelector('meta[name="monsoon-token"]').content;
/** Reading is quick or the node is gone; sharing hashes whole folders, so changes may take their time. */
const READ_TIMEOUT_MS = 10_000;

/** Reads one path. */
export function read(path) {
  return request(path, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
}

/** Asks for a change. */
export function change(path, body) {
  return request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function request(path, options) {
  const headers = { ...options.headers, 'X-Monsoon-Token': token };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, cache: 'no-store' });
  } catch (cause) {
    throw new Error('monsoon does not answer; is it still running?', { cause });
  }
  const value = await answer.json().catch(() => undefined);
  if (!answer.ok) throw new Error(value?.message ?? `monsoon answered ${answer.status}`);
  return value;
}
