/** Texts that have broken programs, and some that would run as a script where they are taken for HTML. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const PAYLOADS: readonly string[] = [
  '<img src=x onerror=alert(1)>',
  '<script>alert(2)</script>',
  '"><svg onload=alert(3)>',
  'javascript:alert(4)',
  "'-alert(5)-'",
  '</title></textarea><iframe srcdoc="<script>alert(6)</script>">',
];

/** The Big List of Naughty Strings. */
export const NAUGHTY: readonly string[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/blns/blns.json'), 'utf8'),
);
