/** What was just done, or why it was not: one text at a time, shown for a while. */
import { Store } from './store.ts';

const NOTICE_MS = 8000;

export interface Notice {
  readonly kind: 'done' | 'problem';
  readonly text: string;
}

export const notice = new Store<Notice | undefined>(undefined);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows a text; problems stay until the next one or until they are closed. */
export function say(kind: Notice['kind'], text: string): void {
  clearTimeout(timer);
  notice.value = { kind, text };
  if (kind === 'done') timer = setTimeout(() => closeNotice(), NOTICE_MS);
}

export function closeNotice(): void {
  notice.value = undefined;
}

/** Runs what somebody asked for; says how it ended, and resolves to its result, undefined when it failed. */
export async function attempt<T>(work: () => Promise<T>, done: (result: T) => string): Promise<T | undefined> {
  try {
    const result = await work();
    say('done', done(result));
    return result;
  } catch (error) {
    say('problem', (error as Error).message);
    return undefined;
  }
}
