/**
 * Opens every screen of the page in Chromium over the scripted backend, in both themes, and holds it to WCAG 2.2 AA (axe) in the smallest size,
 * to showing no error of its own, and to not scrolling sideways from there to the largest. `--pictures` also takes pictures, small and large.
 */
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import process from 'node:process';

import { SCREENS } from './list.js';
import { open } from './pages.js';

const SMALL = { width: 900, height: 600 };
const LARGE = { width: 1440, height: 900 };
const HUGE = { width: 3840, height: 2160 };
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const FOLDER = resolve(import.meta.dirname, '../../target/tmp/ui');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const pictures = process.argv.includes('--pictures');
const part = process.argv.slice(2).find((argument) => !argument.startsWith('--'));
const wanted = SCREENS.filter(([name]) => part === undefined || name.includes(part));

const { browser, address, hex, close } = await open();
if (pictures) await mkdir(FOLDER, { recursive: true });

let passed = 0;
let failed = 0;
for (const colorScheme of ['light', 'dark']) {
  const context = await browser.newContext({ colorScheme, viewport: SMALL, reducedMotion: 'reduce' });
  for (const [name, scene, where, acts = []] of wanted) {
    const page = await context.newPage();
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.location().url.endsWith('favicon.ico'))
        wrong.push(`console: ${message.text()}`);
    });
    try {
      const hash = typeof where === 'function' ? where(hex) : where;
      await page.goto(`${address}?scene=${scene}${hash}`);
      await page.locator('main h1').first().waitFor({ timeout: 15_000 });
      for (const act of acts) await take(page, act);
      await page.evaluate(() => document.fonts.ready);
      wrong.push(...(await axe(page)));
      for (const [word, size] of Object.entries({ small: SMALL, large: LARGE, huge: HUGE })) {
        await page.setViewportSize(size);
        wrong.push(...(await sideways(page)));
        if (pictures && size !== HUGE)
          await page.screenshot({ path: `${FOLDER}/${name}-${colorScheme}-${word}.png` });
      }
    } catch (error) {
      wrong.push(String(error));
    }
    await page.close();
    if (wrong.length === 0) passed += 1;
    else {
      failed += 1;
      process.stdout.write(`FAILED ${name}, ${colorScheme}\n${wrong.map((line) => `  ${line}\n`).join('')}`);
    }
  }
  await context.close();
}
await close();
process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** Presses a button, a menu's entry or a choice of that name; with a plus in it, keys; `scroll` goes to the end of the screen. */
async function take(page, act) {
  if (act === 'scroll') {
    await page.locator('main').evaluate((main) => main.scrollTo(0, main.scrollHeight));
    return;
  }
  if (act.includes('+')) {
    await page.keyboard.press(act);
    return;
  }
  const open = page.locator('dialog[open]');
  const scope = (await open.count()) > 0 ? open : page;
  const found = scope
    .getByRole('button', { name: act, exact: false })
    .or(scope.getByRole('menuitem', { name: act }))
    .or(scope.getByText(act, { exact: true }));
  await found.first().click();
}

/** Returns what is wider than its place. */
function sideways(page) {
  return page.evaluate(() => {
    const main = document.querySelector('main');
    const all = [document.documentElement, main].filter(
      (one) => one && one.scrollWidth > one.clientWidth + 1,
    );
    return all.map((one) => `${one.localName} scrolls sideways: ${one.scrollWidth} in ${one.clientWidth}`);
  });
}

/** Returns what is wrong with what is shown. */
async function axe(page) {
  await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate((rules) => window.axe.run({ runOnly: rules }), RULES);
  return violations.map(
    ({ id, help, nodes }) =>
      `axe ${id}: ${help}: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary.split('\n').at(1)?.trim().slice(0, 200) ?? ''}`,
  );
}
