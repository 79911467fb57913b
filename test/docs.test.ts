// What is written about the program is what the program does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONFIG_PAGE, configPage } from './config-page.ts';

test('docs/CONFIG.md is what the option table says (write it by: node test/config-page.ts)', () => {
  assert.equal(readFileSync(CONFIG_PAGE, 'utf8'), configPage());
});
