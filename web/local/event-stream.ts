/**
 * Server-sent events read from a fetched body, because EventSource cannot send the token's header. Understands
 * `event`, `data` and comments, which is all that our node sends. Pure.
 */

export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/** Takes text as it comes, and gives the events that it completes. */
export class EventReader {
  #rest = '';

  take(text: string): ServerEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const lines = block.split('\n');
      const valuesOf = (name: string): string[] =>
        lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
      const data = valuesOf('data');
      return data.length > 0 ? [{ type: valuesOf('event')[0] ?? 'message', data: data.join('\n') }] : [];
    });
  }
}
