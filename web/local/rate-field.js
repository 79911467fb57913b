/** A field for a rate as people write it, `500K` or `2 MiB/s`; empty is no limit. */
import { formatRate } from './format.js';
import { element } from './listing-view.js';

const UNITS = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A label with its field; `rate` is bytes per second, null for no limit. */
export function rateField(label, rate) {
  const input = element('input');
  input.placeholder = 'no limit';
  input.value = rateText(rate);
  input.spellcheck = false;
  input.pattern = '[0-9]+(\\.[0-9]+)? ?([KMGkmg]i?B?|B)?(/s)?';
  input.title = 'Bytes per second, as 500K or 2M; empty for no limit, 0 to stop';
  return element('label', '', `${label} `, input);
}

/** What stands in the field for a rate. */
export function rateText(rate) {
  if (rate === null) return '';
  return rate === 0 ? '0' : formatRate(rate);
}

/** Bytes per second; null for no limit. */
export function rateOf(text) {
  if (text === '') return null;
  const unit = /[kmg]/i.exec(text)?.[0].toLowerCase();
  return Math.round(Number.parseFloat(text) * (UNITS[unit] ?? 1));
}
