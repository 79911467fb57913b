/** The part of the WebAssembly JavaScript interface that is used here; its types come with browser libraries only. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared: true });
    readonly buffer: SharedArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: { readonly blocks: unknown; readonly apply: unknown; readonly memory: unknown };
  }
}
