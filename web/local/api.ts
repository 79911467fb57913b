/** The local API as a few functions. Each throws an Error whose message may be shown as it is. */

/** Reading is quick or the node is gone; sharing hashes whole folders, so changes may take their time. */
const READ_MS_MAX = 10_000;
const TOKEN = /<meta name="monsoon-token" content="([0-9a-f]+)"/;
let token = document.querySelector<HTMLMetaElement>('meta[name="monsoon-token"]')?.content ?? '';

/** Reads the JSON at a path. */
export async function read<T>(path: string, interrupt?: AbortSignal): Promise<T> {
  const deadline = AbortSignal.timeout(READ_MS_MAX);
  const signal = interrupt ? AbortSignal.any([deadline, interrupt]) : deadline;
  return (await answerOf(path, { signal })).json() as Promise<T>;
}

/** Asks for a change, and reads what came of it. */
export async function change<T>(path: string, body: object): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  return (await answerOf(path, { method: 'POST', headers, body: JSON.stringify(body) })).json() as Promise<T>;
}

/** Sends the bytes of a .torrent file. */
export async function upload<T>(path: string, file: Blob): Promise<T> {
  const headers = { 'Content-Type': 'application/x-bittorrent' };
  return (await answerOf(path, { method: 'POST', headers, body: file })).json() as Promise<T>;
}

/** Reads a file. */
export async function fileAt(path: string): Promise<Blob> {
  return (await answerOf(path, {})).blob();
}

/** Opens a stream of events; the caller reads it to its end, or interrupts it. */
export async function openStream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { body } = await answerOf(path, { signal });
  if (!body) throw new Error('monsoon answered nothing');
  return body;
}

async function answerOf(path: string, options: RequestInit): Promise<Response> {
  let answer = await ask(path, options);
  // A page that outlived its node holds the token of the one before.
  if (answer.status === 403 && (await renewToken())) answer = await ask(path, options);
  if (answer.ok) return answer;
  const failure = (await answer.json().catch(() => undefined)) as { message?: string } | undefined;
  throw new Error(failure?.message ?? `monsoon answered ${answer.status}`);
}

async function ask(path: string, options: RequestInit): Promise<Response> {
  const headers = { ...(options.headers as Record<string, string> | undefined), 'X-Monsoon-Token': token };
  try {
    return await fetch(path, { ...options, headers, cache: 'no-store' });
  } catch (cause) {
    if (options.signal?.aborted && (cause as Error).name === 'AbortError') throw cause;
    throw new Error('monsoon does not answer. Is it still running?', { cause });
  }
}

/** True when the node has another token than we had. */
async function renewToken(): Promise<boolean> {
  const page = await (await ask('/', {})).text();
  const [, now = token] = TOKEN.exec(page) ?? [];
  const isNew = now !== token;
  token = now;
  return isNew;
}
