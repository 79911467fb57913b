/** `monsoon` alone, in a terminal: the list to look through, to search, and to fetch from. */
import type { ControlClient } from '../control/client.ts';
import { keysIn, ListScreen } from '../show/list-screen.ts';
import { type CliContext, EXIT, type ExitCode, type Keyboard } from './verb.ts';

/** The list is read again while nobody presses anything. */
const REFRESH_MS = 5000;
const ENTER_SCREEN = '\u001b[?1049h\u001b[?25l';
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l';

/** Reads what the screen asks for. Of several questions only the answer to the last one counts. */
class ListReader {
  readonly #client: ControlClient;
  readonly #screen: ListScreen;
  #asked = 0;
  #isReading = false;

  constructor(client: ControlClient, screen: ListScreen) {
    this.#client = client;
    this.#screen = screen;
  }

  /** A slow answer is waited for: the next question would have it thrown away. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** True when other rows are needed after that. */
  async read(): Promise<boolean> {
    const number = ++this.#asked;
    const { query } = this.#screen;
    this.#isReading = true;
    try {
      const answer = await this.#client.list(query);
      return number === this.#asked && this.#screen.show(answer, query);
    } catch (error) {
      if (number === this.#asked) throw error;
      return false;
    } finally {
      if (number === this.#asked) this.#isReading = false;
    }
  }
}

/** Shows the list until the person leaves it. */
export async function browse(client: ControlClient, context: CliContext, keyboard: Keyboard): Promise<ExitCode> {
  const { data, interrupt } = context;
  const screen = new ListScreen();
  const reader = new ListReader(client, screen);
  const left = Promise.withResolvers<void>();
  let isOver = false;
  const draw = (): void => {
    if (isOver) return;
    if (screen.resize(keyboard.lines)) loadSoon();
    const lines = screen.lines(data.columns, Date.now() / 1000);
    data.write(`\u001b[H${lines.join('\r\n')}\u001b[J`);
  };
  const load = async (): Promise<void> => {
    screen.resize(keyboard.lines);
    if (await reader.read()) loadSoon();
    draw();
  };
  const fetch = async (): Promise<void> => {
    const row = screen.selected;
    if (!row) return;
    await client.get(row.infoHash, undefined);
    screen.say(`Fetching ${row.name}; "monsoon ps" shows how far it is.`);
    draw();
  };
  const tell = (error: unknown, as: 'note' | 'problem'): void => {
    screen.say(error instanceof Error ? error.message : String(error), as);
    draw();
  };
  const loadSoon = (): void => void load().catch((error: unknown) => tell(error, 'problem'));
  const timer = setInterval(() => reader.isReading || loadSoon(), REFRESH_MS);
  const silence = keyboard.listen((text) => {
    for (const key of keysIn(text)) {
      const wish = screen.press(key);
      if (wish === 'quit') return left.resolve();
      if (wish === 'load') loadSoon();
      else if (wish === 'fetch') fetch().catch((error: unknown) => tell(error, 'note'));
      else if (wish === 'draw') draw();
    }
  });
  interrupt.addEventListener('abort', () => left.resolve());
  data.write(ENTER_SCREEN);
  try {
    await Promise.race([load(), left.promise]);
    await left.promise;
  } finally {
    isOver = true;
    clearInterval(timer);
    silence();
    data.write(LEAVE_SCREEN);
  }
  return EXIT.ok;
}
