// The test of the UI: node tests/run.mjs URL FIRST-LINK OUT [STEP...]
// Steps are run in order; each says in its first lines what it proves. The server is a real one, started by
// `cargo test -p app --test ui -- --ignored`.

import { readdirSync } from 'node:fs';
import { ADMIN } from './steps/10-first.mjs';
import { SLOW } from './slow.mjs';
import { Failed, World } from './world.mjs';

const [url, first, out, ...only] = process.argv.slice(2);
const folder = new URL('./steps/', import.meta.url);
const steps = readdirSync(folder).filter((name) => name.endsWith('.mjs')).sort();

const world = await World.open(url, out);
world.first = first;
let failed = 0;
if (only.length && !only.some((one) => '10-first'.includes(one))) {
  await world.goto('/');
  await world.signIn(ADMIN.name, ADMIN.password);
}
for (const file of steps) {
  const name = file.replace('.mjs', '');
  if (only.length && !only.some((one) => name.includes(one))) continue;
  const began = Date.now();
  try {
    world.wrong.length = 0;
    const { default: step } = await import(new URL(file, folder));
    await step(world);
    await world.settled();
    console.log(`ok     ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error instanceof Failed ? error.message : error.stack}`);
    await world.page.screenshot({ path: `${out}/failed-${name}.png` }).catch(() => undefined);
    // What comes after builds on it.
    break;
  }
}
// What a step answers in the server's place is asked for no more.
await world.page.unrouteAll({ behavior: 'ignoreErrors' }).catch(() => undefined);
await world.browser.close();
// Another font is another look: only whoever asks for it has them compared.
const compares = !SLOW && (process.env.LOOKS === '1' || process.env.UPDATE_LOOKS === '1');
const different = failed || !compares ? [] : world.looks.verdict(only.length === 0);
if (SLOW) console.log(`everything was slow (seed ${SLOW}), and no look was taken`);
else if (!compares) console.log('looks were not compared: LOOKS=1 does that');
for (const one of different) console.log(`LOOKS OTHERWISE ${one}`);
if (different.length) console.log(`see ${out}; where it is meant so, UPDATE_LOOKS=1 keeps how it looks now (ui/tests/looks)`);
console.log(`${world.clean} views were looked at by axe without a finding; pictures are in ${out}`);
process.exit(failed || different.length ? 1 : 0);
