import { createHook } from 'node:async_hooks';

const SOCKETS = new Set(['TCPWRAP', 'TCPSERVERWRAP', 'TLSWRAP', 'UDPWRAP', 'PIPEWRAP', 'PIPESERVERWRAP']);

/**
 * The timers and sockets that this process made since and still has, also those that would not keep it alive, of which
 * `process.getActiveResourcesInfo` says nothing.
 */
export class HeldResources {
  readonly #timers = new Set<number>();
  readonly #sockets = new Set<number>();
  readonly #hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout') this.#timers.add(id);
      else if (SOCKETS.has(type)) this.#sockets.add(id);
    },
    destroy: (id) => {
      this.#timers.delete(id);
      this.#sockets.delete(id);
    },
    trackPromises: false,
  });

  constructor() {
    this.#hook.enable();
  }

  get timers(): number {
    return this.#timers.size;
  }
  get sockets(): number {
    return this.#sockets.size;
  }

  close(): void {
    this.#hook.disable();
  }
}
