/** Debian's Chromium at a page: one browser for a test file, and a record of whatever a script that got in would leave. */
import { existsSync } from 'node:fs';
import { after, type TestContext } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { buildPage } from '../../web/build.ts';
import { requireOrSkip } from '../require.ts';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
/** Generous: other tests run beside these. */
const WAIT_MS_MAX = 20_000;
let browser: Promise<Browser> | undefined;

after(async () => (await browser)?.close());

/** True when there is a browser, and the page is built; else the test is skipped. */
export async function canVisit(t: TestContext): Promise<boolean> {
  if (!requireOrSkip(t, existsSync(CHROMIUM), `${CHROMIUM} is not installed`)) return false;
  await buildPage();
  return true;
}

export interface Visit {
  readonly page: Page;
  /** Dialogs, page errors, policy reports, and requests to anybody else. */
  readonly incidents: string[];
}

/** Opens an address in a window of its own, which is closed with the test. */
export async function visit(t: TestContext, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  const context = await (await browser).newContext({ viewport: { width: 1360, height: 800 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS_MAX);
  const incidents: string[] = [];
  page.on('dialog', (dialog) => {
    incidents.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => incidents.push(`error ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') incidents.push(`console ${message.text()} ${message.location().url}`);
  });
  const { origin } = new URL(url);
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !/^(?:data|blob):/.test(request.url())) incidents.push(request.url());
  });
  await page.goto(url);
  return { page, incidents };
}
