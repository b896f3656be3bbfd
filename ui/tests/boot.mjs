// A real machine boots while the page is open: node tests/boot.mjs URL FIRST-LINK OUT MAC
// It says `watching` when the machine may be switched on, then follows its boot in the page alone, and says when each
// stage was first seen. Started by `cargo test -p lab --test firmware page`.

import { alone, begin } from './alone.mjs';
import { check, World } from './world.mjs';

const [url, first, out, mac] = process.argv.slice(2);
/** A machine under an emulator on a busy host takes its time. */
const PATIENCE_MS = 300_000;

/** What has to be seen, in this order: in the table of what happened, word for word the server's. */
const STAGES = [
  ['address', /→ (OFFER|ACK) 10\.77\.0\.1\d\d/],
  ['script', /script: boot /],
  ['kernel', /\/linux\b/],
  ['initrd', /\/initrd\.gz/],
];

async function follow(world) {
  const { page } = world;
  await begin(world, first);
  await page.getByRole('navigation').waitFor({ state: 'attached' });
  await world.goto('/now');
  await page.getByText('Live', { exact: true }).waitFor({ state: 'attached' });
  console.log('watching');

  const began = Date.now();
  const row = page.getByRole('grid').getByRole('link', { name: mac, exact: true });
  await row.waitFor({ timeout: PATIENCE_MS });
  console.log(`now: it is there after ${Date.now() - began} ms`);
  await page.screenshot({ path: `${out}/real-now.png` });
  // From the row to its boot, by the keyboard.
  await page.getByRole('grid').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /^Boot b/ }).waitFor();

  const seen = new Map();
  const table = page.getByRole('table');
  const until = Date.now() + PATIENCE_MS;
  let furthest = new Set();
  while (Date.now() < until && !(seen.size === STAGES.length && furthest.has('Kernel'))) {
    const text = (await table.textContent()) ?? '';
    for (const [stage, words] of STAGES)
      if (!seen.has(stage) && words.test(text)) {
        seen.set(stage, Date.now() - began);
        console.log(`boot: ${stage} after ${seen.get(stage)} ms`);
        await page.screenshot({ path: `${out}/real-${stage}.png`, fullPage: true });
      }
    const marks = await page.locator('ol[aria-label="How far it came"] li').allTextContents();
    furthest = new Set(marks.filter((one) => /: reached$/.test(one.trim())).map((one) => one.trim().split(':')[0]));
    await page.waitForTimeout(150);
  }
  check(seen.size === STAGES.length, `seen was ${[...seen.keys()]}, and no more; how far: ${[...furthest]}`);
  const moments = STAGES.map(([stage]) => seen.get(stage));
  check(moments.every((at, n) => n === 0 || at >= moments[n - 1]), `not in order: ${JSON.stringify([...seen])}`);
  // It is followed, not looked up when all was over.
  check(moments.at(-1) - moments[0] > 1_000, `all was seen at once: ${JSON.stringify([...seen])}`);
  check(furthest.has('Kernel'), `how far it came: ${[...furthest]}`);
  await page.getByRole('listbox', { name: 'Timeline' }).getByRole('option', { name: /initrd\.gz/ }).first().waitFor();
  await world.goto(`/machines/${mac}`);
  await page.getByRole('link', { name: /^Boot b.*:/ }).first().waitFor();
  await page.screenshot({ path: `${out}/real-machine.png`, fullPage: true });
  await world.settled();
}

await alone(await World.open(url, out), 'real', follow);
