/** Serves the page over the scripted backend, and opens a browser for it. */
import { resolve } from 'node:path';
import process from 'node:process';
import { chromium } from 'playwright-core';
import { build, createServer, preview } from 'vite';

const root = resolve(import.meta.dirname, '..');
const outDir = resolve(root, '../target/tmp/ui-scenes');

/** Returns the browser, the page's address, the ids that the scenes give, and the way to end both. */
export async function open() {
  const shared = { configFile: resolve(root, 'vite.config.ts'), root, mode: 'scenes', logLevel: 'error' };
  await build({ ...shared, build: { outDir, emptyOutDir: true, minify: false } });
  const server = await preview({ ...shared, build: { outDir }, preview: { port: 0, strictPort: false } });
  const modules = await createServer({ ...shared, server: { middlewareMode: true, hmr: false } });
  const { hex } = await modules.ssrLoadModule('/src/lib/backend/stories.ts');
  await modules.close();
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const close = async () => {
    await browser.close();
    await server.close();
  };
  return { browser, address: server.resolvedUrls?.local[0], hex, close };
}
