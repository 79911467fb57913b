/** `monsoon` alone, in a terminal: the list to look through, to search, and to fetch from. */
import type { ControlClient } from '../control/client.ts';
import { keysIn, ListScreen } from '../show/list-screen.ts';
import { type CliContext, EXIT, type ExitCode, type Keyboard } from './verb.ts';

/** The list is read again while nobody presses anything. */
const REFRESH_MS = 5000;
const ENTER_SCREEN = '\u001b[?1049h\u001b[?25l';
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l';

/** Shows the list until the person leaves it. */
export async function browse(client: ControlClient, context: CliContext, keyboard: Keyboard): Promise<ExitCode> {
  const { data, interrupt } = context;
  const screen = new ListScreen();
  const left = Promise.withResolvers<void>();
  const draw = (): void => {
    const lines = screen.lines(data.columns, Date.now() / 1000);
    data.write(`\u001b[H${lines.join('\r\n')}\u001b[J`);
  };
  let asked = 0;
  const load = async (): Promise<void> => {
    const number = ++asked;
    screen.resize(keyboard.lines);
    const answer = await client.list(screen.query);
    // What was asked for before the last key is not shown after it.
    if (number === asked) screen.show(answer);
    draw();
  };
  const fetch = async (): Promise<void> => {
    const row = screen.selected;
    if (!row) return;
    await client.get(row.infoHash, undefined);
    screen.say(`Fetching ${row.name}; "monsoon ps" shows how far it is.`);
    draw();
  };
  const failed = (error: unknown): void => {
    screen.say(error instanceof Error ? error.message : String(error));
    draw();
  };
  const timer = setInterval(() => void load().catch(failed), REFRESH_MS);
  const silence = keyboard.listen((text) => {
    for (const key of keysIn(text)) {
      const wish = screen.press(key);
      if (wish === 'quit') return left.resolve();
      if (wish === 'load') load().catch(failed);
      else if (wish === 'fetch') fetch().catch(failed);
      else if (wish === 'draw') draw();
    }
  });
  interrupt.addEventListener('abort', () => left.resolve());
  data.write(ENTER_SCREEN);
  try {
    await load();
    await left.promise;
  } finally {
    clearInterval(timer);
    silence();
    data.write(LEAVE_SCREEN);
  }
  return EXIT.ok;
}
