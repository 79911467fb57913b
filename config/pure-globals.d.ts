/**
 * The only globals that pure code may name beyond the language itself.
 * tsconfig.pure.json includes this file and no other ambient types, so `Buffer`, `process`, `fetch`,
 * `setTimeout` and `node:*` do not exist there.
 */
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label: 'utf-8' | 'latin1', options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
