/**
 * What can be done with one transfer: a button to pause or resume it, and a line below it with everything else, made
 * when somebody opens it. Deleting files takes two clicks on the same button.
 */
import { formatRate } from './format.js';
import { element } from './listing-view.js';

const UNITS = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
const SURE_MS = 5000;

export class TransferControls {
  #torrent;
  #onAct;
  #pause = this.#button('Pause', () => this.#act(this.#isPaused ? { type: 'resume' } : { type: 'pause' }));
  #more = this.#button('More', () => this.#toggle());
  #line;
  /** For the row's last cell. */
  cell = element('td', 'action', this.#pause, ' ', this.#more);

  /** @param onAct called with the torrent and what to do with it; resolves to true when that was done */
  constructor(onAct) {
    this.#onAct = onAct;
    this.#more.setAttribute('aria-expanded', 'false');
  }

  get #isPaused() {
    return this.#torrent.state === 'paused' || this.#torrent.state === 'failed';
  }

  show(torrent) {
    this.#torrent = torrent;
    const label = this.#isPaused ? 'Resume' : 'Pause';
    if (this.#pause.textContent !== label) this.#pause.textContent = label;
    this.#pause.setAttribute('aria-label', `${label} ${torrent.name}`);
    this.#more.setAttribute('aria-label', `More for ${torrent.name}`);
  }

  /** The torrent is gone. */
  remove() {
    this.#line?.remove();
  }

  #toggle() {
    const isOpen = this.#line === undefined;
    this.#more.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) {
      this.#line = this.#controls();
      this.cell.parentElement.after(this.#line);
    } else {
      this.#line.remove();
      this.#line = undefined;
    }
  }

  #controls() {
    const { queuePlace, downBytesPerSecondMax, upBytesPerSecondMax } = this.#torrent;
    const simple = element(
      'div',
      'group',
      this.#button('Check files', () => this.#act({ type: 'verify' })),
    );
    if (queuePlace !== null)
      simple.append(this.#button('First in queue', () => this.#act({ type: 'queue', to: 'first' })));
    const limits = this.#form(
      'Limit',
      [
        field('Down', 'no limit', rateText(downBytesPerSecondMax)),
        field('Up', 'no limit', rateText(upBytesPerSecondMax)),
      ],
      ([down, up]) => this.#act({ type: 'limit', down: rateOf(down), up: rateOf(up) }),
    );
    const move = this.#form('Move', [field('To folder', '/home/me/films', '', true)], ([directory]) =>
      this.#act({ type: 'move', directory }),
    );
    const remove = element(
      'div',
      'group',
      this.#button('Remove', () => this.#act({ type: 'remove', withData: false })),
      this.#sureButton('Remove with files', () => this.#act({ type: 'remove', withData: true })),
    );
    const cell = element('td', 'controls', simple, limits, move, remove);
    cell.colSpan = 7;
    return element('tr', 'controls', cell);
  }

  #form(label, fields, send) {
    const button = element('button', '', label);
    const form = element('form', 'group', ...fields, button);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      button.disabled = true;
      await send(fields.map((one) => one.querySelector('input').value.trim()));
      button.disabled = false;
    });
    return form;
  }

  async #act(action) {
    return this.#onAct(this.#torrent, action);
  }

  #button(label, onClick) {
    const button = element('button', '', label);
    button.type = 'button';
    button.addEventListener('click', async () => {
      button.disabled = true;
      await onClick();
      button.disabled = false;
    });
    return button;
  }

  /** Asks on its own face; a second click within a few seconds means it. */
  #sureButton(label, onClick) {
    let timer;
    const calm = () => {
      timer = undefined;
      button.textContent = label;
    };
    const button = this.#button(label, () => {
      if (timer === undefined) {
        button.textContent = 'Really delete them?';
        timer = setTimeout(calm, SURE_MS);
        return undefined;
      }
      clearTimeout(timer);
      calm();
      return onClick();
    });
    button.classList.add('danger');
    return button;
  }
}

function field(label, placeholder, value, isWide = false) {
  const input = element('input', isWide ? 'wide' : '');
  input.placeholder = placeholder;
  input.value = value;
  input.spellcheck = false;
  input.required = isWide;
  if (!isWide) input.pattern = '[0-9]+(\\.[0-9]+)? ?([KMGkmg]i?B?)?(/s)?';
  input.title = isWide ? 'An absolute path' : 'Bytes per second, as 500K or 2M; empty for no limit, 0 to stop';
  return element('label', '', `${label} `, input);
}

function rateText(rate) {
  return rate === null ? '' : formatRate(rate);
}

/** Bytes per second; null for no limit. */
function rateOf(text) {
  if (text === '') return null;
  const unit = /[kmg]/i.exec(text)?.[0].toLowerCase();
  return Math.round(Number.parseFloat(text) * (UNITS[unit] ?? 1));
}
