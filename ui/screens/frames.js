/**
 * Measures how smoothly the page draws in Chromium while records stream in: `node screens/frames.js [RECORDS A SECOND] [SECONDS]`. Prints one
 * object: the median and the 99th percentile of the time between frames, how many frames were dropped at 60 a second, and rows and memory at
 * the end.
 */
import process from 'node:process';

import { open } from './pages.js';

const [rate = 5_000, seconds = 20] = process.argv.slice(2).map(Number);
const SIZE = { width: 1440, height: 900 };
/** Until it streams at its own pace. */
const SETTLE = 2_000;
const FRAME = 1_000 / 60;

const { browser, address, close } = await open();
const page = await browser.newPage({ viewport: SIZE });
await page.goto(`${address}?scene=story&rate=${String(rate)}#/projects/shop/logs/local`);
await page.getByRole('listbox', { name: 'Records' }).waitFor();
await page.waitForTimeout(SETTLE);

const between = await page.evaluate(async (time) => {
  const found = [];
  const end = performance.now() + time;
  let last = await new Promise(requestAnimationFrame);
  while (last < end) {
    const now = await new Promise(requestAnimationFrame);
    found.push(now - last);
    last = now;
  }
  return found;
}, seconds * 1_000);
const rows = await page
  .getByRole('listbox', { name: 'Records' })
  .getByRole('option')
  .first()
  .getAttribute('aria-setsize');
const memory = await page.evaluate(() => performance.memory.usedJSHeapSize);
await close();

const sorted = between.toSorted((one, other) => one - other);
const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
const dropped = between.reduce((sum, time) => sum + Math.max(0, Math.round(time / FRAME) - 1), 0);
const round = (number) => Math.round(number * 10) / 10;
process.stdout.write(
  `${JSON.stringify({
    records_a_second: rate,
    seconds,
    frames: between.length,
    median_ms: round(at(0.5)),
    p99_ms: round(at(0.99)),
    longest_ms: round(at(1)),
    dropped,
    rows: Number(rows),
    heap_mb: round(memory / 1_000_000),
  })}\n`,
);
