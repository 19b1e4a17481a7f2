/** Draws the icons of the tray from their drawings: `node screens/tray.js` writes icons/tray/*.png anew. */
import { readFile } from 'node:fs/promises';
import process from 'node:process';

import { chromium } from 'playwright-core';

const FOLDER = new URL('../../icons/tray/', import.meta.url);
const SIZE = 48;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const page = await browser.newPage({ viewport: { width: SIZE, height: SIZE } });
for (const state of ['healthy', 'degraded', 'down', 'unknown']) {
  const drawing = await readFile(new URL(`${state}.svg`, FOLDER), 'utf8');
  await page.setContent(`<style>* { margin: 0 } svg { display: block; width: ${SIZE}px }</style>${drawing}`);
  await page.screenshot({ path: new URL(`${state}.png`, FOLDER).pathname, omitBackground: true });
}
await browser.close();
