import type { IncomingMessage } from 'node:http';

/** The request's body; undefined when it is over the limit. Rejects when the connection ends before it does. */
export async function bodyOf(request: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = [];
  let bytes = Number(request.headers['content-length'] ?? 0);
  if (bytes > bytesMax) return undefined;
  bytes = 0;
  // Without this option leaving the loop would destroy the connection that the refusal has to go out on.
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    bytes += (part as Buffer).length;
    if (bytes > bytesMax) return undefined;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}
